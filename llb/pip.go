package llb

import (
	"path"
	"strings"

	"github.com/moby/buildkit/client/llb"
)

// Where the pip op finds the files of the context that the spec names for it.
const contextDir = "/context"

// Where the build secrets netrc and known_hosts are while pip runs. Of the second, ssh knows
// by itself.
const (
	netrc      = "/run/secrets/netrc"
	knownHosts = "/etc/ssh/ssh_known_hosts"
)

// pip returns the tree of what pip installs, or nothing if the spec asks for nothing. Its
// only input from the context are the files the spec names, so a change of the
// application's code leaves it cached.
func (g *Graph) pip() ([]llb.State, error) {
	if len(g.Spec.Pip.Requirements) == 0 && len(g.Spec.Pip.Packages) == 0 {
		return nil, nil
	}
	builder, err := g.builder()
	if err != nil {
		return nil, err
	}
	files, err := g.pipFiles()
	if err != nil {
		return nil, err
	}
	args := append([]string{opsDir + "/settled.sh", outDir, opsDir + "/pip.sh"}, g.pipArguments()...)
	installed := g.runOn(builder, g.Base.Platform, op{
		name: "[pip] install " + strings.Join(g.pipSubjects(), " "),
		args: args,
		env: [][2]string{
			{"BUILD_ROOT", outDir}, {"CACHE_ROOT", CacheRoot},
			// Where requests, and so pip, looks credentials up; without the secret there is none.
			{"NETRC", netrc},
		},
		mounts: []llb.RunOption{
			llb.AddMount(contextDir, files, llb.Readonly),
			// A wheel that pip built fits the libraries of one Alpine, and its name does not say which.
			g.cacheMount("pip", "pip", g.Base.PythonXY()+"-alpine"+g.Base.Alpine),
			llb.AddSecret(netrc, llb.SecretID("netrc"), llb.SecretOptional),
			// For requirements of the form name @ git+ssh://…
			llb.AddSSHSocket(llb.SSHOptional),
			llb.AddSecret(knownHosts, llb.SecretID("known_hosts"), llb.SecretOptional),
			llb.Dir(contextDir),
		},
		fetch: true,
		path:  "pip",
	})
	return []llb.State{installed.AddMount(outDir, llb.Scratch())}, nil
}

// pipSubjects returns what is installed, for a human.
func (g *Graph) pipSubjects() []string {
	var subjects []string
	for _, file := range g.Spec.Pip.Requirements {
		subjects = append(subjects, "-r "+file)
	}
	return append(subjects, g.Spec.Pip.Packages...)
}

// pipArguments returns pip's own options. What the spec says wins over what was said from
// outside, key by key.
func (g *Graph) pipArguments() []string {
	p := g.Spec.Pip
	var args []string
	indexed := p.IndexURL != "" || len(p.ExtraIndexURLs) > 0
	if p.NoIndex || g.Overrides.NoIndex && !indexed {
		args = append(args, "--no-index")
	}
	if url := firstOf(p.IndexURL, g.Overrides.IndexURL); url != "" {
		args = append(args, "--index-url="+url)
	}
	args = appendFlag(args, "--extra-index-url", orElse(p.ExtraIndexURLs, g.Overrides.ExtraIndexURLs))
	args = appendFlag(args, "--find-links", orElse(p.FindLinks, g.Overrides.FindLinks))
	args = appendFlag(args, "--trusted-host", orElse(p.TrustedHosts, g.Overrides.TrustedHosts))
	args = appendFlag(args, "--constraint", p.Constraints)
	args = appendFlag(args, "--requirement", p.Requirements)
	return append(append(args, "--"), p.Packages...)
}

// pipFiles returns a tree of the files of the context that pip's options name.
func (g *Graph) pipFiles() (llb.State, error) {
	tree := llb.Scratch()
	for _, file := range pipPaths(g.Spec) {
		main, err := g.context("")
		if err != nil {
			return llb.State{}, err
		}
		tree = tree.File(copyPath(main, file.path, path.Join("/", file.path)), g.described("[pip] read "+file.path, file.at)...)
	}
	return tree, nil
}

func firstOf(values ...string) string {
	for _, value := range values {
		if value != "" {
			return value
		}
	}
	return ""
}

func orElse(values, fallback []string) []string {
	if len(values) > 0 {
		return values
	}
	return fallback
}
