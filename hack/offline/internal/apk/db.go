package apk

import (
	"archive/tar"
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	goapk "github.com/chainguard-dev/go-apk/pkg/apk"
	"golang.org/x/sys/unix"
)

const (
	installedFile = "lib/apk/db/installed"
	scriptsFile   = "lib/apk/db/scripts.tar"
	triggersFile  = "lib/apk/db/triggers"
	lockFile      = "lib/apk/db/lock"
	worldFile     = "etc/apk/world"
	archFile      = "etc/apk/arch"
)

// installed is an entry of the database. Its file lines are kept as they are.
type installed struct {
	*goapk.Package
	flags string   // of the line f
	rest  []string // r, q, k and i lines, before the files
	files []string // F, M, R, a and Z lines
}

// script is an entry of scripts.tar.
type script struct {
	name    string
	content []byte
}

// database is what a root knows of its packages.
type database struct {
	root     string
	world    []string
	packages []*installed
	scripts  []script
	triggers map[string][]string // by the checksum of the package
}

// openDatabase reads the database of a root. One that is not there is an error
// of the kind fs.ErrNotExist.
func openDatabase(root string) (*database, error) {
	db := &database{root: root, triggers: map[string][]string{}}
	text, err := os.ReadFile(filepath.Join(root, installedFile))
	if err != nil {
		return nil, err
	}
	for _, block := range strings.Split(string(text), "\n\n") {
		if block = strings.Trim(block, "\n"); block == "" {
			continue
		}
		pkg, err := parseInstalled(block)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", installedFile, err)
		}
		db.packages = append(db.packages, pkg)
	}
	if db.world, err = readWords(filepath.Join(root, worldFile)); err != nil {
		return nil, err
	}
	if err := db.readTriggers(); err != nil {
		return nil, err
	}
	return db, db.readScripts()
}

// createDatabase makes an empty database, as --initdb does.
func createDatabase(root, arch string) error {
	for _, dir := range []string{"etc/apk", "lib/apk/db", "dev"} {
		if err := os.MkdirAll(filepath.Join(root, dir), 0o755); err != nil {
			return err
		}
	}
	createDevices(filepath.Join(root, "dev"))
	for name, content := range map[string]string{
		installedFile: "", scriptsFile: "", triggersFile: "", worldFile: "", archFile: arch + "\n", lockFile: "",
	} {
		path := filepath.Join(root, name)
		if _, err := os.Stat(path); err == nil {
			continue
		}
		mode := fs.FileMode(0o644)
		if name == lockFile {
			mode = 0o600
		}
		if err := os.WriteFile(path, []byte(content), mode); err != nil {
			return err
		}
	}
	return nil
}

// createDevices makes what scripts expect in /dev, where that is allowed.
func createDevices(dir string) {
	for name, device := range map[string]struct{ mode, minor uint32 }{
		"null": {0o666, 3}, "zero": {0o666, 5}, "random": {0o666, 8}, "urandom": {0o666, 9},
	} {
		path := filepath.Join(dir, name)
		if unix.Mknod(path, unix.S_IFCHR|device.mode, int(unix.Mkdev(1, device.minor))) == nil {
			_ = os.Chmod(path, fs.FileMode(device.mode)) // whatever the umask
		}
	}
}

func parseInstalled(block string) (*installed, error) {
	p := &installed{}
	var head []string
	for _, line := range strings.Split(block, "\n") {
		letter, value, ok := strings.Cut(line, ":")
		switch {
		case !ok || len(letter) != 1:
			return nil, fmt.Errorf("cannot read the line %q", line)
		case letter == "f":
			p.flags = value
		case strings.Contains("FMRaZ", letter):
			p.files = append(p.files, line)
		case strings.Contains("rqik", letter):
			p.rest = append(p.rest, line)
		default:
			head = append(head, line)
		}
	}
	packages, err := goapk.ParsePackageIndex(strings.NewReader(strings.Join(head, "\n") + "\n\n"))
	if err != nil {
		return nil, err
	}
	if len(packages) != 1 {
		return nil, fmt.Errorf("a package without a name: %q", block)
	}
	p.Package = packages[0]
	for _, line := range p.rest {
		if value, ok := strings.CutPrefix(line, "r:"); ok {
			p.Replaces = strings.Fields(value)
		}
	}
	return p, nil
}

