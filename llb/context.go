package llb

import (
	"path"
	"slices"
	"strings"

	"github.com/moby/buildkit/client/llb"
	"github.com/pkg/errors"

	"github.com/autumnjolitz/distroless-frontend/spec"
)

// KeysContext is the named context whose *.pub files are trusted for packages.
const KeysContext = "apk-keys"

// context returns the build context of a name that the spec uses.
func (g *Graph) context(name string) (llb.State, error) {
	st, ok, err := g.Context(name)
	if err != nil {
		return llb.State{}, err
	}
	if !ok {
		return llb.State{}, errors.Errorf("no build context is named %q: give one with --build-context %s=PATH", name, name)
	}
	return st, nil
}

// ContextPaths returns the paths, which may be patterns, that a graph of the spec uses of a
// context, sorted, so that a client need not send the rest. The main context has the name "".
// It uses nothing of it where used is false, and all of it where used is true and there are
// no paths. PipFiles is what that of the Options returns.
func ContextPaths(s *spec.Spec, o Overrides, pipFiles []string, name string) (paths []string, used bool) {
	switch name {
	case KeysContext:
		paths = append(paths, "*.pub")
	case "":
		paths = append(paths, s.APK.Keys...)
		for _, file := range pipPaths(s, pipFiles) {
			paths = append(paths, file.path)
		}
		if s.Pip.Project != "" {
			paths = append(paths, s.Pip.Project)
		}
	}
	paths = append(paths, linkedPaths(findLinks(s, o), name)...)
	for _, file := range s.Files {
		if file.Context == name {
			paths = append(paths, file.From...)
		}
	}
	for i := range paths {
		paths[i] = path.Join(".", paths[i])
	}
	used = len(paths) > 0
	if slices.Contains(paths, ".") {
		return nil, used
	}
	slices.Sort(paths)
	return slices.Compact(paths), used
}

// A contextPath is a path of the main context and the key of the spec that names it.
type contextPath struct{ path, at string }

// pipPaths returns the files and folders of the main context that pip reads: those its options
// name, and those that these name.
func pipPaths(s *spec.Spec, pipFiles []string) []contextPath {
	var paths []contextPath
	add := func(key string, values []string) {
		for i, value := range values {
			if !strings.Contains(value, "://") && !isDeclaration(value) {
				paths = append(paths, contextPath{value, spec.Index(key, i)})
			}
		}
	}
	add("pip.requirements", s.Pip.Requirements)
	add("pip.constraints", s.Pip.Constraints)
	add("pip.find-links", s.Pip.FindLinks)
	if s.Pip.Cert != "" {
		paths = append(paths, contextPath{s.Pip.Cert, "pip.cert"})
	}
	for _, file := range pipFiles {
		paths = append(paths, contextPath{file, "pip"})
	}
	return paths
}
