package spec

import (
	"maps"
	"regexp"
	"strconv"
	"strings"
	"unicode"
)

// User is a user of the image, besides root and nonroot.
type User struct {
	Name string `yaml:"name" doc:"Name of the user." example:"app" required:"true"`
	UID  int    `yaml:"uid" doc:"Number of the user." example:"1000" required:"true"`
	// GID is in place in a parsed spec.
	GID int `yaml:"gid" doc:"Number of the group of the user." example:"1000"`
	// Group is in place in a parsed spec: no group has two numbers, and no number two groups.
	Group string `yaml:"group" doc:"Name of that group." example:"app"`
	// Home and Shell are absolute and clean paths, in place in a parsed spec.
	Home  string `yaml:"home" doc:"Home directory, which is created." example:"/home/app"`
	Shell string `yaml:"shell" doc:"Program that runs when the user logs in." example:"/bin/sh"`
}

// The users that every image has.
const (
	rootID    = 0
	nonrootID = 65532
)

// maxID is the largest id that all file systems and engines know.
const maxID = 1<<31 - 1

// userName is what useradd takes, in the characters that are portable (POSIX, 3.426).
var userName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9._-]{0,31}$`)

func (s *Spec) validateUsers() error {
	groups := map[string]int{"root": rootID, "nonroot": nonrootID}
	names := maps.Clone(groups)
	ids := map[int]string{rootID: "root", nonrootID: "nonroot"}
	for i := range s.Users {
		at, u := Index("users", i), &s.Users[i]
		if !userName.MatchString(u.Name) {
			return s.errorf(at+".name", "%s is not the name of a user: expected up to 32 letters, digits, dots, dashes and underscores, not beginning with a digit, dot or dash", quote(u.Name))
		}
		if id, ok := names[u.Name]; ok {
			return s.errorf(at+".name", "there is a user %s already, %d; choose another name", quote(u.Name), id)
		}
		if err := s.checkID(at+".uid", u.UID, 1); err != nil {
			return err
		}
		if name, ok := ids[u.UID]; ok {
			return s.errorf(at+".uid", "%d is the number of %s already; choose another", u.UID, name)
		}
		names[u.Name], ids[u.UID] = u.UID, u.Name
		if err := s.completeUser(at, u); err != nil {
			return err
		}
		if err := s.completeGroup(at, u, groups); err != nil {
			return err
		}
	}
	return nil
}

func (s *Spec) checkID(at string, id, least int) error {
	if id < least || id > maxID {
		return s.errorf(at, "%d is out of range: expected a number from %d to %d", id, least, maxID)
	}
	return nil
}

// checkOwner accepts user or user:group, of which both are names or numbers.
func (s *Spec) checkOwner(at, value, what string) error {
	if !owner.MatchString(value) {
		return s.errorf(at, `%s is not %s: expected user or user:group, such as nonroot or "1000:1000"`, quote(value), what)
	}
	for id := range strings.SplitSeq(value, ":") {
		isName := strings.ContainsFunc(id, func(r rune) bool { return !unicode.IsDigit(r) })
		if number, err := strconv.Atoi(id); !isName && (err != nil || number > maxID) {
			return s.errorf(at, "%s is out of range: expected a name, or a number from 0 to %d", quote(id), maxID)
		}
	}
	return nil
}

// completeUser checks what a user may have besides name and number, and fills in what is missing.
func (s *Spec) completeUser(at string, u *User) error {
	if !s.has(at + ".gid") {
		u.GID = u.UID
	}
	if err := s.checkID(at+".gid", u.GID, 0); err != nil {
		return err
	}
	if s.has(at+".group") && !userName.MatchString(u.Group) {
		return s.errorf(at+".group", "%s is not the name of a group: expected up to 32 letters, digits, dots, dashes and underscores, not beginning with a digit, dot or dash", quote(u.Group))
	}
	for _, field := range []struct {
		key   string
		value *string
		other string
	}{
		{".home", &u.Home, "/home/" + u.Name},
		{".shell", &u.Shell, "/sbin/nologin"},
	} {
		if !s.has(at + field.key) {
			*field.value = field.other
		}
		if err := s.absolutePath(at+field.key, field.value); err != nil {
			return err
		}
		if strings.Contains(*field.value, ":") {
			return s.errorf(at+field.key, "%s contains a colon, which /etc/passwd has no place for", quote(*field.value))
		}
	}
	return nil
}

// completeGroup fills in the name of a user's group, which is that of the user unless it is one
// of groups already, and adds it to these.
func (s *Spec) completeGroup(at string, u *User, groups map[string]int) error {
	key := at + ".group"
	if !s.has(key) {
		key, u.Group = at+".name", u.Name
		for name, gid := range groups {
			if gid == u.GID {
				u.Group = name
			}
		}
	}
	if gid, ok := groups[u.Group]; ok && gid != u.GID {
		return s.errorf(key, "there is a group %s already, %d, and not %d; choose another group or gid", quote(u.Group), gid, u.GID)
	}
	for name, gid := range groups {
		if name != u.Group && gid == u.GID {
			return s.errorf(key, "%d is the number of the group %s already, and not of %s; choose that group, or another gid", gid, quote(name), quote(u.Group))
		}
	}
	groups[u.Group] = u.GID
	return nil
}
