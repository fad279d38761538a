package llb

import (
	"cmp"
	"path"
	"slices"
	"strings"

	"github.com/containerd/platforms"
	"github.com/moby/buildkit/client/llb"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/autumnjolitz/distroless-frontend/internal/requirements"
)

// Where the op that downloads finds the files of the context that the spec names for it.
const contextDir = requirements.ContextDir

// Where the build secrets netrc and known_hosts are while pip downloads. Of the second, ssh knows
// by itself.
const (
	netrc      = "/run/secrets/netrc"
	knownHosts = "/etc/ssh/ssh_known_hosts"
)

// Where the op that installs finds what the others have downloaded, and built.
const (
	downloadsDir = "/downloads"
	builtDir     = "/built"
)

// SourcesDir is the folder of source distributions in what pip downloads, if there are any.
const SourcesDir = "sdists"

// pip returns the tree of what pip installs, or nothing if the spec asks for nothing. Its
// only input from the context are the files the spec names, so a change of the
// application's code leaves it cached.
func (g *Graph) pip() ([]llb.State, error) {
	if !installsWithPip(g.Spec) {
		return nil, nil
	}
	on, err := g.pipBase()
	if err != nil {
		return nil, err
	}
	declared, err := g.declared()
	if err != nil {
		return nil, err
	}
	files, err := g.pipFiles(declared)
	if err != nil {
		return nil, err
	}
	files.main = g.needSecrets(files.main, declared)
	downloads, err := g.pipDownload(on, files, declared)
	if err != nil {
		return nil, err
	}
	built, err := g.pipEmulated(downloads)
	if err != nil {
		return nil, err
	}
	layers := []llb.State{g.pipInstall(on, downloads, built)}
	if g.Spec.Pip.Project != "" {
		layers = append(layers, g.pipProject(on, downloads, declared))
	}
	return layers, nil
}

// A pipBase is what the ops of pip execute on. Where that is not of the platform of the
// image, the target tells the scripts which one that is.
type pipBase struct {
	builder  llb.State
	platform ocispecs.Platform
	target   []string // arguments
}

// pipBase returns the builder of the build platform: of another, pip needs to know no more
// than the name of the machine. It is not emulated either: that takes long, and an emulator
// has not got the filter of system calls that keeps build code from the network.
func (g *Graph) pipBase() (pipBase, error) {
	native := g
	var target []string
	if g.foreign() {
		native = g.shared()
		target = []string{"--machine", machine(g.Base.Platform), "--platform", platforms.Format(g.Base.Platform)}
	}
	builder, err := native.builder()
	return pipBase{builder, native.Base.Platform, target}, err
}

// machine returns what `uname -m` says on a platform, by which wheels are named.
func machine(p ocispecs.Platform) string {
	switch p.Architecture {
	case "amd64":
		return "x86_64"
	case "386":
		return "i686"
	case "arm64":
		return "aarch64"
	case "arm":
		return "arm" + cmp.Or(p.Variant, "v7") + "l"
	}
	return p.Architecture // riscv64, ppc64le and s390x have one name
}

// pipDownload returns a tree of all that pip installs and builds with. It alone has the
// network and the secrets, and so runs no code of what it downloads but as confine.py lets it.
func (g *Graph) pipDownload(on pipBase, files pipFiles, declared *Declared) (llb.State, error) {
	secrets, err := g.pipSecretArguments()
	if err != nil {
		return llb.State{}, err
	}
	args := append([]string{"python", opsDir + "/pip_download.py", "--out", outDir}, on.target...)
	if g.foreign() && g.Emulated {
		args = append(args, "--emulated")
	}
	args = append(args, slices.Concat(declared.options(), g.lockOptions(), secrets)...)
	downloaded := g.runOn(on.builder, on.platform, op{
		name: "[pip] download " + strings.Join(g.pipSubjects(), " "),
		args: g.settled(append(append(args, "--"), g.pipArguments(declared)...)),
		env: [][2]string{
			{"CACHE_ROOT", CacheRoot},
			// Where requests, and so pip, looks credentials up; without the secret there is none.
			{"NETRC", netrc},
		},
		mounts: append([]llb.RunOption{
			llb.AddMount(contextDir, files.main, llb.Readonly),
			g.pipCache(),
			llb.AddSecret(netrc, llb.SecretID("netrc"), llb.SecretOptional),
			// For requirements of the form name @ git+ssh://…
			llb.AddSSHSocket(llb.SSHOptional),
			llb.AddSecret(knownHosts, llb.SecretID("known_hosts"), llb.SecretOptional),
			llb.Dir(contextDir),
		}, slices.Concat(files.linked, declared.mounts(), g.pipSecretMounts())...),
		fetch: true,
		path:  "pip",
	})
	return downloaded.AddMount(outDir, llb.Scratch()), nil
}

