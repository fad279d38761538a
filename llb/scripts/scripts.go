// Package scripts holds the shell and Python scripts that the ops of the graph run, and
// the commands of the buildroot image.
package scripts

import (
	"embed"
	"io/fs"
)

// FS has four folders: bin, the commands of the buildroot image; ops, one script for each
// kind of op; python, modules of the standard library that end in the final image; image, other
// files of it.
//
//go:embed bin ops image all:python
var FS embed.FS

// Walk calls fn for every folder and file below FS in lexical order. The name is relative
// and slash-separated; data is nil for a folder. Everything in bin and every shell script is
// to be executable, which an embedded file system cannot say.
func Walk(fn func(name string, dir bool, data []byte) error) error {
	return fs.WalkDir(FS, ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil || name == "." {
			return err
		}
		if entry.IsDir() {
			return fn(name, true, nil)
		}
		data, err := FS.ReadFile(name)
		if err != nil {
			return err
		}
		return fn(name, false, data)
	})
}
