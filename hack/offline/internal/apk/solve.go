package apk

import (
	"context"
	"fmt"
	"regexp"
	"slices"
	"strings"

	goapk "github.com/chainguard-dev/go-apk/pkg/apk"
)

// selection is the packages that a world needs, dependencies first.
type selection []*goapk.RepositoryPackage

// unsatisfiable is why there is no selection, in apk's words.
type unsatisfiable []string

func (u unsatisfiable) Error() string {
	return "unable to select packages:\n" + strings.Join(u, "\n")
}

// solve finds the packages for the world. Unless upgrade, what is installed stays
// at its version wherever that does.
func solve(ctx context.Context, world []string, db *database, src *source, upgrade bool) (selection, error) {
	if !upgrade {
		if s, err := resolve(ctx, world, candidates(db, src, true)); err == nil {
			return s, nil
		}
	}
	return resolve(ctx, world, candidates(db, src, false))
}

// candidates are the packages to choose from. Installed packages are among them:
// they may be in no repository, as virtual ones are.
func candidates(db *database, src *source, pinned bool) []*goapk.RepositoryWithIndex {
	var local []*goapk.Package
	have := map[string]string{} // name: checksum
	for _, p := range db.packages {
		local = append(local, p.Package)
		have[p.Name] = p.ChecksumString()
	}
	var all []*goapk.RepositoryWithIndex
	known := map[string]bool{}
	for _, r := range src.repositories {
		var offered []*goapk.Package
		for _, p := range r.index.Packages {
			sum, isInstalled := have[p.Name]
			same := isInstalled && sum == p.ChecksumString()
			if same {
				known[p.Name] = true
			}
			if same || !isInstalled || !pinned {
				offered = append(offered, p)
			}
		}
		repo := &goapk.Repository{URI: r.url + "/" + r.arch}
		all = append(all, repo.WithIndex(&goapk.APKIndex{Packages: offered}))
	}
	local = slices.DeleteFunc(local, func(p *goapk.Package) bool { return known[p.Name] })
	return append(all, (&goapk.Repository{URI: ""}).WithIndex(&goapk.APKIndex{Packages: local}))
}

func resolve(ctx context.Context, world []string, repositories []*goapk.RepositoryWithIndex) (selection, error) {
	if problem := missing(world, repositories); problem != nil {
		return nil, problem
	}
	var indexes []goapk.NamedIndex
	for _, r := range repositories {
		indexes = append(indexes, goapk.NewNamedRepositoryWithIndex("", r))
	}
	resolver := goapk.NewPkgResolver(ctx, indexes)
	selected, _, err := resolver.GetPackagesWithDependencies(ctx, positive(world))
	if err != nil {
		return nil, unsatisfiable{"  " + strings.ReplaceAll(err.Error(), "\n", "\n  ")}
	}
	if problem := broken(world, selected); problem != nil {
		return nil, problem
	}
	return selected, nil
}

// positive drops the conflicts, which go-apk takes for names: broken checks them.
func positive(world []string) []string {
	return slices.DeleteFunc(slices.Clone(world), func(c string) bool { return strings.HasPrefix(c, "!") })
}

// missing looks for names in the world, and in what it leads to, that nothing
// provides, and versions in the world that no package has.
func missing(world []string, repositories []*goapk.RepositoryWithIndex) error {
	providers := map[string][]*goapk.Package{}
	for _, r := range repositories {
		for _, p := range r.Packages() {
			for _, name := range provided(p.Package) {
				providers[name.name] = append(providers[name.name], p.Package)
			}
		}
	}
	var problems unsatisfiable
	for _, word := range world {
		c := parseConstraint(word)
		found := providers[c.name]
		switch {
		case c.not:
		case len(found) == 0:
			problems = append(problems, noSuch(c.name, "world", word))
		case !slices.ContainsFunc(found, c.acceptedBy):
			problems = append(problems, fmt.Sprintf("  %s-%s:\n    breaks: world[%s]", found[0].Name, found[0].Version, word))
		case len(found) == 1:
			problems = append(problems, missingDependencies(found[0], providers)...)
		}
	}
	if len(problems) == 0 {
		return nil
	}
	return problems
}

