package llb

import (
	"path"

	"github.com/moby/buildkit/client/llb"

	"github.com/autumnjolitz/distroless-frontend/spec"
)

// Where the op that downloads finds the named contexts of find-links.
const linksDir = "/links"

// findLinks returns where distributions lie, as the spec or the build arguments say it.
func findLinks(s *spec.Spec, o Overrides) []string {
	return orElse(s.Pip.FindLinks, o.FindLinks)
}

func (g *Graph) findLinks() []string { return findLinks(g.Spec, g.Overrides) }

// linkPaths returns what pip is told of them.
func linkPaths(links []string) []string {
	var paths []string
	for _, link := range links {
		if name, below, ok := spec.LinkedContext(link); ok {
			link = path.Join(linksDir, name, below)
		}
		paths = append(paths, link)
	}
	return paths
}

// linkedPaths returns the paths of a named context that find-links name.
func linkedPaths(links []string, context string) []string {
	var paths []string
	for _, link := range links {
		if name, below, ok := spec.LinkedContext(link); ok && name == context {
			paths = append(paths, path.Join(".", below))
		}
	}
	return paths
}

// linkedContexts returns a mount of what find-links name of other contexts.
func (g *Graph) linkedContexts() ([]llb.RunOption, error) {
	tree, any := llb.Scratch(), false
	for i, link := range g.findLinks() {
		name, below, ok := spec.LinkedContext(link)
		if !ok {
			continue
		}
		any = true
		at := "pip.find-links"
		if len(g.Spec.Pip.FindLinks) > 0 {
			at = spec.Index(at, i)
		}
		from, err := g.context(name)
		if err != nil {
			return nil, g.located(err, at)
		}
		tree = tree.File(copyPath(from, below, path.Join("/", name, below)), g.described("[pip] read "+link, at)...)
	}
	if !any {
		return nil, nil
	}
	return []llb.RunOption{llb.AddMount(linksDir, tree, llb.Readonly)}, nil
}
