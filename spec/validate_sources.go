package spec

import (
	"errors"
	"net/url"
	"regexp"
	"strings"
	"unicode"
)

// The grammar of a line of /etc/apk/world, less conflicts (!name). What a name
// may contain goes for the providers so:, cmd:, pc: and py3.12: too, and a name
// never begins with a dash, which apk would take for an option.
var apkPackage = regexp.MustCompile(`^[A-Za-z0-9_/][A-Za-z0-9_.+:/\[\]-]*(@[A-Za-z0-9_.-]+)?([<>=~]{1,2}[A-Za-z0-9_.:~+-]+)?(@[A-Za-z0-9_.-]+)?$`)

func (s *Spec) validateAPK() error {
	if err := each("packages", s.Packages, s.checkPackage); err != nil {
		return err
	}
	if err := each("apk.build", s.APK.Build, s.checkPackage); err != nil {
		return err
	}
	for i := range s.APK.Repositories {
		repository := &s.APK.Repositories[i]
		if err := s.checkRepository(Index("apk.repositories", i), repository); err != nil {
			return err
		}
	}
	for i := range s.APK.Keys {
		path := Index("apk.keys", i)
		if err := s.contextFile(path, &s.APK.Keys[i]); err != nil {
			return err
		}
		if !strings.HasSuffix(s.APK.Keys[i], ".rsa.pub") {
			return s.errorf(path, "%s is not named as apk names keys: expected a file name that ends in .rsa.pub", quote(s.APK.Keys[i]))
		}
	}
	return nil
}

func (s *Spec) checkPackage(path, text string) error {
	switch {
	case strings.HasPrefix(text, "-"):
		return s.errorf(path, "%s looks like an option of apk: expected the name of a package", quote(text))
	case strings.HasPrefix(text, "!"):
		return s.errorf(path, "%s is a conflict: expected a package to install", quote(text))
	case !apkPackage.MatchString(text):
		return s.errorf(path, "%s is not a package: expected a name such as libpq, optionally with a version or a tag as in libpq=16.2-r0, libpq~16 or libpq@edge",
			quote(text))
	}
	return nil
}

var repositoryTag = regexp.MustCompile(`^(@[A-Za-z0-9_.-]+) +(.*)$`)

// checkRepository also leaves just one blank between a tag and its URL.
func (s *Spec) checkRepository(path string, p *string) error {
	tag, address := "", *p
	if m := repositoryTag.FindStringSubmatch(address); m != nil {
		tag, address = m[1]+" ", m[2]
	}
	*p = tag + address
	return s.checkURL(path, address)
}

func (s *Spec) validatePip() error {
	for i := range s.Pip.Requirements {
		if err := s.contextFile(Index("pip.requirements", i), &s.Pip.Requirements[i]); err != nil {
			return err
		}
	}
	if err := each("pip.packages", s.Pip.Packages, s.checkRequirement); err != nil {
		return err
	}
	for i := range s.Pip.Constraints {
		if err := s.contextFile(Index("pip.constraints", i), &s.Pip.Constraints[i]); err != nil {
			return err
		}
	}
	if s.Pip.RequireHashes && len(s.Pip.Packages) > 0 {
		return s.errorf("pip.packages", "a hash can stand in a requirements file only, and pip.require-hashes wants one of everything: "+
			"move these lines to a file, and name it under pip.requirements")
	}
	if err := s.validateProject(); err != nil {
		return err
	}
	if err := s.checkProjects("pip.only-binary", s.Pip.OnlyBinary); err != nil {
		return err
	}
	if err := s.checkProjects("pip.no-binary", s.Pip.NoBinary); err != nil {
		return err
	}
	if err := s.validateIndexes(); err != nil {
		return err
	}
	return s.validateCredentials()
}