func missingDependencies(p *goapk.Package, providers map[string][]*goapk.Package) []string {
	var problems []string
	for _, word := range p.Dependencies {
		if c := parseConstraint(word); !c.not && len(providers[c.name]) == 0 {
			problems = append(problems, noSuch(c.name, p.Name+"-"+p.Version, word))
		}
	}
	return problems
}

func noSuch(name, by, word string) string {
	return fmt.Sprintf("  %s (no such package):\n    required by: %s[%s]", name, by, word)
}

// broken looks for conflicts in a selection: those that a package or the world
// states, and two packages that both provide a version of one name.
func broken(world []string, selected selection) error {
	var problems unsatisfiable
	for _, p := range selected {
		for _, word := range world {
			if c := parseConstraint(word); c.not && c.acceptedBy(p.Package) {
				problems = append(problems, fmt.Sprintf("  %s-%s:\n    breaks: world[%s]", p.Name, p.Version, word))
			}
		}
		for _, other := range selected {
			if other.Name != p.Name {
				problems = append(problems, conflicts(p.Package, other.Package)...)
			}
		}
	}
	if len(problems) == 0 {
		return nil
	}
	return problems
}

func conflicts(p, other *goapk.Package) []string {
	var problems []string
	for _, word := range other.Dependencies {
		if c := parseConstraint(word); c.not && c.acceptedBy(p) {
			problems = append(problems, fmt.Sprintf("  %s-%s:\n    breaks: %s-%s[%s]", p.Name, p.Version, other.Name, other.Version, word))
		}
	}
	for _, mine := range provided(p) {
		for _, theirs := range provided(other) {
			if mine.name == theirs.name && mine.version != "" && theirs.version != "" {
				problems = append(problems, fmt.Sprintf("  %s-%s:\n    conflicts: %s-%s[%s=%s]",
					p.Name, p.Version, other.Name, other.Version, mine.name, mine.version))
			}
		}
	}
	return problems
}

// constraint is a dependency: a name, and perhaps a version.
type constraint struct {
	not               bool
	name, op, version string
}

var constraintPattern = regexp.MustCompile(`^(!?)([^@=><~]+)(?:([=><~]+)([^@]+))?(?:@.*)?$`)

func parseConstraint(word string) constraint {
	m := constraintPattern.FindStringSubmatch(word)
	if m == nil {
		return constraint{name: word}
	}
	return constraint{not: m[1] != "", name: m[2], op: m[3], version: m[4]}
}

// provided are the names a package goes by, each with its version.
func provided(p *goapk.Package) []constraint {
	names := []constraint{{name: p.Name, op: "=", version: p.Version}}
	for _, word := range p.Provides {
		names = append(names, parseConstraint(word))
	}
	return names
}

// acceptedBy says whether the package is what the constraint names.
func (c constraint) acceptedBy(p *goapk.Package) bool {
	for _, name := range provided(p) {
		if name.name == c.name && c.accepts(name.version) {
			return true
		}
	}
	return false
}

func (c constraint) accepts(version string) bool {
	if c.op == "" {
		return true
	}
	if strings.Contains(c.op, "~") {
		return version == c.version || strings.HasPrefix(version, c.version+".") || strings.HasPrefix(version, c.version+"-")
	}
	have, err := goapk.ParseVersion(version)
	if err != nil {
		return false
	}
	want, err := goapk.ParseVersion(c.version)
	if err != nil {
		return false
	}
	order := goapk.CompareVersions(have, want)
	return order == 0 && strings.Contains(c.op, "=") ||
		order < 0 && strings.Contains(c.op, "<") || order > 0 && strings.Contains(c.op, ">")
}
