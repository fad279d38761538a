// Package requirements finds the files of the build context that requirements and constraints
// files name, so that these and no others are what an installation depends on. What a file asks
// for that cannot be had in a build is an error at its line.
package requirements

import (
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/parser"

	"github.com/autumnjolitz/distroless-frontend/spec"
)

// An Error is about one line of a file. Lines count from 1.
type Error struct {
	File    string
	Data    []byte
	Line    int
	Message string
}

func (e *Error) Error() string { return fmt.Sprintf("%s:%d: %s", e.File, e.Line, e.Message) }

// A Reader returns the content of a file of the build context, or fs.ErrNotExist.
type Reader func(path string) ([]byte, error)

// Found is what is to be known of the requirements and constraints files of a spec.
type Found struct {
	// Paths of the build context that they name, sorted, clean and relative to its root.
	Paths []string
	// Hashed is the first requirements file with a hash, if there is one. With it pip takes
	// nothing that has none, so the files state all that is installed.
	Hashed string
}

// Read follows the files that the keys below pip name. Errors have their place: a line of a file,
// as an *[Error], or the location of the key.
func Read(pip spec.Pip, read Reader, locate func(key string) []parser.Range) (Found, error) {
	w := &walk{read: read, done: map[string]bool{}, paths: map[string]bool{}}
	for _, names := range []struct {
		key   string
		files []string
	}{{"pip.requirements", pip.Requirements}, {"pip.constraints", pip.Constraints}} {
		for i, name := range names.files {
			read := w.top
			if names.key == "pip.constraints" {
				read = w.constraints
			}
			if err := read(name); err != nil {
				return Found{}, at(err, locate(spec.Index(names.key, i)))
			}
		}
	}
	for _, name := range Names(pip) {
		delete(w.paths, name)
	}
	return Found{Paths: slices.Sorted(maps.Keys(w.paths)), Hashed: w.hashed}, nil
}

// at adds the place in the spec to an error that has none of its own.
func at(err error, ranges []parser.Range) error {
	var located *Error
	if errors.As(err, &located) {
		return err
	}
	return parser.WithLocation(err, ranges)
}

// Names returns the files of the spec that are read first.
func Names(pip spec.Pip) []string {
	names := append(slices.Clone(pip.Requirements), pip.Constraints...)
	if pip.Project != "" {
		names = append(names, pip.Pyproject())
	}
	return names
}

// A walk follows files to the files that they name.
type walk struct {
	read   Reader
	done   map[string]bool // files whose lines are read
	paths  map[string]bool // what they name
	hashed string          // the first file with requirements that have a hash
}

// top reads a file that the spec names under pip.requirements.
func (w *walk) top(name string) error {
	if spec.IsLock(name) || spec.IsPyproject(name) {
		return nil // names no requirements file
	}
	return w.plain(name, requires)
}

// constraints reads a file that the spec names under pip.constraints.
func (w *walk) constraints(name string) error { return w.plain(name, constrains) }

// plain reads a file that pip can read.
func (w *walk) plain(name string, as use) error {
	data, err := w.content(name)
	if err != nil {
		return err
	}
	return w.follow(name, data, as, nil)
}

// A use is what the lines of a file do: ask for what they name, or say which version that has.
type use bool

const (
	requires   use = false
	constrains use = true
)

// useOf returns that of the file that a line names, which to pip is the line's alone to say.
func useOf(l line) use {
	return use(strings.HasPrefix(l.text, "-c") || strings.HasPrefix(l.text, "--constraint"))
}

// hash is the option of a requirement.
var hash = regexp.MustCompile(`^[^-].*\s--hash[=\s]`)

func hasHash(l line) bool { return hash.MatchString(l.text) }

// notRequirements says how to have what another tool's file says as a requirements file.
var notRequirements = map[string]string{
	"uv.lock":      "write one with `uv export --no-dev --no-emit-project -o requirements.txt`, or a lock with `uv export --no-dev --no-emit-project -o pylock.toml`",
	"poetry.lock":  "write one with `poetry export -o requirements.txt` (of the plugin poetry-plugin-export)",
	"pdm.lock":     "write one with `pdm export --prod -o requirements.txt`, or a lock with `pdm export --prod -f pylock -o pylock.toml`",
	"setup.py":     "name its folder under pip.project",
	"setup.cfg":    "name its folder under pip.project",
	"Pipfile.lock": "write one with `pipenv requirements --hash >requirements.txt`",
}

// content returns that of a file with lines for pip.
func (w *walk) content(name string) ([]byte, error) {
	help, ok := notRequirements[path.Base(name)]
	if spec.IsLock(name) || spec.IsPyproject(name) {
		help, ok = "name it in the spec, under pip.requirements", true
	}
	if ok {
		return nil, fmt.Errorf("%s is not a requirements file: %s", name, help)
	}
	data, err := w.read(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s is not in the build context, or .dockerignore lists it", name)
	}
	return data, err
}

// follow reads a requirements or constraints file and all it names. The chain is that of the
// files that lead to it.
func (w *walk) follow(name string, data []byte, as use, chain []string) error {
	f := &file{name: name, data: data}
	lines := f.lines()
	if w.hashed == "" && as == requires && slices.ContainsFunc(lines, hasHash) {
		w.hashed = name
	}
	if w.done[name] {
		return nil
	}
	chain = append(slices.Clone(chain), name)
	for _, l := range lines {
		reference, err := f.reference(l)
		if err != nil {
			return err
		}
		if reference.path == "" {
			continue
		}
		w.paths[reference.path] = true
		if !reference.follow {
			continue
		}
		if i := slices.Index(chain, reference.path); i >= 0 {
			circle := append(slices.Clone(chain[i:]), reference.path)
			return f.errorf(l, "the files name each other in a circle: %s; remove one of these lines", strings.Join(circle, " → "))
		}
		next, err := w.content(reference.path)
		if err != nil {
			return f.errorf(l, "%v", err)
		}
		if err := w.follow(reference.path, next, useOf(l), chain); err != nil {
			return err
		}
	}
	w.done[name] = true
	return nil
}
