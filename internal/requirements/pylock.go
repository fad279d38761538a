package requirements

import (
	"fmt"
	"net/url"
	"path"
	"regexp"
	"slices"
	"strings"

	"github.com/autumnjolitz/distroless-frontend/internal/markers"
	"github.com/autumnjolitz/distroless-frontend/spec"
)

// pylock has the keys of a lock that are read:
// https://packaging.python.org/en/latest/specifications/pylock-toml/
type pylock struct {
	Version        string          `toml:"lock-version"`
	Environments   []string        `toml:"environments"`
	RequiresPython string          `toml:"requires-python"`
	Extras         []string        `toml:"extras"`
	Groups         []string        `toml:"dependency-groups"`
	DefaultGroups  []string        `toml:"default-groups"`
	Packages       []lockedPackage `toml:"packages"`
}

type lockedPackage struct {
	Name           string         `toml:"name"`
	Marker         string         `toml:"marker"`
	RequiresPython string         `toml:"requires-python"`
	VCS            map[string]any `toml:"vcs"`
	Directory      map[string]any `toml:"directory"`
	Archive        *artifact      `toml:"archive"`
	SDist          *artifact      `toml:"sdist"`
	Wheels         []artifact     `toml:"wheels"`
}

// An artifact is a file to download, or one of the context.
type artifact struct {
	Name         string            `toml:"name"`
	URL          string            `toml:"url"`
	Path         string            `toml:"path"`
	Hashes       map[string]string `toml:"hashes"`
	Subdirectory string            `toml:"subdirectory"`
}

// ContextDir is where pip finds the files of the context.
const ContextDir = "/context"

// Locked is what a lock has installed.
type Locked struct {
	// Requirements is a requirements file with a hash for each artifact, that stands on the line
	// that it has in the lock.
	Requirements []byte
	// Files are the artifacts that are files of the context.
	Files []string
}

// LockFiles returns the files of the context that a lock names for any platform. What is wrong
// with it ReadLock says.
func LockFiles(name string, data []byte) []string {
	var lock pylock
	doc, err := (&file{name: name, data: data}).decode(&lock)
	if err != nil {
		return nil
	}
	var files []string
	for _, p := range lock.Packages {
		for _, a := range p.artifacts() {
			if named, err := doc.inContext(line{}, path.Dir(name), a.Path, false); err == nil && a.URL == "" && named.path != "" {
				files = append(files, named.path)
			}
		}
	}
	return files
}

// artifacts returns all of a package.
func (p lockedPackage) artifacts() []artifact {
	all := slices.Clone(p.Wheels)
	for _, other := range []*artifact{p.SDist, p.Archive} {
		if other != nil {
			all = append(all, *other)
		}
	}
	return all
}

// ReadLock chooses what a lock has installed for a target. The options of the spec choose
// between wheels and source distributions.
func ReadLock(name string, data []byte, target Target, selected Selection, pip spec.Pip) (*Locked, error) {
	var lock pylock
	doc, err := (&file{name: name, data: data}).decode(&lock)
	if err != nil {
		return nil, err
	}
	r := &lockReader{document: doc, lock: lock, target: target, selected: selected, pip: pip, seen: map[string]string{}}
	if err := r.head(); err != nil {
		return nil, err
	}
	for i, p := range lock.Packages {
		if err := r.add(spec.Index("packages", i), p); err != nil {
			return nil, err
		}
	}
	return r.result(), nil
}

// projectName is the form of the name of a project, which becomes a part of a line for pip:
// https://packaging.python.org/en/latest/specifications/name-normalization/
var projectName = regexp.MustCompile(`^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$`)

type lockReader struct {
	*document
	lock     pylock
	target   Target
	selected Selection
	pip      spec.Pip

	environment markers.Environment
	seen        map[string]string // where a package is, by its name
	lines       []lockedLine
	files       []string
}

type lockedLine struct {
	number int
	text   string
}

