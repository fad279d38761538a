package apk

import (
	"archive/tar"
	"crypto/sha1" //nolint:gosec // the format's
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"path/filepath"
	"slices"
	"sort"
	"strings"
)

// fileList makes the database's lines for the files of a package: each directory,
// followed by what is right in it.
type fileList struct {
	dirs  map[string]string   // name: M line, or ""
	files map[string][]string // directory: lines
}

func newFileList() *fileList {
	return &fileList{dirs: map[string]string{}, files: map[string][]string{}}
}

func (l *fileList) add(header *tar.Header) {
	name := filepath.Clean(header.Name)
	mode := header.Mode & 0o7777
	if header.Typeflag == tar.TypeDir {
		l.dirs[name] = ""
		if mode != 0o755 || header.Uid != 0 || header.Gid != 0 {
			l.dirs[name] = fmt.Sprintf("M:%d:%d:%o", header.Uid, header.Gid, mode)
		}
		return
	}
	dir := filepath.Dir(name)
	if _, ok := l.dirs[dir]; !ok {
		l.dirs[dir] = ""
	}
	lines := []string{"R:" + filepath.Base(name)}
	if header.Typeflag == tar.TypeSymlink {
		mode = 0o777
	}
	if mode != 0o644 || header.Uid != 0 || header.Gid != 0 {
		lines = append(lines, fmt.Sprintf("a:%d:%d:%o", header.Uid, header.Gid, mode))
	}
	if sum := checksum(header); len(sum) > 0 {
		lines = append(lines, "Z:Q1"+base64.StdEncoding.EncodeToString(sum))
	}
	l.files[dir] = append(l.files[dir], strings.Join(lines, "\n"))
}

// checksum is that of a file's content, or of a link's target: nfpm gives all links
// the checksum of nothing.
func checksum(header *tar.Header) []byte {
	if header.Typeflag == tar.TypeSymlink {
		sum := sha1.Sum([]byte(header.Linkname)) //nolint:gosec // the format's
		return sum[:]
	}
	sum, err := hex.DecodeString(header.PAXRecords[checksumRecord])
	if err != nil {
		return nil
	}
	return sum
}

func (l *fileList) lines() []string {
	dirs := make([]string, 0, len(l.dirs))
	for dir := range l.dirs {
		dirs = append(dirs, dir)
	}
	slices.Sort(dirs)
	var lines []string
	for _, dir := range dirs {
		name := dir
		if dir == "." {
			name = ""
		}
		lines = append(lines, "F:"+name)
		if l.dirs[dir] != "" {
			lines = append(lines, l.dirs[dir])
		}
		sort.Strings(l.files[dir])
		for _, file := range l.files[dir] {
			lines = append(lines, strings.Split(file, "\n")...)
		}
	}
	return lines
}
