package standin

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Notice says what all of this is. It is in the folder and in the images.
const Notice = `This is a stand-in for docker.io/library/python:` + pythonXY + `-alpine` + alpineBranch + `, made to test
distroless-frontend where no container registry can be reached. It has the layout
of that image and of Alpine's package repository, but it is not Alpine: programs
and libraries are those of Debian ` + suite + ` (glibc, not musl), repackaged, and apk is made
of Go libraries. Do not use it, or an image made from it, for anything else.
`

// text makes a package of one file.
func text(path, content string) func(*maker, string) error {
	return func(_ *maker, root string) error { return write(root, path, content, 0o644) }
}

// link makes a package of one symbolic link.
func link(path, target string) func(*maker, string) error {
	return func(_ *maker, root string) error { return symlink(root, path, target) }
}

func write(root, path, content string, mode fs.FileMode) error {
	path = filepath.Join(root, path)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if err := os.WriteFile(path, []byte(content), mode); err != nil {
		return err
	}
	return os.Chmod(path, mode)
}

func symlink(root, path, target string) error {
	path = filepath.Join(root, path)
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	return os.Symlink(target, path)
}

func (m *maker) baselayout(root string) error {
	var errs []error
	for _, dir := range strings.Fields(`dev etc/opt etc/profile.d home lib media mnt opt proc root run sbin srv sys tmp
		usr/bin usr/lib usr/local/bin usr/local/lib usr/local/share usr/sbin usr/share usr/share/man usr/share/misc
		var/cache var/cache/misc var/empty var/lib var/lib/misc var/local var/log var/mail var/opt var/spool var/tmp`) {
		errs = append(errs, os.MkdirAll(filepath.Join(root, dir), 0o755))
	}
	errs = append(errs, symlink(root, "var/run", "/run"), symlink(root, "var/lock", "/run/lock"))
	return errors.Join(errs...)
}

// accounts are the users of the stand-in, with their groups' numbers.
var accounts = []struct {
	name, home, shell string
	id                int
}{
	{"root", "/root", "/bin/sh", 0},
	{"bin", "/bin", "/sbin/nologin", 1},
	{"daemon", "/sbin", "/sbin/nologin", 2},
	{"mail", "/var/mail", "/sbin/nologin", 8},
	{"guest", "/dev/null", "/sbin/nologin", 405},
	{"nobody", "/", "/sbin/nologin", 65534},
}

func (m *maker) baselayoutData(root string) error {
	var passwd, shadow, group strings.Builder
	for _, a := range accounts {
		fmt.Fprintf(&passwd, "%s:x:%d:%d:%s:%s:%s\n", a.name, a.id, a.id, a.name, a.home, a.shell)
		fmt.Fprintf(&shadow, "%s:!::0:::::\n", a.name)
		fmt.Fprintf(&group, "%s:x:%d:\n", a.name, a.id)
	}
	group.WriteString("adm:x:4:\ntty:x:5:\nshadow:x:42:\nusers:x:100:\n")
	return errors.Join(
		write(root, "etc/passwd", passwd.String(), 0o644),
		write(root, "etc/shadow", shadow.String(), 0o640),
		write(root, "etc/group", group.String(), 0o644),
		write(root, "etc/hosts", "127.0.0.1\tlocalhost localhost.localdomain\n::1\tlocalhost localhost.localdomain\n", 0o644),
		write(root, "etc/hostname", "localhost\n", 0o644),
		write(root, "etc/nsswitch.conf", "passwd: files\ngroup: files\nshadow: files\nhosts: files dns\n", 0o644),
		write(root, "etc/motd", "This is a stand-in for Alpine Linux, made for tests.\n", 0o644),
		write(root, "etc/shells", "/bin/sh\n", 0o644),
		write(root, "etc/profile", "export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin\n", 0o644),
	)
}

// release has the distribution's name as scanners look for it, and says in words
// what it is.
func (m *maker) release(root string) error {
	return errors.Join(
		write(root, "etc/alpine-release", alpineRelease+"\n", 0o644),
		write(root, "etc/issue", "Stand-in for Alpine Linux "+alpineBranch+"\n\n", 0o644),
		write(root, "etc/os-release", fmt.Sprintf("NAME=%q\nID=alpine\nVERSION_ID=%s\nPRETTY_NAME=%q\n",
			"Stand-in for Alpine Linux", alpineRelease,
			"Stand-in for Alpine Linux "+alpineBranch+", made of Debian "+suite+" packages for tests"), 0o644),
	)
}

func (m *maker) keys(root string) error {
	return errors.Join(
		os.MkdirAll(filepath.Join(root, "etc/apk/keys"), 0o755),
		write(root, "usr/share/apk/keys/README", "Alpine's keys would be here. The stand-in has none, and trusts nobody's packages by itself.\n", 0o644),
	)
}

func (m *maker) apkTools(root string) error { return m.build("apk", filepath.Join(root, "sbin/apk")) }

// certificates lists all certificates as chosen, and has our own program in place
// of Debian's script, which needs openssl and a shell with tools.
func (m *maker) certificates(root string) error {
	names, err := certificateNames(root)
	if err != nil {
		return err
	}
	return errors.Join(
		write(root, "etc/ca-certificates.conf", strings.Join(names, "\n")+"\n", 0o644),
		os.MkdirAll(filepath.Join(root, "etc/ca-certificates/update.d"), 0o755),
		m.build("update-ca-certificates", filepath.Join(root, "usr/sbin/update-ca-certificates")),
	)
}

func certificateNames(root string) ([]string, error) {
	base := filepath.Join(root, "usr/share/ca-certificates")
	paths, err := filepath.Glob(base + "/mozilla/*.crt")
	for i, path := range paths {
		paths[i] = strings.TrimPrefix(path, base+"/")
	}
	slices.Sort(paths)
	return paths, err
}

func (m *maker) certificateBundle(root string) error {
	deb := m.deb("ca-certificates")
	names, err := certificateNames(deb)
	if err != nil {
		return err
	}
	var bundle bytes.Buffer
	for _, name := range names {
		certificate, err := os.ReadFile(filepath.Join(deb, "usr/share/ca-certificates", name))
		if err != nil {
			return err
		}
		bundle.Write(certificate)
	}
	return errors.Join(
		write(root, "etc/ssl/certs/ca-certificates.crt", bundle.String(), 0o644),
		symlink(root, "etc/ssl/cert.pem", "certs/ca-certificates.crt"),
		// Where Debian's OpenSSL looks.
		symlink(root, "usr/lib/ssl/cert.pem", "/etc/ssl/cert.pem"),
		symlink(root, "usr/lib/ssl/certs", "/etc/ssl/certs"),
	)
}
