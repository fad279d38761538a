package apk

import (
	"context"
	"crypto/sha1" //nolint:gosec // the format's
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	goapk "github.com/chainguard-dev/go-apk/pkg/apk"
)

// Version is that of the apk-tools whose behaviour this has.
const Version = "2.14.4"

// command is one run of apk.
type command struct {
	options        *options
	stdout, stderr io.Writer
}

// Run runs apk with a command line and returns its exit status.
func Run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, err := parse(args)
	c := &command{options: o, stdout: stdout, stderr: stderr}
	if err != nil {
		fmt.Fprintf(stderr, "apk: %v\n", err)
		return 1
	}
	status, err := c.run(ctx)
	if err != nil {
		c.complain("ERROR", "%v", err)
		return max(status, 1)
	}
	return status
}

// Arch is Alpine's name of an architecture of Go's.
func Arch(goarch string) string { return goapk.ArchToAPK(goarch) }

func (c *command) say(format string, args ...any) {
	if !c.options.flag("quiet") {
		fmt.Fprintf(c.stdout, format+"\n", args...)
	}
}

func (c *command) complain(level, format string, args ...any) {
	fmt.Fprintf(c.stderr, level+": "+format+"\n", args...)
}

func (c *command) warn(format string, args ...any) { c.complain("WARNING", format, args...) }

func (c *command) run(ctx context.Context) (int, error) {
	switch o := c.options; {
	case o.flag("version"):
		c.say("apk-tools %s, compiled for %s. Stand-in made of Go libraries, not Alpine's.", Version, Arch(runtime.GOARCH))
		return 0, nil
	case o.flag("print-arch"):
		c.say("%s", c.arch())
		return 0, nil
	case o.verb == "" || o.flag("help"):
		fmt.Fprintf(c.stdout, "apk-tools %s (stand-in)\n\nusage: apk [<OPTIONS>...] COMMAND [<ARGUMENTS>...]\n\nCommands: %s\n",
			Version, strings.Join(verbs, " "))
		return 1, nil
	case !contains(verbs, o.verb):
		return 1, fmt.Errorf("'%s' is not an apk command. See 'apk --help'", o.verb)
	}
	if c.options.flag("initdb") {
		if err := createDatabase(c.options.root, c.arch()); err != nil {
			return 1, fmt.Errorf("failed to create the database: %w", err)
		}
	}
	db, err := openDatabase(c.options.root)
	if errors.Is(err, fs.ErrNotExist) {
		return 99, fmt.Errorf("unable to open root %s: %w", c.options.root, err)
	} else if err != nil {
		return 99, err
	}
	return c.dispatch(ctx, db)
}

func (c *command) dispatch(ctx context.Context, db *database) (int, error) {
	switch c.options.verb {
	case "info":
		return c.info(db)
	case "add", "del", "upgrade", "fix":
		return c.change(ctx, db)
	case "audit":
		return c.audit(db)
	case "update":
		return c.update(ctx)
	case "stats":
		c.say("installed:\n  packages: %d", len(db.packages))
		return 0, nil
	case "verify", "cache":
		return 0, nil
	}
	return 1, fmt.Errorf("the stand-in for apk has no '%s'", c.options.verb)
}

// arch is that of the packages to install.
func (c *command) arch() string {
	if c.options.arch != "" {
		return c.options.arch
	}
	if words, err := readWords(filepath.Join(c.options.root, archFile)); err == nil && len(words) == 1 {
		return words[0]
	}
	return Arch(runtime.GOARCH)
}

// inRoot is the folder of a path that the option gives, by default one of the root's.
func (c *command) inRoot(given, standard string) string {
	if given != "" {
		return given
	}
	return filepath.Join(c.options.root, standard)
}

