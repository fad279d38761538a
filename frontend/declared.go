package frontend

import (
	"context"
	"io/fs"
	"path"
	"slices"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/pkg/errors"

	"github.com/autumnjolitz/distroless-frontend/internal/requirements"
	graph "github.com/autumnjolitz/distroless-frontend/llb"
	"github.com/autumnjolitz/distroless-frontend/spec"
)

// statements are the texts of the files that say what a project requires.
type statements struct {
	pyproject []byte
	legacy    bool // there is a setup.py instead
	lock      []byte
}

// readStatements reads the pyproject.toml and the lock that the spec names.
func (b *builder) readStatements(read requirements.Reader) (statements, error) {
	var s statements
	pip := b.spec.Pip
	if name := pip.Pyproject(); name != "" {
		text, err := read(name)
		if errors.Is(err, fs.ErrNotExist) && pip.Project != "" {
			if _, err := read(path.Join(pip.Project, "setup.py")); err == nil {
				s.legacy = true
				return s, b.readLock(&s, read)
			}
		}
		if err := b.missing(err, name); err != nil {
			return s, err
		}
		s.pyproject = text
	}
	return s, b.readLock(&s, read)
}

func (b *builder) readLock(s *statements, read requirements.Reader) error {
	name := b.spec.Pip.Lock()
	if name == "" {
		return nil
	}
	text, err := read(name)
	s.lock = text
	return b.missing(err, name)
}

// missing says of a file that it is not there, at the key that names it.
func (b *builder) missing(err error, name string) error {
	if !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	key := "pip.project"
	if i := slices.Index(b.spec.Pip.Requirements, name); i >= 0 {
		key = spec.Index("pip.requirements", i)
	}
	return parser.WithLocation(errors.Errorf("%s is not in the build context, or .dockerignore lists it", name), b.locate(key))
}

// sentForPip returns the files of the main context that files of it name, for any platform.
func (b *builder) sentForPip(ctx context.Context) ([]string, error) {
	paths, err := b.readRequirements(ctx)
	if lock := b.requirements.stated.lock; err == nil && lock != nil {
		paths = slices.Concat(paths, requirements.LockFiles(b.spec.Pip.Lock(), lock))
	}
	return paths, err
}

// declared returns what the pyproject.toml and the lock of the spec have pip do on a base.
func (b *builder) declared(ctx context.Context, base *graph.Base) (*graph.Declared, error) {
	if _, err := b.readRequirements(ctx); err != nil {
		return nil, err
	}
	if err := b.checkHashed(); err != nil {
		return nil, err
	}
	pip, stated := b.spec.Pip, b.requirements.stated
	selected := requirements.Selection{Extras: pip.Extras, Groups: pip.Groups, Locate: b.locate, Python: base.Python, Built: pip.Project != ""}
	d := &graph.Declared{}
	if name := pip.Lock(); name != "" {
		target := requirements.Target{Python: base.Python, Machine: base.Machine()}
		locked, err := requirements.ReadLock(name, stated.lock, target, selected, pip)
		if err != nil {
			return nil, err
		}
		d.Locked, d.LockedFiles = locked.Requirements, locked.Files
		selected.Extras, selected.Groups = nil, nil
	}
	if pip.Pyproject() == "" {
		return d, nil
	}
	project, err := b.readProject(stated, selected)
	if err != nil {
		return nil, err
	}
	d.BuildRequires, d.Legacy = project.BuildRequires, project.Legacy
	if pip.Lock() == "" && b.requirements.found.Hashed == "" { // which have all that the project requires
		d.Requirements, d.Dynamic, d.Extras = project.Requirements, project.Dynamic, project.Extras
		d.SourceMap = llb.NewSourceMap(nil, pip.Pyproject(), "TOML", stated.pyproject)
		d.Ranges = rangesOf(project.Lines)
	}
	return d, nil
}

func (b *builder) readProject(stated statements, selected requirements.Selection) (*requirements.Project, error) {
	if stated.legacy {
		return requirements.LegacyProject(selected)
	}
	return requirements.ReadProject(b.spec.Pip.Pyproject(), stated.pyproject, selected)
}

// rangesOf returns a range for each line.
func rangesOf(lines []int) []parser.Range {
	var ranges []parser.Range
	for _, line := range slices.Compact(slices.Sorted(slices.Values(lines))) {
		at := parser.Position{Line: line}
		ranges = append(ranges, parser.Range{Start: at, End: at})
	}
	return ranges
}