// head checks what the lock says of itself.
func (r *lockReader) head() error {
	switch major, _, _ := strings.Cut(r.lock.Version, "."); {
	case r.lock.Version == "":
		return r.errorAt("", "lock-version is missing: expected a lock of PEP 751, such as `uv export --no-dev --no-emit-project -o pylock.toml` makes")
	case major != "1":
		return r.errorAt("lock-version", "the version of the lock is %q: expected 1.0", r.lock.Version)
	case r.lock.Packages == nil:
		return r.errorAt("", "packages is missing: expected a lock of PEP 751, such as `uv export --no-dev --no-emit-project -o pylock.toml` makes")
	}
	if err := checkPython(r.document, "requires-python", r.lock.RequiresPython, r.target.Python); err != nil {
		return err
	}
	groups := slices.Concat(r.lock.Groups, r.lock.DefaultGroups)
	for _, wanted := range []struct {
		key, kind    string
		names, known []string
	}{{"pip.extras", "extra", r.selected.Extras, r.lock.Extras}, {"pip.groups", "dependency group", r.selected.Groups, groups}} {
		for i, name := range wanted.names {
			if !slices.ContainsFunc(wanted.known, func(known string) bool { return normalized(known) == normalized(name) }) {
				return r.selected.unknownName(wanted.key, i, r.name, wanted.kind, wanted.known)
			}
		}
	}
	r.environment = markers.Linux(r.target.Python, r.target.Machine)
	r.environment.Sets["extras"] = r.selected.Extras
	r.environment.Sets["dependency_groups"] = slices.Concat(r.lock.DefaultGroups, r.selected.Groups)
	return r.environments()
}

// environments checks that the lock was made for one like that of the image.
func (r *lockReader) environments() error {
	for i, marker := range r.lock.Environments {
		holds, err := r.holds(spec.Index("environments", i), marker)
		if holds || err != nil {
			return err
		}
	}
	if len(r.lock.Environments) > 0 {
		return r.errorAt("environments", "the lock is for other environments than Python %s on Linux, %s: lock for that one, too", r.target.Python, r.target.Machine)
	}
	return nil
}

func (r *lockReader) holds(path, marker string) (bool, error) {
	holds, err := r.environment.Evaluate(marker)
	if err != nil {
		return false, r.errorAt(path, "%q is not a marker: %v", marker, err)
	}
	return holds, nil
}

// add takes an artifact of a package, if the package is for the target.
func (r *lockReader) add(at string, p lockedPackage) error {
	switch {
	case p.Name == "":
		return r.errorAt(at, "name is missing")
	case !projectName.MatchString(p.Name):
		return r.errorAt(at+".name", "%q is not the name of a project: expected a name such as markupsafe", p.Name)
	}
	if holds, err := r.holds(at+".marker", p.Marker); !holds || err != nil {
		return err
	}
	name := normalized(p.Name)
	if before := r.seen[name]; before != "" {
		return r.errorAt(at, "%s is there already, on line %d, and both are for Python %s on Linux, %s: a marker has to tell them apart",
			p.Name, r.line(before).number, r.target.Python, r.target.Machine)
	}
	r.seen[name] = at
	if err := checkPython(r.document, at+".requires-python", p.RequiresPython, r.target.Python); err != nil {
		return err
	}
	switch {
	case p.VCS != nil:
		return r.errorAt(at+".vcs", "%s is a repository, of which no lock has a hash: have it locked as an archive, or name it in a requirements file", p.Name)
	case p.Directory != nil:
		return r.errorAt(at+".directory", "%s is a folder: if it is the application, leave it out of the lock and name its folder under pip.project; "+
			"if not, lock a wheel of it", p.Name)
	case p.Archive != nil && lists(r.pip.OnlyBinary, p.Name) && !strings.HasSuffix(p.Archive.fileName(), ".whl"):
		return r.errorAt(at+".archive", "%s is no wheel, and pip.only-binary takes nothing else: lock a wheel of %s", p.Archive.fileName(), p.Name)
	case p.Archive != nil:
		return r.take(at+".archive", p.Name, *p.Archive)
	}
	path, chosen, err := r.choose(at, p)
	if err != nil {
		return err
	}
	return r.take(path, p.Name, chosen)
}

// choose returns the wheel that fits best, else the source distribution.
func (r *lockReader) choose(at string, p lockedPackage) (string, artifact, error) {
	best, rank := -1, 0
	ranks := r.target.tags()
	for i, wheel := range p.Wheels {
		path := spec.Index(at+".wheels", i)
		tags, name, err := tagsOf(wheel.fileName())
		if err != nil {
			return "", artifact{}, r.errorAt(path, "%v", err)
		}
		if normalized(name) != normalized(p.Name) {
			return "", artifact{}, r.errorAt(path, "%s is a wheel of another project than %s", wheel.fileName(), p.Name)
		}
		for _, tag := range tags {
			if its, ok := ranks[tag]; ok && (best < 0 || its < rank) {
				best, rank = i, its
			}
		}
	}
	onlySource := lists(r.pip.NoBinary, p.Name) && !lists(r.pip.OnlyBinary, p.Name)
	switch {
	case best >= 0 && !onlySource:
		return spec.Index(at+".wheels", best), p.Wheels[best], nil
	case p.SDist != nil && !lists(r.pip.OnlyBinary, p.Name):
		return at + ".sdist", *p.SDist, nil
	}
	what := fmt.Sprintf("a wheel for tag cp3%d-musllinux_1_2_%s", r.target.minor(), r.target.Machine)
	if onlySource {
		what = "a source distribution, which pip.no-binary wants"
	}
	return "", artifact{}, r.errorAt(at, "%s has not got %s: lock a version that has one, or add a wheel of your own to the lock", p.Name, what)
}

