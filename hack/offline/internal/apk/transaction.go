package apk

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	goapk "github.com/chainguard-dev/go-apk/pkg/apk"
)

// transaction changes a root into one that has a selection of packages.
type transaction struct {
	*command
	db      *database
	src     *source
	touched map[string]bool // directories in which something changed
	fresh   map[string]bool // packages that are new
	errors  int
}

// step is a change to one package; before or after is nil.
type step struct {
	before *installed
	after  *goapk.Package
	from   *repository
}

// fail reports an error that does not end the transaction.
func (t *transaction) fail(format string, args ...any) {
	t.errors++
	fmt.Fprintf(t.stderr, "ERROR: "+format+"\n", args...)
}

// plan compares what is installed with the selection: removals first.
func (t *transaction) plan(selected selection) []step {
	wanted := map[string]bool{}
	for _, p := range selected {
		wanted[p.Name] = true
	}
	var steps []step
	for _, p := range slices.Backward(t.db.packages) {
		if !wanted[p.Name] {
			steps = append(steps, step{before: p})
		}
	}
	for _, p := range selected {
		before := t.db.find(p.Name)
		if before != nil && before.ChecksumString() == p.ChecksumString() {
			continue
		}
		steps = append(steps, step{before: before, after: p.Package, from: t.origin(p)})
	}
	return steps
}

// origin is the repository that a selected package is from; nil for a virtual one.
func (t *transaction) origin(p *goapk.RepositoryPackage) *repository {
	for _, r := range t.src.repositories {
		if p.Repository() != nil && p.Repository().URI == r.url+"/"+r.arch {
			return r
		}
	}
	return nil
}

// commit carries the steps out and returns apk's exit status. World is written
// whatever happens, as apk does.
func (t *transaction) commit(ctx context.Context, world []string, selected selection) (int, error) {
	steps := t.plan(selected)
	if t.options.flag("simulate") {
		for i, s := range steps {
			t.announce(i, len(steps), s)
		}
		return 0, nil
	}
	owners := t.owners()
	for i, s := range steps {
		t.announce(i, len(steps), s)
		if s.after == nil {
			t.remove(s.before, owners)
		} else if err := t.install(ctx, s, owners); err != nil {
			t.fail("%s-%s: %v", s.after.Name, s.after.Version, err)
		}
	}
	t.db.world = world
	t.runTriggers()
	if err := t.db.save(); err != nil {
		return 0, err
	}
	return t.summary(), nil
}

func (t *transaction) announce(i, n int, s step) {
	count := fmt.Sprintf("(%d/%d)", i+1, n)
	switch {
	case s.after == nil:
		t.say("%s Purging %s (%s)", count, s.before.Name, s.before.Version)
	case s.before == nil:
		t.say("%s Installing %s (%s)", count, s.after.Name, s.after.Version)
	default:
		verb := "Upgrading"
		if !(constraint{op: ">", version: s.before.Version}).accepts(s.after.Version) {
			verb = "Replacing"
		}
		t.say("%s %s %s (%s -> %s)", count, verb, s.after.Name, s.before.Version, s.after.Version)
	}
}

func (t *transaction) summary() int {
	var size uint64
	for _, p := range t.db.packages {
		size += p.InstalledSize
	}
	state := "OK:"
	if t.errors > 0 {
		state = fmt.Sprintf("%d error%s;", t.errors, map[bool]string{true: "s"}[t.errors > 1])
	}
	t.say("%s %d MiB in %d packages", state, size>>20, len(t.db.packages))
	return min(t.errors, 99)
}

// owners tells which package a file belongs to.
func (t *transaction) owners() map[string]*installed {
	owners := map[string]*installed{}
	for _, p := range t.db.packages {
		p.paths(func(path string, dir bool, _ string) {
			if !dir {
				owners[path] = p
			}
		})
	}
	return owners
}

