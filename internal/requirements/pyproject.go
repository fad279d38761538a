package requirements

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/parser"

	"github.com/autumnjolitz/distroless-frontend/spec"
)

// A Project is what a pyproject.toml says of a project to pip.
type Project struct {
	// Requirements are its dependencies, and those of the chosen extras and groups. They are
	// those of the groups alone if it is Dynamic.
	Requirements []string
	// Dynamic says that only the build of the project tells its dependencies.
	Dynamic bool
	// Extras are chosen of a dynamic project.
	Extras []string
	// BuildRequires is what it is built with; Legacy says that it does not say what, which
	// means setuptools.
	BuildRequires []string
	Legacy        bool
	// Lines of the file are those of Requirements.
	Lines []int
}

// pyproject has the tables of a pyproject.toml that are read.
type pyproject struct {
	BuildSystem *struct {
		Requires []string `toml:"requires"`
	} `toml:"build-system"`
	Project *struct {
		Name           string              `toml:"name"`
		RequiresPython string              `toml:"requires-python"`
		Dependencies   []string            `toml:"dependencies"`
		Optional       map[string][]string `toml:"optional-dependencies"`
		Dynamic        []string            `toml:"dynamic"`
	} `toml:"project"`
	Groups map[string][]any `toml:"dependency-groups"`
}

// A Selection is what is wanted of a pyproject.toml or a lock, and where that is said.
type Selection struct {
	Extras, Groups []string
	Locate         func(key string) []parser.Range
	// Python is the version that it is for, X.Y.Z.
	Python string
	// Built says that the project is built, too, and not only what it requires installed.
	Built bool
}

// ReadProject reads a pyproject.toml.
func ReadProject(name string, data []byte, selected Selection) (*Project, error) {
	var tables pyproject
	doc, err := (&file{name: name, data: data}).decode(&tables)
	if err != nil {
		return nil, err
	}
	r := &projectReader{document: doc, tables: tables, selected: selected, project: &Project{}, taken: map[string]bool{}}
	for _, step := range []func() error{r.buildSystem, r.dependencies, r.groups} {
		if err := step(); err != nil {
			return nil, err
		}
	}
	return r.project, nil
}

// LegacyProject is one without a pyproject.toml: setup.py says all of it.
func LegacyProject(selected Selection) (*Project, error) {
	if len(selected.Groups) > 0 {
		return nil, selected.unknownName("pip.groups", 0, "setup.py", "dependency group", nil)
	}
	return &Project{Dynamic: true, Legacy: true, Extras: selected.Extras}, nil
}

type projectReader struct {
	*document
	tables   pyproject
	selected Selection
	project  *Project
	taken    map[string]bool // the extras whose requirements are there
}

func (r *projectReader) buildSystem() error {
	switch system := r.tables.BuildSystem; {
	case !r.selected.Built:
	case system == nil:
		r.project.Legacy = true // PEP 517
	case system.Requires == nil:
		return r.errorAt("build-system", `requires is missing: say what the project is built with, such as requires = ["setuptools"]`)
	default:
		r.project.BuildRequires = system.Requires
		for i, requirement := range system.Requires {
			if err := r.check(spec.Index("build-system.requires", i), requirement); err != nil {
				return err
			}
		}
	}
	return nil
}

// dependencies takes those of the project, and of the chosen extras.
func (r *projectReader) dependencies() error {
	p := r.tables.Project
	if p == nil || slices.Contains(p.Dynamic, "dependencies") || len(r.selected.Extras) > 0 && slices.Contains(p.Dynamic, "optional-dependencies") {
		return r.dynamic()
	}
	if p.Name == "" {
		return r.errorAt("project", "name is missing: write that of the project")
	}
	if err := checkPython(r.document, "project.requires-python", p.RequiresPython, r.selected.Python); err != nil {
		return err
	}
	for i, requirement := range p.Dependencies {
		if err := r.add(spec.Index("project.dependencies", i), requirement, "", nil); err != nil {
			return err
		}
	}
	for i, extra := range r.selected.Extras {
		if !hasName(p.Optional, extra) {
			return r.selected.unknownName("pip.extras", i, r.name, "extra", slices.Sorted(maps.Keys(p.Optional)))
		}
		if err := r.extra(extra, "", nil); err != nil {
			return err
		}
	}
	return nil
}

