// Command sbom-generator is a generator of BuildKit's protocol, for tests: it lists the apk
// packages and the Python distributions of what it is to scan.
// https://github.com/moby/buildkit/blob/master/docs/attestations/sbom-protocol.md
package main

import (
	"encoding/json"
	"io/fs"
	"log"
	"os"
	"path/filepath"
	"strings"
)

type pkg struct {
	Name    string `json:"name"`
	SPDXID  string `json:"SPDXID"`
	Version string `json:"versionInfo,omitempty"`
	From    string `json:"sourceInfo"`
}

type document struct {
	SPDXVersion string `json:"spdxVersion"`
	SPDXID      string `json:"SPDXID"`
	Name        string `json:"name"`
	Comment     string `json:"comment,omitempty"`
	Packages    []pkg  `json:"packages"`
}

type statement struct {
	Type          string   `json:"_type"`
	PredicateType string   `json:"predicateType"`
	Subject       []any    `json:"subject"`
	Predicate     document `json:"predicate"`
}

func main() {
	sources := []string{os.Getenv("BUILDKIT_SCAN_SOURCE")}
	if dir := os.Getenv("BUILDKIT_SCAN_SOURCE_EXTRAS"); dir != "" {
		extras, err := filepath.Glob(filepath.Join(dir, "*"))
		if err != nil {
			log.Fatal(err)
		}
		sources = append(sources, extras...)
	}
	for _, source := range sources {
		if err := scan(source); err != nil {
			log.Fatal(err)
		}
	}
}

func scan(source string) error {
	doc := document{
		SPDXVersion: "SPDX-2.3",
		SPDXID:      "SPDXRef-DOCUMENT",
		Name:        filepath.Base(source),
		Comment:     os.Getenv("BUILDKIT_SCAN_NOTE"),
	}
	err := filepath.WalkDir(source, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		name, _ := filepath.Rel(source, path)
		found := pkg{Name: filepath.Base(name), From: "file"}
		switch {
		case name == "lib/apk/db/installed":
			return addAPK(&doc, path)
		case strings.HasSuffix(name, ".dist-info/METADATA"):
			found.From = "python"
			found.Name, found.Version, _ = strings.Cut(strings.TrimSuffix(filepath.Base(filepath.Dir(name)), ".dist-info"), "-")
		case strings.Contains(name, "/"):
			return nil
		}
		doc.add(found)
		return nil
	})
	if err != nil {
		return err
	}
	data, err := json.Marshal(statement{
		Type:          "https://in-toto.io/Statement/v0.1",
		PredicateType: "https://spdx.dev/Document",
		Subject:       []any{},
		Predicate:     doc,
	})
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(os.Getenv("BUILDKIT_SCAN_DESTINATION"), doc.Name+".spdx.json"), data, 0o644)
}

// addAPK reads a database of apk, where P: is the name and V: the version of a package.
func addAPK(doc *document, path string) error {
	data, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	var found pkg
	for line := range strings.Lines(string(data)) {
		key, value, _ := strings.Cut(strings.TrimSpace(line), ":")
		switch key {
		case "P":
			found = pkg{Name: value, From: "apk"}
		case "V":
			found.Version = value
		case "":
			doc.add(found)
		}
	}
	return nil
}

func (d *document) add(p pkg) {
	p.SPDXID = "SPDXRef-" + p.From + "-" + strings.ReplaceAll(p.Name, "_", "-")
	d.Packages = append(d.Packages, p)
}