// lists tells whether a list of projects has one in it.
func lists(projects []string, name string) bool {
	return slices.ContainsFunc(projects, func(project string) bool { return project == ":all:" || normalized(project) == normalized(name) })
}

// take adds a line for an artifact.
func (r *lockReader) take(at, name string, a artifact) error {
	hash, err := r.hash(at, a)
	if err != nil {
		return err
	}
	where, err := r.place(at, a)
	if err != nil {
		return err
	}
	if !strings.HasPrefix(where, "./") {
		where = name + " @ " + where
	}
	r.lines = append(r.lines, lockedLine{r.line(at).number, where + " --hash=" + hash})
	return nil
}

// hash returns the best that pip knows.
func (r *lockReader) hash(at string, a artifact) (string, error) {
	for _, algorithm := range []string{"sha512", "sha384", "sha256"} {
		if digest, ok := a.Hashes[algorithm]; ok {
			if digest == "" || strings.Trim(strings.ToLower(digest), "0123456789abcdef") != "" {
				return "", r.errorAt(at+".hashes", "%q is not a hash: expected hexadecimal digits", digest)
			}
			return algorithm + ":" + strings.ToLower(digest), nil
		}
	}
	return "", r.errorAt(at+".hashes", "there is no hash that pip checks: expected sha256, sha384 or sha512")
}

// place returns where an artifact is: a URL, or ./ and a path of the context.
func (r *lockReader) place(at string, a artifact) (string, error) {
	fragment, err := r.fragment(at, a)
	if err != nil {
		return "", err
	}
	if a.URL == "" {
		named, err := r.inContext(r.line(at+".path"), path.Dir(r.name), a.Path, false)
		if err != nil {
			return "", err
		}
		if strings.ContainsAny(named.path, " \t#;[]") || !distribution.MatchString(named.path) {
			return "", r.errorAt(at+".path", "%q is no path of a wheel or an archive", a.Path)
		}
		r.files = append(r.files, named.path)
		if fragment != "" { // which no path can have
			file := url.URL{Scheme: "file", Path: path.Join(ContextDir, named.path)}
			return file.String() + fragment, nil
		}
		return "./" + named.path, nil
	}
	if spec.HasCredentials(a.URL) {
		return "", r.errorAt(at+".url", "%s", spec.CredentialsHelp)
	}
	parsed, err := url.Parse(a.URL)
	if err != nil || parsed.Scheme != "https" && parsed.Scheme != "http" || strings.ContainsAny(a.URL, " \t\r\n") {
		return "", r.errorAt(at+".url", "not an http or https URL; expected for example https://files.example/name-1.0-py3-none-any.whl")
	}
	if fragment != "" {
		parsed.Fragment = ""
	}
	return parsed.String() + fragment, nil
}

// fragment is the part of a URL that tells pip which folder of an archive is the project. It
// takes the folder as it stands there.
func (r *lockReader) fragment(at string, a artifact) (string, error) {
	folder := a.Subdirectory
	switch {
	case folder == "":
		return "", nil
	case !folderInArchive.MatchString(folder) || path.IsAbs(folder) || slices.Contains(strings.Split(folder, "/"), ".."):
		return "", r.errorAt(at+".subdirectory", "%q is no folder of an archive: expected a path such as python/src, without .. and blanks", folder)
	}
	return "#subdirectory=" + folder, nil
}

// folderInArchive has nothing in it that ends a folder in a URL, or the URL in a line.
var folderInArchive = regexp.MustCompile(`^[^\s#&;\x00-\x1f]+$`)

// fileName is what the lock says it is, or the end of its place.
func (a artifact) fileName() string {
	if a.Name != "" {
		return a.Name
	}
	place := a.Path
	if a.URL != "" {
		if parsed, err := url.Parse(a.URL); err == nil {
			place = parsed.Path
		}
	}
	return path.Base(place)
}

// result puts every requirement on the line that it has in the lock, by which pip's errors name
// it. Of a line that has several, those that follow move down.
func (r *lockReader) result() *Locked {
	slices.SortStableFunc(r.lines, func(a, b lockedLine) int { return a.number - b.number })
	var text strings.Builder
	number := 1
	for _, l := range r.lines {
		for ; number < l.number; number++ {
			text.WriteString("\n")
		}
		text.WriteString(l.text + "\n")
		number++
	}
	slices.Sort(r.files)
	return &Locked{Requirements: []byte(text.String()), Files: slices.Compact(r.files)}
}