// dynamic leaves the dependencies to the build of the project.
func (r *projectReader) dynamic() error {
	if !r.selected.Built {
		if r.tables.Project == nil {
			return r.errorf(line{number: 1}, "there is no table project: only a build tells the dependencies, so name the folder of the project under pip.project")
		}
		return r.errorAt("project.dynamic", "only a build tells the dependencies: name the folder of the project under pip.project, or write them into the table project")
	}
	r.project.Dynamic = true
	r.project.Extras = r.selected.Extras
	return nil
}

// extra adds the requirements of an extra, once where a marker holds. The chain is that of the
// extras that lead to it: what is in it is there already, and where more holds.
func (r *projectReader) extra(name, marker string, chain []string) error {
	taken := normalized(name) + ";" + marker
	if r.taken[taken] || slices.Contains(chain, normalized(name)) {
		return nil
	}
	r.taken[taken] = true
	chain = append(slices.Clone(chain), normalized(name))
	for _, key := range slices.Sorted(maps.Keys(r.tables.Project.Optional)) {
		if normalized(key) != normalized(name) {
			continue
		}
		for i, requirement := range r.tables.Project.Optional[key] {
			if err := r.add(spec.Index("project.optional-dependencies."+key, i), requirement, marker, chain); err != nil {
				return err
			}
		}
	}
	return nil
}

// requirement takes one apart (PEP 508): its name, its extras, and what follows.
var requirement = regexp.MustCompile(`^\s*([A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?)\s*(?:\[([^\]]*)\])?\s*(.*)$`)

// add adds a requirement that holds where a marker does. One of the project itself stands for
// its extras.
func (r *projectReader) add(path, text, marker string, chain []string) error {
	if err := r.check(path, text); err != nil {
		return err
	}
	parts := requirement.FindStringSubmatch(text)
	if name := r.tables.Project; name == nil || normalized(parts[1]) != normalized(name.Name) {
		r.project.Requirements = append(r.project.Requirements, withMarker(text, marker))
		r.project.Lines = append(r.project.Lines, r.line(path).number)
		return nil
	}
	_, own, _ := strings.Cut(parts[3], ";")
	for extra := range strings.SplitSeq(parts[2], ",") {
		extra = strings.TrimSpace(extra)
		if extra == "" {
			continue
		}
		if !hasName(r.tables.Project.Optional, extra) {
			return r.errorAt(path, "the project has no extra %s", extra)
		}
		if err := r.extra(extra, both(marker, strings.TrimSpace(own)), chain); err != nil {
			return err
		}
	}
	return nil
}

// withMarker has a requirement hold only where a marker does as well.
func withMarker(text, marker string) string {
	if marker == "" {
		return text
	}
	// A semicolon may be part of a URL, unless white space is before it.
	separator := ";"
	if strings.Contains(text, "@") {
		separator = " ;"
	}
	head, own, _ := strings.Cut(text, separator)
	return strings.TrimSpace(head) + " ; " + both(strings.TrimSpace(own), marker)
}

func both(one, other string) string {
	if one == "" || other == "" {
		return one + other
	}
	return "(" + one + ") and (" + other + ")"
}

// check says why a requirement cannot be one of a build.
func (r *projectReader) check(path, text string) error {
	l := line{number: r.line(path).number, text: text}
	if !requirement.MatchString(text) {
		return r.errorf(l, "%q is not a requirement: expected a name, such as \"flask>=3\"", text)
	}
	named, err := r.reference(l)
	if err == nil && named.path != "" {
		err = r.errorf(l, "%q is not a requirement: expected a name, such as \"flask>=3\"", text)
	}
	return err
}

func hasName[V any](names map[string]V, name string) bool {
	for known := range names {
		if normalized(known) == normalized(name) {
			return true
		}
	}
	return false
}

var separators = regexp.MustCompile(`[-_.]+`)

// normalized is how names are compared:
// https://packaging.python.org/en/latest/specifications/name-normalization/
func normalized(name string) string {
	return strings.ToLower(separators.ReplaceAllString(name, "-"))
}

// unknownName is the error about a name of the spec that a file has not got.
func (s Selection) unknownName(key string, i int, file, kind string, known []string) error {
	names := s.Extras
	if key == "pip.groups" {
		names = s.Groups
	}
	there := "has none"
	if len(known) > 0 {
		there = "has " + strings.Join(known, ", ")
	}
	return parser.WithLocation(fmt.Errorf("%s has no %s %q; it %s", file, kind, names[i], there), s.Locate(spec.Index(key, i)))
}
