package frontend_test

import (
	"context"
	"crypto/sha1"
	"encoding/base64"
	"io/fs"
	"path"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
)

// An apkPackage is an entry of the database that apk, and every scanner, reads.
// https://wiki.alpinelinux.org/wiki/Apk_spec
type apkPackage struct {
	name      string
	provides  []string          // its name, and what its p: line says, without versions
	depends   []string          // what it needs, without versions
	folders   []string          // absolute
	files     map[string]string // checksums by absolute path
	conflicts []string
}

func apkDatabase(t *testing.T, img *testenv.Image) map[string]*apkPackage {
	t.Helper()
	data, err := img.ReadFile(t.Context(), "/lib/apk/db/installed")
	require.NoError(t, err)
	db := map[string]*apkPackage{}
	for paragraph := range strings.SplitSeq(strings.TrimSpace(string(data)), "\n\n") {
		p := parseAPKPackage(paragraph)
		require.NotEmpty(t, p.name, paragraph)
		require.NotContains(t, db, p.name)
		db[p.name] = p
	}
	return db
}

func parseAPKPackage(paragraph string) *apkPackage {
	p := &apkPackage{files: map[string]string{}}
	folder, file := "/", ""
	for line := range strings.SplitSeq(paragraph, "\n") {
		key, value, _ := strings.Cut(line, ":")
		switch key {
		case "P":
			p.name = value
			p.provides = append(p.provides, value)
		case "p":
			p.provides = append(p.provides, unversioned(value)...)
		case "D":
			for _, name := range unversioned(value) {
				if conflict, ok := strings.CutPrefix(name, "!"); ok {
					p.conflicts = append(p.conflicts, conflict)
				} else {
					p.depends = append(p.depends, name)
				}
			}
		case "F":
			folder = "/" + value
			p.folders = append(p.folders, folder)
		case "R":
			file = path.Join(folder, value)
			p.files[file] = ""
		case "Z":
			p.files[file] = value
		}
	}
	return p
}

// unversioned splits a list of "name", "name=version", "name<version"…
func unversioned(list string) []string {
	names := strings.Fields(list)
	for i, name := range names {
		if at := strings.IndexAny(name, "<>=~"); at > 0 {
			names[i] = name[:at]
		}
	}
	return names
}

// apkChecksum returns the checksum that the database has of a file.
func apkChecksum(ctx context.Context, img *testenv.Image, file testenv.File) (string, error) {
	content := []byte(file.Link)
	if file.Mode&fs.ModeSymlink == 0 {
		var err error
		if content, err = img.ReadFile(ctx, file.Path); err != nil {
			return "", err
		}
	}
	sum := sha1.Sum(content)
	return "Q1" + base64.StdEncoding.EncodeToString(sum[:]), nil
}