// The form of a project's name:
// https://packaging.python.org/en/latest/specifications/name-normalization/
var projectName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$`)

// checkProjects checks names of projects, or the word for all of them.
func (s *Spec) checkProjects(path string, projects []string) error {
	const all = ":all:"
	for i, project := range projects {
		switch {
		case project == all && len(projects) > 1:
			return s.errorf(Index(path, i), "%s includes the others; remove it, or them", all)
		case project != all && !projectName.MatchString(project):
			return s.errorf(Index(path, i), "%s is not the name of a project: expected a name such as markupsafe, or just %s", quote(project), all)
		}
	}
	return nil
}

func (s *Spec) validateIndexes() error {
	if s.has("pip.index-url") {
		if err := s.checkURL("pip.index-url", s.Pip.IndexURL); err != nil {
			return err
		}
	}
	if err := each("pip.extra-index-urls", s.Pip.ExtraIndexURLs, s.checkURL); err != nil {
		return err
	}
	for i, link := range s.Pip.FindLinks {
		path := Index("pip.find-links", i)
		check := s.contextPath
		if _, _, ok := LinkedContext(link); ok {
			check = s.checkLinkedContext
		} else if strings.Contains(link, "://") {
			check = func(path string, p *string) error { return s.checkURL(path, *p) }
		}
		if err := check(path, &s.Pip.FindLinks[i]); err != nil {
			return err
		}
	}
	return each("pip.trusted-hosts", s.Pip.TrustedHosts, s.checkHost)
}

func (s *Spec) checkRequirement(path, text string) error {
	if err := s.checkLine(path, text); err != nil {
		return err
	}
	if strings.HasPrefix(strings.TrimSpace(text), "-") {
		return s.errorf(path, "%s looks like an option of pip: expected a requirement such as httpie==3.2.4; options have keys of their own under pip", quote(text))
	}
	// A requirement may hold a URL, as in "name @ git+https://host/repository".
	if HasCredentials(text) {
		return s.credentials(path)
	}
	return nil
}

var trustedHost = regexp.MustCompile(`^([A-Za-z0-9_]([A-Za-z0-9_.-]*)|\[[0-9A-Fa-f:.]+\])(:\d{1,5})?$`)

func (s *Spec) checkHost(path, host string) error {
	if !trustedHost.MatchString(host) {
		return s.errorf(path, "%s is not a host: expected a host or host:port, such as mirror.example", quote(host))
	}
	return nil
}

// checkURL never shows the URL: one that is broken may contain credentials too.
func (s *Spec) checkURL(path, address string) error {
	if err := s.checkLine(path, address); err != nil {
		return err
	}
	if HasCredentials(address) {
		return s.credentials(path)
	}
	const want = "expected a URL such as https://mirror.example/path"
	if strings.ContainsFunc(address, unicode.IsSpace) {
		return s.errorf(path, "the URL contains blanks; %s", want)
	}
	u, err := url.Parse(address)
	var parseError *url.Error
	if errors.As(err, &parseError) {
		return s.errorf(path, "not a URL: %v; %s", parseError.Err, want)
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" {
		return s.errorf(path, "not an http or https URL; %s", want)
	}
	return nil
}

// CredentialsHelp says what to do about a URL with credentials.
const CredentialsHelp = "the URL contains credentials, which would become part of the build's record; " +
	"remove them, and for pip write them into a netrc file and build with --secret id=netrc,src=FILE"

func (s *Spec) credentials(path string) error {
	return s.errorf(path, CredentialsHelp)
}

// HasCredentials looks for user@ in the authority of each URL of a text. It does not parse, as
// no parser accepts everything that holds a password, ${TOKEN} for example. The user name of an
// ssh URL is no secret.
func HasCredentials(text string) bool {
	scheme, rest, found := strings.Cut(text, "://")
	for found {
		authority := rest
		if end := strings.IndexAny(rest, "/?#"); end >= 0 {
			authority = rest[:end]
		}
		if user, _, ok := strings.Cut(authority, "@"); ok && (!strings.HasSuffix(scheme, "ssh") || strings.Contains(user, ":")) {
			return true
		}
		scheme, rest, found = strings.Cut(rest, "://")
	}
	return false
}