// pipEmulated returns a tree of wheels, built on the platform of the image, of the source
// distributions in downloads. It is nil where pipInstall builds them itself, or there are none.
func (g *Graph) pipEmulated(downloads llb.State) (*llb.State, error) {
	if !g.foreign() || !g.Emulated {
		return nil, nil
	}
	if has, err := g.HasSources(downloads); err != nil || !has {
		return nil, err
	}
	builder, err := g.builder()
	if err != nil {
		return nil, err
	}
	args := []string{"python", opsDir + "/pip_build.py", "--downloads", downloadsDir, "--out", outDir}
	o := g.pipOffline("[pip] build source distributions under emulation", args, downloads)
	built := g.runOn(builder, g.Base.Platform, o).AddMount(outDir, llb.Scratch())
	return &built, nil
}

// pipInstall returns the tree of what is in downloads once it is built, unless built has the
// result of that, and installed.
func (g *Graph) pipInstall(on pipBase, downloads llb.State, built *llb.State) llb.State {
	args := append([]string{"python", opsDir + "/pip_install.py", "--downloads", downloadsDir, "--root", outDir}, on.target...)
	args = append(args, g.pipBytecode()...)
	o := g.pipOffline("[pip] install "+strings.Join(g.pipSubjects(), " "), args, downloads)
	if built != nil {
		o.args = append(o.args, "--built", builtDir)
		o.mounts = append(o.mounts, llb.AddMount(builtDir, *built, llb.Readonly))
	}
	return g.runOn(on.builder, on.platform, o).AddMount(outDir, llb.Scratch())
}

// pipOffline returns an op on what pip has downloaded, which has neither a network nor secrets.
func (g *Graph) pipOffline(name string, args []string, downloads llb.State) op {
	return op{
		name: name,
		args: g.settled(args),
		env:  [][2]string{{"CACHE_ROOT", CacheRoot}},
		mounts: []llb.RunOption{
			llb.AddMount(downloadsDir, downloads, llb.Readonly),
			g.pipCache(),
		},
		path: "pip",
	}
}

// pipCache is where pip keeps what it downloaded and the wheels it built. A wheel fits the
// libraries of one Alpine, and its name does not say which. The number is for what changes in how
// it is kept: in the first, pip could keep logins.
func (g *Graph) pipCache() llb.RunOption {
	return g.cacheMount("pip", "pip", "2", g.Base.PythonXY()+"-alpine"+g.Base.Alpine)
}

// pipSubjects returns what is installed, for a human.
func (g *Graph) pipSubjects() []string {
	var subjects []string
	for _, file := range g.Spec.Pip.Requirements {
		subjects = append(subjects, "-r "+file)
	}
	if g.Spec.Pip.Project != "" {
		subjects = append(subjects, "the requirements of "+g.projectName())
	}
	return append(subjects, g.Spec.Pip.Packages...)
}

// pipArguments returns pip's own options. What the spec says wins over what was said from
// outside, key by key.
func (g *Graph) pipArguments(declared *Declared) []string {
	p := g.Spec.Pip
	var args []string
	indexed := p.IndexURL != "" || len(p.ExtraIndexURLs) > 0
	if p.NoIndex || g.Overrides.NoIndex && !indexed {
		args = append(args, "--no-index")
	}
	if url := cmp.Or(p.IndexURL, g.Overrides.IndexURL); url != "" {
		args = append(args, "--index-url="+url)
	}
	args = appendFlag(args, "--extra-index-url", orElse(p.ExtraIndexURLs, g.Overrides.ExtraIndexURLs))
	args = appendFlag(args, "--find-links", linkPaths(g.findLinks()))
	args = appendFlag(args, "--trusted-host", orElse(p.TrustedHosts, g.Overrides.TrustedHosts))
	if p.RequireHashes {
		args = append(args, "--require-hashes")
	}
	args = appendFlag(args, "--only-binary", p.OnlyBinary)
	args = appendFlag(args, "--no-binary", p.NoBinary)
	args = appendFlag(args, "--constraint", p.Constraints)
	args = appendFlag(args, "--requirement", plainRequirements(p))
	args = append(args, g.lockArguments()...)
	return append(append(args, "--"), slices.Concat(p.Packages, declared.requirements())...)
}

// pipFiles are what pip reads of contexts: a tree of files of the main one, and mounts of others.
type pipFiles struct {
	main   llb.State
	linked []llb.RunOption
}

// pipFiles returns the files of the contexts that pip reads.
func (g *Graph) pipFiles(declared *Declared) (pipFiles, error) {
	named, err := g.PipFiles()
	if err != nil {
		return pipFiles{}, err
	}
	tree := llb.Scratch()
	for _, file := range pipPaths(g.Spec, slices.Concat(named, declared.lockedFiles())) {
		main, err := g.context("")
		if err != nil {
			return pipFiles{}, err
		}
		tree = tree.File(copyPath(main, file.path, path.Join("/", file.path)), g.described("[pip] read "+file.path, file.at)...)
	}
	linked, err := g.linkedContexts()
	return pipFiles{g.lockFile(tree, declared), linked}, err
}

func orElse(values, fallback []string) []string {
	if len(values) > 0 {
		return values
	}
	return fallback
}
