package standin

import (
	"debug/elf"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
)

// linkage is what the programs and libraries of a tree need and give.
type linkage struct {
	needed   map[string]bool
	provided map[string]bool
}

// scan reads the ELF files below root; skip says which to leave out.
func scan(root string, skip func(name string) bool) (linkage, error) {
	l := linkage{needed: map[string]bool{}, provided: map[string]bool{}}
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() || skip != nil && skip(entry.Name()) {
			return err
		}
		file, err := elf.Open(path)
		if err != nil {
			return nil //nolint:nilerr // no ELF file
		}
		defer file.Close()
		libraries, err := file.ImportedLibraries()
		if err != nil {
			return err
		}
		for _, name := range libraries {
			l.needed[name] = true
		}
		names, err := file.DynString(elf.DT_SONAME)
		if err != nil {
			return err
		}
		// Extension modules of Python have none.
		for _, name := range names {
			l.provided[name] = true
		}
		return nil
	})
	return l, err
}

// depends are the libraries that others have to give, as dependencies of a package.
func (l linkage) depends() []string {
	var words []string
	for name := range l.needed {
		if !l.provided[name] {
			words = append(words, "so:"+name)
		}
	}
	slices.Sort(words)
	return words
}

// provides are the tree's libraries as a package provides them. As in Alpine, the
// version is what follows .so, or 0.
func (l linkage) provides() []string {
	var words []string
	for name := range l.provided {
		_, version, ok := strings.Cut(name, ".so.")
		if !ok {
			version = "0"
		}
		words = append(words, "so:"+name+"="+version)
	}
	slices.Sort(words)
	return words
}
