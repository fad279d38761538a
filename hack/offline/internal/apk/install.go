package apk

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha1" //nolint:gosec // the format's
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	goapk "github.com/chainguard-dev/go-apk/pkg/apk"
	"github.com/chainguard-dev/go-apk/pkg/expandapk"
	"golang.org/x/sys/unix"
	"gopkg.in/ini.v1"
)

const checksumRecord = "APK-TOOLS.checksum.SHA1"

// contents is an opened package file.
type contents struct {
	expanded *expandapk.APKExpanded
	triggers []string
	scripts  []script // named as in the package: ".post-install"
	rest     []string // lines for the database that the index does not have
}

// openPackage unpacks a package file and checks it against the index.
func openPackage(ctx context.Context, text []byte, want *goapk.Package) (*contents, error) {
	expanded, err := expandapk.ExpandApk(ctx, bytes.NewReader(text), "")
	if err != nil {
		if checkErr := checkGzip(text); checkErr != nil {
			return nil, checkErr
		}
		return nil, errIntegrity
	}
	c := &contents{expanded: expanded}
	if !bytes.Equal(expanded.ControlHash, want.Checksum) {
		return nil, errors.Join(errIntegrity, c.close())
	}
	if err := c.readControl(); err != nil {
		return nil, errors.Join(err, c.close())
	}
	return c, nil
}

func (c *contents) close() error { return c.expanded.Close() }

// readControl reads the package's description and scripts.
func (c *contents) readControl() error {
	control, err := c.expanded.ControlData()
	if err != nil {
		return err
	}
	reader := tar.NewReader(bytes.NewReader(control))
	for {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			return nil
		} else if err != nil {
			return errIntegrity
		}
		text, err := io.ReadAll(reader)
		if err != nil {
			return errIntegrity
		}
		if header.Name != ".PKGINFO" {
			c.scripts = append(c.scripts, script{header.Name, text})
		} else if err := c.readInfo(text); err != nil {
			return err
		}
	}
}

func (c *contents) readInfo(text []byte) error {
	info, err := ini.ShadowLoad(text)
	if err != nil {
		return errIntegrity
	}
	values := info.Section("")
	if values.Key("datahash").String() != hex.EncodeToString(c.expanded.PackageHash) {
		return errIntegrity
	}
	c.triggers = strings.Fields(values.Key("triggers").String())
	for _, line := range [][2]string{{"replaces", "r"}, {"replaces_priority", "q"}, {"provider_priority", "k"}} {
		if values.HasKey(line[0]) {
			words := values.Key(line[0]).ValueWithShadows()
			c.rest = append(c.rest, line[1]+":"+strings.Join(words, " "))
		}
	}
	return nil
}

// script returns the script of that name, or nil.
func (c *contents) script(name string) []byte {
	for _, s := range c.scripts {
		if s.name == "."+name {
			return s.content
		}
	}
	return nil
}

// unpacker writes the files of one package into a root.
type unpacker struct {
	db      *database
	pkg     *installed
	old     *installed // an earlier version, or nil
	owners  map[string]*installed
	chown   bool
	touched func(dir string)
}

// unpack writes all files and records them in the package.
func (u *unpacker) unpack(c *contents) error {
	data, err := os.Open(c.expanded.PackageFile)
	if err != nil {
		return err
	}
	defer data.Close()
	stream, err := gzip.NewReader(data)
	if err != nil {
		return errIntegrity
	}
	list := newFileList()
	reader := tar.NewReader(stream)
	for {
		header, err := reader.Next()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return errIntegrity
		}
		if err := u.entry(header, reader); err != nil {
			return err
		}
		list.add(header)
	}
	u.pkg.files = list.lines()
	return nil
}

func (u *unpacker) entry(header *tar.Header, content io.Reader) error {
	name := strings.TrimSuffix(filepath.Clean(header.Name), "/")
	if !filepath.IsLocal(name) {
		return errIntegrity
	}
	u.touched(filepath.Dir(name))
	path := filepath.Join(u.db.root, name)
	if header.Typeflag == tar.TypeDir {
		return u.directory(path, header)
	}
	if owner := u.owners[name]; owner != nil && owner != u.old && !contains(u.pkg.Replaces, owner.Name) {
		if contains(owner.Replaces, u.pkg.Name) {
			return nil
		}
		return fmt.Errorf("trying to overwrite %s owned by %s-%s", name, owner.Name, owner.Version)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if u.protects(name, path, header) {
		path += ".apk-new"
	}
	// By a rename, so that a link in its place is replaced and not followed.
	temporary := filepath.Join(filepath.Dir(path), ".apk."+shortSum([]byte(name)))
	if err := os.Remove(temporary); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := u.write(temporary, header, content); err != nil {
		return errors.Join(err, os.Remove(temporary))
	}
	return os.Rename(temporary, path)
}

func (u *unpacker) directory(path string, header *tar.Header) error {
	info, err := os.Stat(path)
	if err == nil && info.IsDir() {
		return nil
	}
	if err := os.MkdirAll(path, 0o755); err != nil {
		return err
	}
	return u.attributes(path, header)
}

func (u *unpacker) write(path string, header *tar.Header, content io.Reader) error {
	switch header.Typeflag {
	case tar.TypeSymlink:
		if err := os.Symlink(header.Linkname, path); err != nil {
			return err
		}
	case tar.TypeLink:
		if err := os.Link(filepath.Join(u.db.root, filepath.Clean(header.Linkname)), path); err != nil {
			return err
		}
	default:
		file, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		if _, err := io.Copy(file, content); err != nil {
			return errors.Join(err, file.Close())
		}
		if err := file.Close(); err != nil {
			return err
		}
	}
	return u.attributes(path, header)
}

func (u *unpacker) attributes(path string, header *tar.Header) error {
	if u.chown {
		if err := os.Lchown(path, header.Uid, header.Gid); err != nil {
			return err
		}
	}
	if header.Typeflag != tar.TypeSymlink {
		if err := unix.Chmod(path, uint32(header.Mode&0o7777)); err != nil {
			return err
		}
	}
	times := []unix.Timespec{unix.NsecToTimespec(header.ModTime.UnixNano()), unix.NsecToTimespec(header.ModTime.UnixNano())}
	return unix.UtimesNanoAt(unix.AT_FDCWD, path, times, unix.AT_SYMLINK_NOFOLLOW)
}

// protects says whether a file in /etc is there with changes of the user's.
func (u *unpacker) protects(name, path string, header *tar.Header) bool {
	if !strings.HasPrefix(name, "etc/") || header.Typeflag != tar.TypeReg {
		return false
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return false
	}
	sum := sha1.Sum(text) //nolint:gosec // the format's
	if hex.EncodeToString(sum[:]) == header.PAXRecords[checksumRecord] {
		return false
	}
	if u.old == nil {
		return true
	}
	unchanged := false
	u.old.paths(func(path string, _ bool, have string) {
		if path == name {
			unchanged = have == "Q1"+base64.StdEncoding.EncodeToString(sum[:])
		}
	})
	return !unchanged
}
