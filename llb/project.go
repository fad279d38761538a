package llb

import (
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/dockerfile/parser"

	"github.com/autumnjolitz/distroless-frontend/internal/sourcemap"
	"github.com/autumnjolitz/distroless-frontend/spec"
)

// Where ops find the sources of the project.
const projectDir = "/project"

// Declared is what a pyproject.toml or a lock of the main context has pip do. A nil one has it
// do nothing.
type Declared struct {
	// Requirements are those of a pyproject.toml, with the chosen extras and groups.
	Requirements []string
	// BuildRequires is what the project is built with; Legacy has it be what pip takes for one
	// that does not say it.
	BuildRequires []string
	Legacy        bool
	// Dynamic says that the build of the project tells what else it requires, with Extras.
	Dynamic bool
	Extras  []string

	// Locked is a requirements file made of a lock, and has its lines. LockedFiles are files of
	// the main context that it names.
	Locked      []byte
	LockedFiles []string

	// SourceMap is of the pyproject.toml, and Ranges are where it says what to install.
	SourceMap *llb.SourceMap
	Ranges    []parser.Range

	sources llb.State // of the project
}

// isDeclaration tells whether a file under pip.requirements is read by the frontend, and not by pip.
func isDeclaration(name string) bool { return spec.IsLock(name) || spec.IsPyproject(name) }

// plainRequirements returns the requirements files that pip reads.
func plainRequirements(p spec.Pip) []string {
	var files []string
	for _, file := range p.Requirements {
		if !isDeclaration(file) {
			files = append(files, file)
		}
	}
	return files
}

// declared asks for what the spec has files for, and adds the sources of the project.
func (g *Graph) declared() (*Declared, error) {
	p := g.Spec.Pip
	if p.Pyproject() == "" && p.Lock() == "" {
		return nil, nil
	}
	d, err := g.Declared()
	if err != nil || p.Project == "" {
		return d, err
	}
	main, err := g.context("")
	if err != nil {
		return nil, err
	}
	with := *d
	with.sources = llb.Scratch().File(copyPath(main, p.Project, "/"), g.described("[pip] read "+g.projectName(), "pip.project")...)
	return &with, nil
}

// options are those of pip_download.py.
func (d *Declared) options() []string {
	if d == nil {
		return nil
	}
	args := appendFlag(nil, "--build-requires", d.BuildRequires)
	if d.Legacy {
		args = append(args, "--legacy")
	}
	if d.Dynamic {
		args = append(args, "--project="+projectDir)
		args = appendFlag(args, "--extra", d.Extras)
	}
	return args
}

// requirements are further arguments of pip.
func (d *Declared) requirements() []string {
	if d == nil {
		return nil
	}
	return d.Requirements
}

// mounts are what downloading needs: the sources, if they alone tell what to download. They
// also lead from an error to the file that asked for it.
func (d *Declared) mounts() []llb.RunOption {
	if d == nil {
		return nil
	}
	var options []llb.RunOption
	if d.Dynamic {
		options = append(options, llb.AddMount(projectDir, d.sources, llb.Readonly))
	}
	if d.SourceMap != nil && len(d.Ranges) > 0 {
		options = append(options, d.SourceMap.Location(sourcemap.Ranges(d.Ranges)))
	}
	return options
}

// projectName is that of the project for a human.
func (g *Graph) projectName() string {
	if g.Spec.Pip.Project == "." {
		return "the project"
	}
	return g.Spec.Pip.Project
}

// pipProject returns the tree of the project, built and installed: a layer of its own, so that
// an edit of the sources installs nothing else.
func (g *Graph) pipProject(on pipBase, downloads llb.State, declared *Declared) llb.State {
	args := append([]string{
		"python", opsDir + "/pip_project.py", "--project", projectDir, "--downloads", downloadsDir, "--root", outDir,
	}, on.target...)
	args = append(args, g.pipBytecode()...)
	installed := g.runOn(on.builder, on.platform, op{
		name: "[pip] build and install " + g.projectName(),
		args: g.settled(args),
		env:  [][2]string{{"CACHE_ROOT", CacheRoot}},
		mounts: []llb.RunOption{
			llb.AddMount(projectDir, declared.sources, llb.Readonly),
			llb.AddMount(downloadsDir, downloads, llb.Readonly),
			g.pipCache(),
		},
		path: "pip.project",
	})
	return installed.AddMount(outDir, llb.Scratch())
}
