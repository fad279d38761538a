package llb

import (
	"os"
	"path"
	"strconv"
	"strings"

	"github.com/moby/buildkit/client/llb"
	"github.com/pkg/errors"

	"github.com/autumnjolitz/distroless-frontend/spec"
)

// files copies the entries of files over an image, one after the other as COPY does, so that
// a folder which is there keeps its owner and mode.
func (g *Graph) files(image llb.State) (llb.State, error) {
	for i, file := range g.Spec.Files {
		at := spec.Index("files", i)
		action, err := g.copyAction(file)
		if err != nil {
			return llb.State{}, g.located(err, at)
		}
		name := "[files] copy " + strings.Join(file.From, " ") + " to " + file.To
		image = image.File(action, g.describedFor(g.Base.Platform, name, at)...)
	}
	return image, nil
}

// likeCOPY returns how the COPY of a Dockerfile copies.
func likeCOPY() *llb.CopyInfo {
	return &llb.CopyInfo{
		FollowSymlinks:      true,
		CopyDirContentsOnly: true,
		CreateDestPath:      true,
		AllowWildcard:       true,
		AllowEmptyWildcard:  true,
	}
}

// copyAction copies as Dockerfile's COPY does: of a folder its contents, by pattern if the
// name is one, into a folder if the destination ends in a slash.
func (g *Graph) copyAction(file spec.File) (*llb.FileAction, error) {
	from, err := g.context(file.Context)
	if err != nil {
		return nil, err
	}
	info := likeCOPY()
	if file.Chmod != "" {
		mode, err := strconv.ParseUint(file.Chmod, 8, 12)
		if err != nil {
			return nil, errors.Errorf("chmod: %q is not an octal mode such as 0755", file.Chmod)
		}
		info.Mode = &llb.ChmodOpt{Mode: os.FileMode(mode)}
	}
	owner, err := g.ownerOf(file.Chown)
	if err != nil {
		return nil, err
	}
	options := []llb.CopyOption{info}
	if owner != nil {
		options = append(options, owner)
	}

	var action *llb.FileAction
	for _, source := range file.From {
		source = path.Join("/", source)
		if action == nil {
			action = llb.Copy(from, source, g.destination(file.To), options...)
		} else {
			action = action.Copy(from, source, g.destination(file.To), options...)
		}
	}
	return action, nil
}

// destination makes a path absolute, from the working directory, and keeps a final slash.
func (g *Graph) destination(to string) string {
	absolute := path.Join("/", to)
	if !path.IsAbs(to) {
		absolute = path.Join("/", g.Spec.Workdir, to)
	}
	if absolute != "/" && (strings.HasSuffix(to, "/") || path.Base(to) == ".") {
		absolute += "/"
	}
	return absolute
}

// workdir creates the working directory in a root that has none of that name.
func (g *Graph) workdir(root llb.State) llb.State {
	dir := path.Join("/", g.Spec.Workdir)
	if dir == "/" {
		return root
	}
	made := g.run(op{
		name: "[files] create " + dir,
		args: g.settled([]string{"mkdir", "-p", outDir + dir}),
		path: "workdir",
	})
	return made.AddMount(outDir, root)
}
