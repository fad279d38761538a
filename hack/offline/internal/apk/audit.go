package apk

import (
	"crypto/sha1" //nolint:gosec // the format's
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// audit lists the files of packages that are changed (U) or missing (X): those of the
// configuration or, with --system, all others. It knows of no files that are no package's.
func (c *command) audit(db *database) (int, error) {
	system := c.options.flag("system")
	var found []string
	var errs []error
	for _, p := range db.packages {
		p.paths(func(path string, dir bool, sum string) {
			if dir || strings.HasPrefix(path, "etc/") == system {
				return
			}
			letter, err := audit(filepath.Join(db.root, path), sum)
			if err != nil || letter == "" {
				errs = append(errs, err)
				return
			}
			if !c.options.flag("quiet") {
				path = letter + " " + path
			}
			found = append(found, path)
		})
	}
	slices.Sort(found)
	for _, line := range found {
		fmt.Fprintln(c.stdout, line) // quiet is without letters
	}
	return 0, errors.Join(errs...)
}

// audit compares a file with a checksum of the database.
func audit(path, sum string) (string, error) {
	info, err := os.Lstat(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "X", nil
	} else if err != nil {
		return "", err
	}
	var content []byte
	if info.Mode().Type() == fs.ModeSymlink {
		var target string
		target, err = os.Readlink(path)
		content = []byte(target)
	} else {
		content, err = os.ReadFile(path)
	}
	if err != nil {
		return "", err
	}
	have := sha1.Sum(content) //nolint:gosec // the format's
	if sum != "" && sum != "Q1"+base64.StdEncoding.EncodeToString(have[:]) {
		return "U", nil
	}
	return "", nil
}
