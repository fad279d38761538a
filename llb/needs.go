package llb

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/moby/buildkit/client/llb"
	"github.com/pkg/errors"

	"github.com/autumnjolitz/distroless-frontend/spec"
)

// A need is a shared library that a file of the image needs and does not find in it.
type need struct {
	library   string // or the path of a loader
	file      string
	layer     string // of the file
	wheel     string // of the file, or ""
	elsewhere string // where a file of that name is, though no loader looks there, or ""
}

// readNeeds has a report of libraries.py made and reads it, but for the libraries that the spec
// ignores. Meanwhile the standard library may be compiled, which takes longest.
func (g *Graph) readNeeds(report, stdlib llb.State) ([]need, error) {
	data, err := g.Read(report, reportName, stdlib)
	if err != nil {
		return nil, err
	}
	needs, err := parseNeeds(data)
	return slices.DeleteFunc(needs, func(n need) bool {
		return slices.Contains(g.Spec.Libraries.Ignore, path.Base(n.library))
	}), err
}

func parseNeeds(report []byte) ([]need, error) {
	const fields = 5
	words := strings.Split(string(report), "\x00")
	if len(words)%fields != 1 {
		return nil, errors.Errorf("read the report on shared libraries: it has %d fields, which are not %d for each library", len(words)-1, fields)
	}
	var needs []need
	for w := range slices.Chunk(words[:len(words)-1], fields) {
		needs = append(needs, need{library: w[0], file: w[1], layer: w[2], wheel: w[3], elsewhere: w[4]})
	}
	return needs, nil
}

// ofGlibc are the names of what only programs need that were linked with glibc.
var ofGlibc = regexp.MustCompile(`^(libc\.so\.6|ld-linux.*|ld64\.so.*)$`)

func (n need) isOfGlibc() bool { return ofGlibc.MatchString(path.Base(n.library)) }

// soname is what packages can be asked for by so:NAME, so that nothing else that a wheel may
// have for a name gets to apk.
var soname = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.+-]*$`)

// installable returns the names, sorted, of the libraries that packages may have for what pip
// installed: none if something of it is not for Alpine anyway.
func installable(needs []need) []string {
	var names []string
	for _, n := range needs {
		switch {
		case n.layer != layerPip:
		case n.isOfGlibc():
			return nil
		case soname.MatchString(n.library):
			names = append(names, n.library)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// maxNeeds is how many needs an error names.
const maxNeeds = 5

// unmet returns an error that names the needs, at the place in the spec that brings the first
// of these files.
func (g *Graph) unmet(needs []need) error {
	if len(needs) == 0 {
		return nil
	}
	var sentences []string
	for _, n := range needs[:min(len(needs), maxNeeds)] {
		sentences = append(sentences, n.String())
	}
	if more := len(needs) - maxNeeds; more > 0 {
		sentences = append(sentences, fmt.Sprintf("there are %d more such files", more))
	}
	return g.located(errors.New(strings.Join(sentences, "; ")), g.origin(needs[0]))
}

// String says who needs what, and what to do.
func (n need) String() string {
	file, library := printable(n.file), printable(n.library)
	if n.wheel != "" {
		file += " of the wheel " + printable(n.wheel)
	}
	switch {
	case n.isOfGlibc():
		return fmt.Sprintf("%s needs %s, which is of glibc, and Alpine has musl instead: "+
			"take one that was built for musl (musllinux), or build it here (pip.no-binary, apk.build)", file, library)
	case n.elsewhere != "":
		return fmt.Sprintf("%s needs the shared library %s, which is at %s, where it is not looked for: "+
			"copy it to /usr/local/lib, or name its folder in LD_LIBRARY_PATH under env", file, library, printable(n.elsewhere))
	}
	return fmt.Sprintf("%s needs the shared library %s, which is not in the image: "+
		"add the package that has it to packages, where so:%s names it, or the library to libraries.ignore if it may be missing",
		file, library, library)
}

// printable returns a name that a wheel has as it is, or quoted if a terminal would not show it so.
func printable(name string) string {
	if strings.ContainsFunc(name, func(r rune) bool { return !unicode.IsPrint(r) || r == utf8.RuneError }) {
		return strconv.Quote(name)
	}
	return name
}

// origin returns the key of the spec that a file comes from.
func (g *Graph) origin(n need) string {
	switch {
	case n.layer == layerPip:
		return "pip"
	case n.layer == layerInterpreter && len(g.Spec.Stdlib.Include) > 0:
		return "stdlib.include"
	case n.layer == layerRoot && len(g.Spec.Packages) > 0:
		return "packages"
	case n.layer != layerFiles && g.Spec.Base != "":
		return "base"
	case n.layer != layerFiles:
		return "python"
	}
	for i, file := range slices.Backward(g.Spec.Files) {
		to := path.Clean(g.destination(file.To))
		if n.file == to || strings.HasPrefix(n.file, strings.TrimSuffix(to, "/")+"/") {
			return spec.Index("files", i)
		}
	}
	return "files"
}
