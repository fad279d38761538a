package debian

import (
	"archive/tar"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"pault.ag/go/debian/deb"
)

// Unpack writes the files and links of the package below dir, owned by whoever
// runs this. Documentation, which nothing here has a use for, is left out.
func (p Package) Unpack(dir string) error {
	archive, closeFile, err := deb.LoadFile(p.File)
	if err != nil {
		return fmt.Errorf("%s: %w", p.Name, err)
	}
	defer closeFile() //nolint:errcheck // opened to read
	for {
		header, err := archive.Data.Next()
		if errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return fmt.Errorf("%s: %w", p.Name, err)
		}
		if err := unpackEntry(dir, header, archive.Data); err != nil {
			return fmt.Errorf("%s: %s: %w", p.Name, header.Name, err)
		}
	}
}

var leftOut = []string{"usr/share/doc/", "usr/share/man/", "usr/share/lintian/", "usr/share/locale/", "usr/share/bug/"}

func unpackEntry(dir string, header *tar.Header, content io.Reader) error {
	name := strings.TrimPrefix(filepath.Clean(header.Name), "/")
	for _, prefix := range leftOut {
		if strings.HasPrefix(name, prefix) {
			return nil
		}
	}
	if !filepath.IsLocal(name) {
		return errors.New("the name leads out of the package")
	}
	path := filepath.Join(dir, name)
	switch header.Typeflag {
	case tar.TypeDir:
		return os.MkdirAll(path, 0o755)
	case tar.TypeSymlink:
		return replace(path, func() error { return os.Symlink(header.Linkname, path) })
	case tar.TypeLink:
		target := filepath.Join(dir, filepath.Clean("/"+header.Linkname))
		return replace(path, func() error { return os.Link(target, path) })
	case tar.TypeReg:
		return replace(path, func() error { return writeFile(path, content, header.FileInfo().Mode().Perm()) })
	}
	return nil
}

// replace makes a file where there may be one already.
func replace(path string, create func() error) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return create()
}

func writeFile(path string, content io.Reader, mode fs.FileMode) error {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_TRUNC, mode|0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, content)
	return errors.Join(err, file.Close())
}
