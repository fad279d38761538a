package llb

import (
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/moby/buildkit/client/llb"
	"github.com/pkg/errors"
)

// context returns the build context of a name that the spec uses.
func (g *Graph) context(name string) (llb.State, error) {
	st, ok, err := g.Context(name, g.contextPaths(name))
	if err != nil {
		return llb.State{}, err
	}
	if !ok {
		return llb.State{}, errors.Errorf("no build context is named %q: give one with --build-context %s=PATH", name, name)
	}
	return st, nil
}

// contextPaths returns what the spec uses of a context, sorted, so that a client need not
// send the rest; nothing if that is all of it.
func (g *Graph) contextPaths(name string) []string {
	var paths []string
	if name == "" {
		paths = append(paths, g.Spec.APK.Keys...)
		for _, file := range g.pipPaths() {
			paths = append(paths, file.path)
		}
	}
	for _, file := range g.Spec.Files {
		if file.Context == name {
			paths = append(paths, file.From...)
		}
	}
	for i := range paths {
		paths[i] = path.Join(".", paths[i])
	}
	if slices.Contains(paths, ".") {
		return nil
	}
	slices.Sort(paths)
	return slices.Compact(paths)
}

// A contextPath is a path of the main context and the key of the spec that names it.
type contextPath struct{ path, at string }

// pipPaths returns the files and folders of the main context that pip's options name.
func (g *Graph) pipPaths() []contextPath {
	var paths []contextPath
	add := func(key string, values []string) {
		for i, value := range values {
			if !strings.Contains(value, "://") {
				paths = append(paths, contextPath{value, key + "[" + strconv.Itoa(i) + "]"})
			}
		}
	}
	add("pip.requirements", g.Spec.Pip.Requirements)
	add("pip.constraints", g.Spec.Pip.Constraints)
	add("pip.find-links", g.Spec.Pip.FindLinks)
	return paths
}
