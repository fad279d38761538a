package standin

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"github.com/autumnjolitz/distroless-frontend/hack/offline/internal/apk"
	"github.com/autumnjolitz/distroless-frontend/hack/offline/internal/apkfile"
)

// wheels makes the folder of wheels. They have no code for a machine: it is left
// out, since all of these packages have a replacement for it in Python.
func (m *maker) wheels() error {
	dir := filepath.Join(m.out, "wheels")
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	for _, deb := range wheelDebs {
		from := filepath.Join(m.deb(deb), "usr/lib/python3/dist-packages")
		if err := writeWheel(dir, from, pureTag); err != nil {
			return fmt.Errorf("wheel of %s: %w", deb, err)
		}
		if !slices.Contains(extensions, deb) {
			continue
		}
		if err := writeWheel(dir, from, m.nativeTag()); err != nil {
			return fmt.Errorf("wheel of %s: %w", deb, err)
		}
	}
	for _, deb := range wheelhouses {
		wheels, err := filepath.Glob(filepath.Join(m.deb(deb), "usr/share/python-wheels/*.whl"))
		if err != nil {
			return err
		}
		for _, wheel := range wheels {
			if err := copyTree(wheel, filepath.Join(dir, filepath.Base(wheel))); err != nil {
				return err
			}
		}
	}
	return nil
}

// pureTag is that of wheels for any machine.
const pureTag = "py3-none-any"

// nativeTag is that of wheels for the interpreter and C library of the base image.
func (m *maker) nativeTag() string {
	xy := "cp" + strings.ReplaceAll(pythonXY, ".", "")
	glibc := strings.ReplaceAll(upstreamVersion(m.packages["libc6"].Version), ".", "_")
	return fmt.Sprintf("%s-%s-manylinux_%s_%s", xy, xy, glibc, apk.Arch(m.arch))
}

// wheel is the content of a wheel.
type wheel struct {
	name, version string
	files         map[string][]byte
}

var metadataField = regexp.MustCompile(`(?m)^(Name|Version): *(\S+)\s*$`)

// writeWheel makes a wheel of what Debian installed in a folder.
func writeWheel(dir, from, tag string) error {
	w := &wheel{files: map[string][]byte{}}
	metadata, info, err := findMetadata(from)
	if err != nil {
		return err
	}
	for _, field := range metadataField.FindAllSubmatch(metadata, -1) {
		switch {
		case string(field[1]) == "Name" && w.name == "":
			w.name = strings.ReplaceAll(string(field[2]), "-", "_")
		case string(field[1]) == "Version" && w.version == "":
			w.version = string(field[2])
		}
	}
	if w.name == "" || w.version == "" {
		return errors.New("its metadata has no name or version")
	}
	if err := w.collect(from, info, tag == pureTag); err != nil {
		return err
	}
	folder := w.name + "-" + w.version + ".dist-info"
	w.files[folder+"/METADATA"] = metadata
	w.files[folder+"/WHEEL"] = fmt.Appendf(nil,
		"Wheel-Version: 1.0\nGenerator: distroless-frontend stand-in\nRoot-Is-Purelib: %t\nTag: %s\n", tag == pureTag, tag)
	if points, err := os.ReadFile(filepath.Join(info, "entry_points.txt")); err == nil {
		w.files[folder+"/entry_points.txt"] = points
	}
	return w.write(filepath.Join(dir, fmt.Sprintf("%s-%s-%s.whl", w.name, w.version, tag)), folder+"/RECORD")
}

// findMetadata returns the package's metadata and where it is: in a dist-info
// folder, or in an egg-info one as older tools write it.
func findMetadata(from string) ([]byte, string, error) {
	for _, pattern := range []string{"*.dist-info/METADATA", "*.egg-info/PKG-INFO"} {
		paths, err := filepath.Glob(filepath.Join(from, pattern))
		if err != nil {
			return nil, "", err
		}
		if len(paths) > 0 {
			text, err := os.ReadFile(paths[0])
			return text, filepath.Dir(paths[0]), err
		}
	}
	return nil, "", errors.New("it has no metadata")
}

// collect reads the modules, and the data next to them.
func (w *wheel) collect(from, info string, pure bool) error {
	return filepath.WalkDir(from, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if entry.IsDir() {
			if path == info || entry.Name() == "__pycache__" || strings.HasSuffix(entry.Name(), "-info") {
				return fs.SkipDir
			}
			return nil
		}
		if pure && strings.HasSuffix(path, ".so") {
			return nil
		}
		content, err := os.ReadFile(path) // through links between Debian's files
		if errors.Is(err, fs.ErrNotExist) {
			return nil // a link to another package's
		}
		w.files[strings.TrimPrefix(path, from+"/")] = content
		return err
	})
}

func (w *wheel) write(path, record string) error {
	var names []string
	for name := range w.files {
		names = append(names, name)
	}
	slices.Sort(names)
	var list bytes.Buffer
	for _, name := range names {
		sum := sha256.Sum256(w.files[name])
		fmt.Fprintf(&list, "%s,sha256=%s,%d\n", name, base64.RawURLEncoding.EncodeToString(sum[:]), len(w.files[name]))
	}
	fmt.Fprintf(&list, "%s,,\n", record)
	w.files[record] = list.Bytes()

	var out bytes.Buffer
	archive := zip.NewWriter(&out)
	archive.RegisterCompressor(zip.Deflate, func(w io.Writer) (io.WriteCloser, error) { return flate.NewWriter(w, 6) })
	for _, name := range append(names, record) {
		header := &zip.FileHeader{Name: name, Method: zip.Deflate, Modified: apkfile.Epoch}
		header.SetMode(0o644)
		entry, err := archive.CreateHeader(header)
		if err != nil {
			return err
		}
		if _, err := entry.Write(w.files[name]); err != nil {
			return err
		}
	}
	if err := archive.Close(); err != nil {
		return err
	}
	return os.WriteFile(path, out.Bytes(), 0o644)
}
