package testenv

import (
	"archive/tar"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

const (
	whiteoutPrefix = ".wh."
	whiteoutOpaque = ".wh..wh..opq"
)

// File is a file of an image, as the tar header of the last layer that has it.
type File struct {
	// Path is absolute.
	Path string
	// Mode has the type and the set-uid, set-gid and sticky bits.
	Mode     fs.FileMode
	UID, GID int
	Size     int64
	// Link is where a symbolic link points, as written, or the absolute path of
	// the file that a hard link is another name of.
	Link    string
	Hard    bool
	ModTime time.Time
	// Layer is the index of the layer the file comes from.
	Layer int
	// SHA256 is the content's, in hexadecimal; regular files only.
	SHA256 string
}

// Files are the files of an image by absolute path.
type Files map[string]File

// Paths returns the paths, sorted.
func (f Files) Paths() []string { return slices.Sorted(maps.Keys(f)) }

// Files returns the files of the image without unpacking it.
func (i *Image) Files() (Files, error) {
	scan, err := i.scan()
	if err != nil {
		return nil, err
	}
	return maps.Clone(scan.files), nil
}

// layerScan is what one pass over all layers finds out.
type layerScan struct {
	files     Files
	fileBytes int64
	tarBytes  []int64
}

func scanLayers(image v1.Image) (*layerScan, error) {
	layers, err := image.Layers()
	if err != nil {
		return nil, err
	}
	scan := &layerScan{files: Files{}}
	for n, layer := range layers {
		if err := scan.addLayer(n, layer); err != nil {
			return nil, fmt.Errorf("reading layer %d: %w", n, err)
		}
	}
	return scan, nil
}

func (s *layerScan) addLayer(n int, layer v1.Layer) error {
	stream, err := layer.Uncompressed()
	if err != nil {
		return err
	}
	defer stream.Close()
	counter := &countingReader{r: stream}
	// Whiteouts hide what lower layers have, wherever in the stream they are.
	own := Files{}
	var removed, opaque []string
	for tr := tar.NewReader(counter); ; {
		hdr, err := tr.Next()
		if err == io.EOF {
			break
		}
		if err != nil {
			return err
		}
		name := path.Join("/", hdr.Name)
		dir, base := path.Split(name)
		switch {
		case base == whiteoutOpaque:
			opaque = append(opaque, path.Clean(dir))
		case strings.HasPrefix(base, whiteoutPrefix):
			removed = append(removed, path.Join(dir, strings.TrimPrefix(base, whiteoutPrefix)))
		default:
			if own[name], err = newFile(name, n, hdr, tr); err != nil {
				return fmt.Errorf("%s: %w", name, err)
			}
		}
		if hdr.Typeflag == tar.TypeReg {
			s.fileBytes += hdr.Size
		}
	}
	if _, err := io.Copy(io.Discard, counter); err != nil { // padding
		return err
	}
	s.tarBytes = append(s.tarBytes, counter.n)
	s.files.apply(own, removed, opaque)
	return nil
}

// apply puts a layer on top of what is there.
func (f Files) apply(own Files, removed, opaque []string) {
	for _, p := range removed {
		delete(f, p)
		f.deleteBelow(p)
	}
	for _, p := range opaque {
		f.deleteBelow(p)
	}
	for p, file := range own {
		if old, ok := f[p]; ok && old.Mode.IsDir() && !file.Mode.IsDir() {
			f.deleteBelow(p)
		}
	}
	maps.Copy(f, own)
}

func (f Files) deleteBelow(dir string) {
	prefix := strings.TrimSuffix(dir, "/") + "/"
	maps.DeleteFunc(f, func(p string, _ File) bool {
		return p != "/" && strings.HasPrefix(p, prefix)
	})
}

func newFile(name string, layer int, hdr *tar.Header, content io.Reader) (File, error) {
	file := File{
		Path:    name,
		Mode:    hdr.FileInfo().Mode(),
		UID:     hdr.Uid,
		GID:     hdr.Gid,
		Size:    hdr.Size,
		Link:    hdr.Linkname,
		Hard:    hdr.Typeflag == tar.TypeLink,
		ModTime: hdr.ModTime,
		Layer:   layer,
	}
	if file.Hard {
		file.Link = path.Join("/", hdr.Linkname)
	}
	if hdr.Typeflag == tar.TypeReg {
		h := sha256.New()
		if _, err := io.Copy(h, content); err != nil {
			return file, err
		}
		file.SHA256 = hex.EncodeToString(h.Sum(nil))
	}
	return file, nil
}

type countingReader struct {
	r io.Reader
	n int64
}

func (c *countingReader) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += int64(n)
	return n, err
}
