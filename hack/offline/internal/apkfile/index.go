package apkfile

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	goapk "github.com/chainguard-dev/go-apk/pkg/apk"
	"github.com/chainguard-dev/go-apk/pkg/signature"
)

// WriteIndex writes the signed index of the packages in dir.
func WriteIndex(ctx context.Context, dir, description string, packages []*goapk.Package, key Key) error {
	slices.SortFunc(packages, func(a, b *goapk.Package) int { return strings.Compare(a.Name, b.Name) })
	archive, err := goapk.ArchiveFromIndex(&goapk.APKIndex{Description: description, Packages: packages})
	if err != nil {
		return err
	}
	path := filepath.Join(dir, "APKINDEX.tar.gz")
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, archive)
	if err := errors.Join(err, file.Close()); err != nil {
		return err
	}
	return signature.SignIndex(ctx, key.Private, path)
}
