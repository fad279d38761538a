package llb

import (
	"cmp"
	"strconv"
	"strings"

	"github.com/moby/buildkit/client/llb"
	"github.com/pkg/errors"
)

// users adds the users of the spec to a root that has its packages, whose scripts may have
// added others.
func (g *Graph) users(root llb.State) llb.State {
	if len(g.Spec.Users) == 0 {
		return root
	}
	args := []string{"python", opsDir + "/users.py", outDir}
	var names []string
	for _, u := range g.Spec.Users {
		names = append(names, u.Name)
		args = append(args, strings.Join([]string{u.Name, strconv.Itoa(u.UID), strconv.Itoa(u.GID), u.Group, u.Home, u.Shell}, ":"))
	}
	added := g.run(op{
		name: "[files] add the users " + strings.Join(names, " "),
		args: g.settled(args),
		path: "users",
	})
	return added.AddMount(outDir, root)
}

// directories makes the folders that the user of the image may write to. It does so in the
// image as it is put together, since the folders may be those of any of its layers.
func (g *Graph) directories(image llb.State) llb.State {
	args := []string{"python", opsDir + "/directories.py", outDir}
	var paths []string
	at := "writable"
	for _, w := range g.Spec.Writable {
		paths = append(paths, w.Path)
		args = append(args, "writable", w.Path, cmp.Or(w.Owner, g.Spec.User, "root"), w.Mode)
	}
	if !g.runsAsRoot() { // for whom the engine makes volumes
		for _, volume := range g.Spec.Volumes {
			paths = append(paths, volume)
			args = append(args, "volume", volume, g.Spec.User, "")
		}
	}
	if len(paths) == 0 {
		return image
	}
	if len(g.Spec.Writable) == 0 {
		at = "volumes"
	}
	made := g.run(op{
		name: "[files] make " + strings.Join(paths, " ") + " writable",
		args: g.settled(args),
		path: at,
	})
	return made.AddMount(outDir, image)
}

func (g *Graph) runsAsRoot() bool {
	user, _, _ := strings.Cut(g.Spec.User, ":")
	return user == "" || user == "root" || user == "0"
}

// ownerOf reads user[:group]. The names are those that every image has and those of the spec:
// of others BuildKit would look an id up in the image, and copy as root, in silence, if there
// is none.
func (g *Graph) ownerOf(chown string) (llb.ChownOption, error) {
	if chown == "" {
		return nil, nil
	}
	user, group, hasGroup := strings.Cut(chown, ":")
	uid, gid, err := g.userID(user)
	if err == nil && hasGroup {
		gid, err = g.groupID(group)
	}
	if err != nil {
		return nil, err
	}
	return llb.ChownOpt{User: &llb.UserOpt{UID: uid}, Group: &llb.UserOpt{UID: gid}}, nil
}

func (g *Graph) userID(name string) (uid, gid int, err error) {
	for _, u := range g.Spec.Users {
		if u.Name == name {
			return u.UID, u.GID, nil
		}
	}
	id, err := idOf(name)
	return id, id, err
}

func (g *Graph) groupID(name string) (int, error) {
	for _, u := range g.Spec.Users {
		if u.Group == name {
			return u.GID, nil
		}
	}
	return idOf(name)
}

func idOf(name string) (int, error) {
	switch name {
	case "root":
		return 0, nil
	case "nonroot":
		return nonroot, nil
	}
	id, err := strconv.ParseUint(name, 10, 31)
	if err != nil {
		return 0, errors.Errorf("chown: %q is not known: expected a number, root, nonroot or a name under users", name)
	}
	return int(id), nil
}
