package spec

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
)

// The names that a file under pip.requirements has when it is no requirements file.
var lockFile = regexp.MustCompile(`^pylock(\.[^.]+)?\.toml$`) // PEP 751

// IsLock tells by its name whether a file is a lock.
func IsLock(name string) bool { return lockFile.MatchString(path.Base(name)) }

// IsPyproject tells by its name whether a file is the pyproject.toml of a project.
func IsPyproject(name string) bool { return path.Base(name) == pyproject }

const pyproject = "pyproject.toml"

// Lock returns the lock that is installed, or nothing.
func (p Pip) Lock() string { return first(p.Requirements, IsLock) }

// Pyproject returns the file that says what a project requires, or nothing.
func (p Pip) Pyproject() string {
	if p.Project != "" {
		return path.Join(p.Project, pyproject)
	}
	return first(p.Requirements, IsPyproject)
}

func first(names []string, is func(string) bool) string {
	if i := slices.IndexFunc(names, is); i >= 0 {
		return names[i]
	}
	return ""
}

// LinkedContext takes context://NAME/PATH apart, as find-links has it. The path is as
// written, and starts at the root of that context.
func LinkedContext(link string) (name, path string, ok bool) {
	rest, ok := strings.CutPrefix(link, contextScheme)
	name, path, _ = strings.Cut(rest, "/")
	return name, path, ok
}

const contextScheme = "context://"

var linkedName = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*$`)

// checkLinkedContext also makes the path clean.
func (s *Spec) checkLinkedContext(at string, p *string) error {
	if err := s.checkLine(at, *p); err != nil {
		return err
	}
	clean, err := CleanLink(*p)
	if err != nil {
		return s.errorf(at, "%v", err)
	}
	*p = clean
	return nil
}

// CleanLink returns a link to a named context with a clean path, or why it cannot be one.
func CleanLink(link string) (string, error) {
	name, below, _ := LinkedContext(link)
	if !linkedName.MatchString(name) {
		return "", fmt.Errorf("%s names no context: expected for example context://wheels or context://wheels/folder, with --build-context wheels=PATH", quote(link))
	}
	if leavesRoot(below) {
		return "", fmt.Errorf("%s leaves the context %s; remove the .. that goes above its root", quote(link), name)
	}
	return contextScheme + path.Join(name, below), nil
}

// validateProject checks what a project, a pyproject.toml or a lock is named with.
func (s *Spec) validateProject() error {
	p := &s.Pip
	if s.has("pip.project") {
		if err := s.contextPath("pip.project", &p.Project); err != nil {
			return err
		}
		if strings.HasSuffix(p.Project, ".toml") || strings.HasSuffix(p.Project, ".py") {
			return s.errorf("pip.project", "%s is a file: expected its folder, such as %s", quote(p.Project), quote(path.Dir(p.Project)))
		}
	}
	if err := s.checkOnlyOne(); err != nil {
		return err
	}
	// Requirements files beside a project may have all the hashes, which the frontend finds out.
	if beside := p.Project != "" && len(p.Requirements) > 0; p.RequireHashes && p.Pyproject() != "" && !beside {
		return s.errorf("pip.require-hashes", "a pyproject.toml states no hashes: %s", HashesHelp)
	}
	return s.checkSelection()
}

// HashesHelp says how to have hashes of what a project requires.
const HashesHelp = "lock the project, for example by `uv export --no-dev --no-emit-project -o pylock.toml`, and name the lock under pip.requirements"

// checkOnlyOne checks that no file says again, in other words, what another says.
func (s *Spec) checkOnlyOne() error {
	p := s.Pip
	for i, name := range p.Requirements {
		at := Index("pip.requirements", i)
		switch {
		case IsLock(name) && (len(p.Requirements) > 1 || len(p.Packages) > 0 || len(p.Constraints) > 0):
			return s.errorf(at, "%s locks all that is installed: nothing else can be asked for beside it, so remove the other requirements, packages and constraints, or lock them too", name)
		case IsPyproject(name) && p.Project != "":
			return s.errorf(at, "pip.project has the requirements of its pyproject.toml installed; remove this one")
		case IsPyproject(name) && name != p.Pyproject():
			return s.errorf(at, "%s is a second pyproject.toml; keep one of the two", name)
		}
	}
	return nil
}

func (s *Spec) checkSelection() error {
	for _, key := range []string{"pip.extras", "pip.groups"} {
		names := s.Pip.Extras
		if key == "pip.groups" {
			names = s.Pip.Groups
		}
		if len(names) > 0 && s.Pip.Pyproject() == "" && s.Pip.Lock() == "" {
			return s.errorf(key, "nothing here has any: name a project under pip.project, or a pyproject.toml or pylock.toml under pip.requirements")
		}
		for i, name := range names {
			if !projectName.MatchString(name) {
				return s.errorf(Index(key, i), "%s is no name: expected one such as postgres", quote(name))
			}
		}
	}
	return nil
}
