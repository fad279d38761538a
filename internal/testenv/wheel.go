package testenv

import (
	"archive/zip"
	"bytes"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
)

// Wheel returns the name and the content of a wheel (PEP 427) with these files, by their paths in
// it, which is for what the tag says. Files of the name of its metadata replace that.
func Wheel(name, version, tag string, files map[string]string) (file string, content []byte, err error) {
	info := fmt.Sprintf("%s-%s.dist-info/", name, version)
	all := map[string]string{
		info + "METADATA": fmt.Sprintf("Metadata-Version: 2.1\nName: %s\nVersion: %s\n", name, version),
		info + "WHEEL":    "Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: " + tag + "\n",
	}
	maps.Copy(all, files)
	names := append(slices.Sorted(maps.Keys(all)), info+"RECORD")
	all[info+"RECORD"] = strings.Join(names, ",,\n") + ",,\n"

	var buffer bytes.Buffer
	archive := zip.NewWriter(&buffer)
	for _, name := range names {
		w, err := archive.Create(name)
		if err != nil {
			return "", nil, err
		}
		if _, err := io.WriteString(w, all[name]); err != nil {
			return "", nil, err
		}
	}
	if err := archive.Close(); err != nil {
		return "", nil, err
	}
	return fmt.Sprintf("%s-%s-%s.whl", name, version, tag), buffer.Bytes(), nil
}