// source reads the indexes of the repositories.
func (c *command) source(ctx context.Context) (*source, error) {
	keys, err := readKeys(c.inRoot(c.options.keysDir, "etc/apk/keys"))
	if err != nil {
		return nil, err
	}
	s := &source{
		keys:      keys,
		arch:      c.arch(),
		offline:   c.options.flag("no-network"),
		untrusted: c.options.flag("allow-untrusted"),
		client:    &http.Client{Timeout: 5 * time.Minute},
	}
	if !c.options.flag("no-cache") {
		s.cache = c.inRoot(c.options.cacheDir, "var/cache/apk")
		if info, err := os.Stat(s.cache); err != nil || !info.IsDir() {
			s.cache = ""
		}
	}
	urls, err := c.repositories()
	if err != nil {
		return nil, err
	}
	s.load(ctx, urls, c.say, c.warn)
	return s, nil
}

func (c *command) repositories() ([]string, error) {
	urls := slices.Clone(c.options.repositories)
	text, err := os.ReadFile(c.inRoot(c.options.repositoriesFile, "etc/apk/repositories"))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") {
			urls = append(urls, line)
		}
	}
	return urls, nil
}

func (c *command) update(ctx context.Context) (int, error) {
	s, err := c.source(ctx)
	if err != nil {
		return 1, err
	}
	count := 0
	for _, r := range s.repositories {
		c.say("%s [%s]", r.index.Description, r.url)
		count += len(r.index.Packages)
	}
	if urls, _ := c.repositories(); len(s.repositories) < len(urls) {
		n := len(urls) - len(s.repositories)
		c.say("%d unavailable, 0 stale; %d distinct packages available", n, count)
		return n, nil
	}
	c.say("OK: %d distinct packages available", count)
	return 0, nil
}

// change carries out the verbs that change a root.
func (c *command) change(ctx context.Context, db *database) (int, error) {
	world, err := c.world(db)
	if err != nil {
		return 1, err
	}
	s, err := c.source(ctx)
	if err != nil {
		return 1, err
	}
	upgrade := c.options.verb == "upgrade" || c.options.flag("upgrade") || c.options.flag("latest")
	target := db
	if c.options.virtual != "" && c.options.verb == "add" {
		target = &database{packages: append(slices.Clone(db.packages), &installed{Package: c.virtual()})}
	}
	selected, err := solve(ctx, world, target, s, upgrade)
	if err != nil {
		return 1, err
	}
	t := &transaction{command: c, db: db, src: s, touched: map[string]bool{}, fresh: map[string]bool{}}
	return t.commit(ctx, world, selected)
}

// world is what the root should have once the command is carried out.
func (c *command) world(db *database) ([]string, error) {
	world := slices.Clone(db.world)
	without := func(name string) {
		world = slices.DeleteFunc(world, func(word string) bool { return parseConstraint(word).name == name })
	}
	switch {
	case c.options.verb == "add" && c.options.virtual != "":
		p := c.virtual()
		without(p.Name)
		world = append(world, p.Name+"="+p.Version)
	case c.options.verb == "add":
		for _, word := range c.options.args {
			without(parseConstraint(word).name)
			world = append(world, word)
		}
	case c.options.verb == "del":
		for _, name := range c.options.args {
			before := len(world)
			without(name)
			if len(world) == before && db.find(name) == nil {
				//lint:ignore ST1005 apk's words
				return nil, fmt.Errorf("No such package: %s", name)
			}
		}
	}
	slices.Sort(world)
	return world, nil
}

// virtual is the package of the option --virtual: a name for dependencies.
func (c *command) virtual() *goapk.Package {
	now := time.Now().UTC()
	if seconds, err := strconv.ParseInt(os.Getenv("SOURCE_DATE_EPOCH"), 10, 64); err == nil {
		now = time.Unix(seconds, 0).UTC()
	}
	sum := sha1.Sum([]byte(c.options.virtual + strings.Join(c.options.args, " "))) //nolint:gosec // the format's
	return &goapk.Package{
		Name: c.options.virtual, Version: now.Format("20060102.150405"), Arch: "noarch",
		Description: "virtual meta package", Dependencies: c.options.args, Checksum: sum[:],
	}
}