func (t *transaction) install(ctx context.Context, s step, owners map[string]*installed) error {
	pkg := &installed{Package: s.after}
	if s.from == nil { // virtual
		t.replace(s.before, pkg)
		return nil
	}
	c, err := t.src.openPackage(ctx, s.from, s.after)
	if err != nil {
		return err
	}
	defer c.close()
	pkg.rest = c.rest
	for _, line := range c.rest {
		if words, ok := strings.CutPrefix(line, "r:"); ok {
			pkg.Replaces = strings.Fields(words)
		}
	}
	phase, versions := "install", []string{pkg.Version}
	if s.before != nil {
		phase, versions = "upgrade", []string{pkg.Version, s.before.Version}
	}
	t.runScript(pkg, "pre-"+phase, c.script("pre-"+phase), versions...)
	u := &unpacker{
		db: t.db, pkg: pkg, old: s.before, owners: owners,
		chown:   !t.options.flag("no-chown"),
		touched: func(dir string) { t.touched[dir] = true },
	}
	if err := u.unpack(c); err != nil {
		return err
	}
	t.replace(s.before, pkg)
	t.record(pkg, c, owners)
	t.runScript(pkg, "post-"+phase, c.script("post-"+phase), versions...)
	return nil
}

// replace puts a package into the database, in place of its earlier version.
func (t *transaction) replace(before, after *installed) {
	if before != nil {
		gone := files(before)
		for path := range files(after) {
			delete(gone, path)
		}
		t.unlink(gone, nil)
		t.db.drop(before)
	}
	t.db.packages = append(t.db.packages, after)
}

// record keeps the package's scripts and triggers, and who owns its files now.
func (t *transaction) record(p *installed, c *contents, owners map[string]*installed) {
	prefix := strings.TrimSuffix(scriptPrefix(p.Package), ".")
	for _, s := range c.scripts {
		t.db.scripts = append(t.db.scripts, script{prefix + s.name, s.content})
	}
	if len(c.triggers) > 0 {
		t.db.triggers[p.ChecksumString()] = c.triggers
		t.fresh[p.Name] = true
	}
	for path := range files(p) {
		if other := owners[path]; other != nil && other != p {
			other.disown(path)
		}
		owners[path] = p
	}
}

func files(p *installed) map[string]bool {
	all := map[string]bool{}
	p.paths(func(path string, dir bool, _ string) {
		if !dir {
			all[path] = true
		}
	})
	return all
}

// disown takes a file off the package's list: another package replaced it.
func (p *installed) disown(path string) {
	dir, skip := "", false
	p.files = slices.DeleteFunc(p.files, func(line string) bool {
		letter, value, _ := strings.Cut(line, ":")
		switch letter {
		case "F":
			dir, skip = value, false
		case "R":
			skip = filepath.Join(dir, value) == path
		}
		return skip
	})
}

// remove takes a package and what only it has out of the root.
func (t *transaction) remove(p *installed, owners map[string]*installed) {
	pre, post := t.db.script(p, "pre-deinstall"), t.db.script(p, "post-deinstall")
	t.runScript(p, "pre-deinstall", pre, p.Version)
	t.db.drop(p)
	gone := files(p)
	for path := range gone {
		if owners[path] != p {
			delete(gone, path)
		}
	}
	var dirs []string
	p.paths(func(path string, dir bool, _ string) {
		if dir {
			dirs = append(dirs, path)
		}
	})
	t.unlink(gone, dirs)
	t.runScript(p, "post-deinstall", post, p.Version)
}

// unlink removes files, and the directories that are empty then and no package's.
func (t *transaction) unlink(gone map[string]bool, dirs []string) {
	for path := range gone {
		t.touched[filepath.Dir(path)] = true
		if err := os.Remove(filepath.Join(t.db.root, path)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			t.fail("%v", err)
		}
	}
	kept := map[string]bool{"": true}
	for _, p := range t.db.packages {
		p.paths(func(path string, dir bool, _ string) {
			if dir {
				kept[path] = true
			}
		})
	}
	slices.SortFunc(dirs, func(a, b string) int { return cmp.Compare(len(b), len(a)) })
	for _, dir := range dirs {
		if !kept[dir] {
			_ = os.Remove(filepath.Join(t.db.root, dir)) // not empty: somebody else's files
		}
	}
}
