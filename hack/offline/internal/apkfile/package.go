package apkfile

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha1" //nolint:gosec // the format's
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	goapk "github.com/chainguard-dev/go-apk/pkg/apk"
	"github.com/chainguard-dev/go-apk/pkg/expandapk"
	"github.com/chainguard-dev/go-apk/pkg/signature"
	"github.com/goreleaser/nfpm/v2"
	nfpmapk "github.com/goreleaser/nfpm/v2/apk"
	"github.com/goreleaser/nfpm/v2/files"
)

// Epoch is the time of everything in the packages.
var Epoch = time.Date(2024, 5, 22, 0, 0, 0, 0, time.UTC) // Alpine 3.20

// Package describes a package. Its files are those of a folder.
type Package struct {
	Name, Version, Description, License, URL, Origin string

	Depends, Provides, Replaces []string
	Priority                    int // among the providers of one name

	// Scripts are shell texts by name: "pre-install", "post-install", "trigger", …
	Scripts map[string]string
	// Triggers are the directories that the trigger watches.
	Triggers []string

	// Modes are those of files and directories that have special ones.
	Modes map[string]fs.FileMode
}

// Write makes the .apk file of the files in root, and puts it into dir.
//
// nfpm writes the archive; what it cannot say (triggers, priorities) is added to
// its control part, which is then signed.
func (p *Package) Write(ctx context.Context, root, dir, arch string, key Key) (*goapk.Package, error) {
	unsigned, err := p.pack(root, arch)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p.Name, err)
	}
	signed, err := p.seal(ctx, unsigned, key)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", p.Name, err)
	}
	entry, err := goapk.ParsePackage(ctx, bytes.NewReader(signed))
	if err != nil {
		return nil, fmt.Errorf("%s: reading it back: %w", p.Name, err)
	}
	return entry, os.WriteFile(filepath.Join(dir, entry.Filename()), signed, 0o644)
}

func (p *Package) pack(root, arch string) ([]byte, error) {
	contents, err := p.contents(root)
	if err != nil {
		return nil, err
	}
	info := &nfpm.Info{
		Name: p.Name, Version: p.Version, VersionSchema: "none", Arch: arch, Platform: "linux",
		Description: p.Description, Homepage: p.URL, License: p.License,
		Maintainer: "distroless-frontend stand-in <nobody@example.org>",
		MTime:      Epoch,
		Overridables: nfpm.Overridables{
			Depends: p.Depends, Provides: p.Provides, Replaces: p.Replaces, Contents: contents,
		},
	}
	info.APK.Arch = arch
	var archive bytes.Buffer
	err = nfpmapk.Default.Package(info, &archive)
	return archive.Bytes(), err
}

// contents lists the folder for nfpm.
func (p *Package) contents(root string) (files.Contents, error) {
	var list files.Contents
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || path == root {
			return err
		}
		name := strings.TrimPrefix(path, root)
		info, err := entry.Info()
		if err != nil {
			return err
		}
		mode := info.Mode().Perm()
		if special, ok := p.Modes[name]; ok {
			mode = special
		}
		content := &files.Content{
			Source: path, Destination: name,
			FileInfo: &files.ContentFileInfo{Owner: "root", Group: "root", Mode: mode, MTime: Epoch, Size: info.Size()},
		}
		switch {
		case entry.IsDir():
			content.Type, content.Source = files.TypeDir, ""
		case entry.Type() == fs.ModeSymlink:
			content.Type = files.TypeSymlink
			if content.Source, err = os.Readlink(path); err != nil {
				return err
			}
		default:
			content.Type = files.TypeFile
		}
		list = append(list, content)
		return nil
	})
	return list, err
}

// seal adds to the control part of an unsigned package, and signs it.
func (p *Package) seal(ctx context.Context, unsigned []byte, key Key) ([]byte, error) {
	expanded, err := expandapk.ExpandApk(ctx, bytes.NewReader(unsigned), "")
	if err != nil {
		return nil, err
	}
	defer expanded.Close()
	plain, err := expanded.ControlData()
	if err != nil {
		return nil, err
	}
	control, err := p.control(plain)
	if err != nil {
		return nil, err
	}
	sum := sha1.Sum(control) //nolint:gosec // the format's
	signed, err := signature.RSASignSHA1Digest(sum[:], key.Private, "")
	if err != nil {
		return nil, err
	}
	sign, err := segment([]member{{".SIGN.RSA." + filepath.Base(key.Public()), 0o644, signed}})
	if err != nil {
		return nil, err
	}
	data, err := os.ReadFile(expanded.PackageFile)
	if err != nil {
		return nil, err
	}
	return slices.Concat(sign, control, data), nil
}

// control makes the control part anew from nfpm's.
func (p *Package) control(plain []byte) ([]byte, error) {
	reader := tar.NewReader(bytes.NewReader(plain))
	header, err := reader.Next()
	if err != nil || header.Name != ".PKGINFO" {
		return nil, errors.Join(errors.New("the control part does not begin with .PKGINFO"), err)
	}
	info, err := io.ReadAll(reader)
	if err != nil {
		return nil, err
	}
	members := []member{{".PKGINFO", 0o644, p.describe(info)}}
	for _, name := range []string{
		"pre-install", "post-install", "pre-upgrade", "post-upgrade", "pre-deinstall", "post-deinstall", "trigger",
	} {
		if text, ok := p.Scripts[name]; ok {
			members = append(members, member{"." + name, 0o755, []byte(text)})
		}
	}
	return segment(members)
}

// describe adds lines to a .PKGINFO.
func (p *Package) describe(info []byte) []byte {
	add := func(name string, value any) { info = fmt.Appendf(info, "%s = %v\n", name, value) }
	add("builddate", Epoch.Unix())
	add("origin", p.Origin)
	if len(p.Triggers) > 0 {
		add("triggers", strings.Join(p.Triggers, " "))
	}
	if p.Priority > 0 {
		add("provider_priority", p.Priority)
	}
	return info
}

type member struct {
	name    string
	mode    int64
	content []byte
}

// segment is a compressed tar archive without its end, so that others can follow.
func segment(members []member) ([]byte, error) {
	var out bytes.Buffer
	compressed := gzip.NewWriter(&out)
	archive := tar.NewWriter(compressed)
	for _, m := range members {
		header := &tar.Header{
			Name: m.name, Mode: m.mode, Size: int64(len(m.content)), ModTime: Epoch, Uname: "root", Gname: "root",
		}
		if err := archive.WriteHeader(header); err != nil {
			return nil, err
		}
		if _, err := archive.Write(m.content); err != nil {
			return nil, err
		}
	}
	// Flush pads the last file; Close would add the end of the archive.
	if err := errors.Join(archive.Flush(), compressed.Close()); err != nil {
		return nil, err
	}
	return out.Bytes(), nil
}