// entry renders a package as the database has it.
func (p *installed) entry() string {
	var b strings.Builder
	line := func(letter, value string) { fmt.Fprintf(&b, "%s:%s\n", letter, value) }
	list := func(letter string, values []string) {
		if len(values) > 0 {
			line(letter, strings.Join(values, " "))
		}
	}
	line("C", p.ChecksumString())
	line("P", p.Name)
	line("V", p.Version)
	line("A", p.Arch)
	line("S", fmt.Sprint(p.Size))
	line("I", fmt.Sprint(p.InstalledSize))
	line("T", p.Description)
	line("U", p.URL)
	line("L", p.License)
	for _, field := range [][2]string{{"o", p.Origin}, {"m", p.Maintainer}} {
		if field[1] != "" {
			line(field[0], field[1])
		}
	}
	if p.BuildDate != 0 {
		line("t", fmt.Sprint(p.BuildDate))
	}
	if p.RepoCommit != "" {
		line("c", p.RepoCommit)
	}
	for _, text := range p.rest {
		if strings.HasPrefix(text, "k:") {
			b.WriteString(text + "\n")
		}
	}
	list("D", p.Dependencies)
	list("p", p.Provides)
	for _, text := range p.rest {
		if !strings.HasPrefix(text, "k:") {
			b.WriteString(text + "\n")
		}
	}
	if p.flags != "" {
		line("f", p.flags)
	}
	for _, text := range p.files {
		b.WriteString(text + "\n")
	}
	return b.String() + "\n"
}

// paths calls visit for each directory and file of the package; sum is the
// checksum line's value.
func (p *installed) paths(visit func(path string, dir bool, sum string)) {
	dir, file := "", ""
	flush := func(sum string) {
		if file != "" {
			visit(file, false, sum)
			file = ""
		}
	}
	for _, line := range p.files {
		letter, value, _ := strings.Cut(line, ":")
		switch letter {
		case "F":
			flush("")
			dir = value
			visit(dir, true, "")
		case "R":
			flush("")
			file = filepath.Join(dir, value)
		case "Z":
			flush(value)
		}
	}
	flush("")
}

// find returns the installed package of that name, or nil.
func (db *database) find(name string) *installed {
	for _, p := range db.packages {
		if p.Name == name {
			return p
		}
	}
	return nil
}

// drop forgets a package, its scripts and triggers.
func (db *database) drop(p *installed) {
	db.packages = slices.DeleteFunc(db.packages, func(other *installed) bool { return other == p })
	prefix := scriptPrefix(p.Package)
	db.scripts = slices.DeleteFunc(db.scripts, func(s script) bool { return strings.HasPrefix(s.name, prefix) })
	delete(db.triggers, p.ChecksumString())
}

// scriptPrefix is how the names of a package's scripts begin in scripts.tar.
func scriptPrefix(p *goapk.Package) string {
	return fmt.Sprintf("%s-%s.%s.", p.Name, p.Version, p.ChecksumString())
}

// save writes the database, each file by a rename.
func (db *database) save() error {
	slices.SortFunc(db.packages, func(a, b *installed) int { return strings.Compare(a.Name, b.Name) })
	var entries, triggers, world strings.Builder
	for _, p := range db.packages {
		entries.WriteString(p.entry())
		if globs := db.triggers[p.ChecksumString()]; len(globs) > 0 {
			fmt.Fprintf(&triggers, "%s %s\n", p.ChecksumString(), strings.Join(globs, " "))
		}
	}
	for _, name := range db.world {
		world.WriteString(name + "\n")
	}
	scripts, err := db.packScripts()
	if err != nil {
		return err
	}
	for _, file := range []struct {
		name    string
		content []byte
	}{
		{worldFile, []byte(world.String())},
		{installedFile, []byte(entries.String())},
		{triggersFile, []byte(triggers.String())},
		{scriptsFile, scripts},
	} {
		path := filepath.Join(db.root, file.name)
		if err := os.WriteFile(path+".new", file.content, 0o644); err != nil {
			return err
		}
		if err := os.Rename(path+".new", path); err != nil {
			return err
		}
	}
	return nil
}

func (db *database) readScripts() error {
	archive, err := os.ReadFile(filepath.Join(db.root, scriptsFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	} else if err != nil {
		return err
	}
	reader := tar.NewReader(bytes.NewReader(archive))
	for {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("%s: %w", scriptsFile, err)
		}
		content, err := io.ReadAll(reader)
		if err != nil {
			return fmt.Errorf("%s: %w", scriptsFile, err)
		}
		db.scripts = append(db.scripts, script{header.Name, content})
	}
}

func (db *database) packScripts() ([]byte, error) {
	var archive bytes.Buffer
	writer := tar.NewWriter(&archive)
	for _, s := range db.scripts {
		header := &tar.Header{Name: s.name, Mode: 0o755, Size: int64(len(s.content)), Uname: "root", Gname: "root"}
		if err := writer.WriteHeader(header); err != nil {
			return nil, err
		}
		if _, err := writer.Write(s.content); err != nil {
			return nil, err
		}
	}
	err := writer.Close()
	return archive.Bytes(), err
}

func (db *database) readTriggers() error {
	text, err := os.ReadFile(filepath.Join(db.root, triggersFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil
	}
	for line := range strings.Lines(string(text)) {
		if words := strings.Fields(line); len(words) > 1 {
			db.triggers[words[0]] = words[1:]
		}
	}
	return err
}

func readWords(path string) ([]string, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	return strings.Fields(string(text)), err
}
