// Command specdoc writes into the documents what the code has in a table: the keys of a
// spec, from the struct tags of package spec, and the parts that the standard library of an
// image comes without, from package llb. It also writes the JSON Schema of a spec.
//
//	go run ./hack/specdoc
//
// A document has the places it writes to between two comments:
//
//	.. specdoc: SECTION
//	.. specdoc end
//
// SECTION is a key whose own keys are wanted, "top" for those at the top, or "all"; or it
// is "parts".
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"strings"
	"time"

	"github.com/autumnjolitz/distroless-frontend/llb"
	"github.com/autumnjolitz/distroless-frontend/spec"
)

// documents are the files with places to write to, relative to the repository's root. The
// README and what it is rendered from stay the same there.
var documents = []string{"README.rst", "docs/README.rst.tmpl", "docs/spec.rst", "docs/stdlib.rst"}

// defaults says what holds where a spec has not the key; a key that is not here gets none.
var defaults = map[string]string{
	"python":                     "has to be given, unless ``base`` is",
	"alpine":                     "has to be given, unless ``base`` is",
	"apk.repositories":           "build argument ``APK_REPOSITORIES``, else the base image's own",
	"apk.keys":                   "those of the base image, which stay trusted",
	"stdlib.compression":         "``deflate``",
	"pip.index-url":              "build argument ``PIP_INDEX_URL``, else PyPI",
	"pip.extra-index-urls":       "build argument ``PIP_EXTRA_INDEX_URL``, else none",
	"pip.find-links":             "build argument ``PIP_FIND_LINKS``, else none",
	"pip.trusted-hosts":          "build argument ``PIP_TRUSTED_HOST``, else none",
	"pip.no-index":               "build argument ``PIP_NO_INDEX``, else ``false``",
	"pip.require-hashes":         "``false``",
	"trim":                       "nothing is traced, and the whole library stays",
	"pip.credentials":            "none; the build secret ``netrc`` is there for all specs",
	"pip.credentials[].host":     "has to be given",
	"pip.cert":                   "build secret ``pip-cert``, else those that the base image's pip trusts",
	"pip.client-cert-secret":     "``pip-client-cert``, which may be missing",
	"bytecode.optimize":          "``0``",
	"bytecode.sources":           "``keep``",
	"files[].from":               "has to be given",
	"files[].to":                 "has to be given",
	"files[].chown":              "``root`` for files of the main context",
	"files[].chmod":              "as in the context",
	"files[].context":            "the main context",
	"users[].name":               "has to be given",
	"users[].uid":                "has to be given",
	"users[].gid":                "``uid``",
	"users[].group":              "root, nonroot or the group of a user before, if it has that number, or else ``name``",
	"users[].home":               "``/home/NAME``",
	"users[].shell":              "``/sbin/nologin``",
	"writable[].path":            "has to be given",
	"writable[].owner":           "``user``",
	"writable[].mode":            "``0755`` for a new directory",
	"user":                       "``root``",
	"workdir":                    "``/``",
	"env":                        "the variables of the image contract, which stay",
	"labels":                     "the labels of the image contract, which stay",
	"entrypoint":                 "``[/usr/local/bin/python]``",
	"init":                       "``false``",
	"shell":                      "``[/usr/bin/dash, -c]``",
	"stopsignal":                 "the engine's, ``SIGTERM``",
	"healthcheck.http":           "the first port of ``expose``",
	"healthcheck.status":         "``200-399``",
	"healthcheck.interval":       "the engine's, ``30s``",
	"healthcheck.timeout":        "the engine's, ``30s``",
	"healthcheck.start-period":   "the engine's, ``0s``",
	"healthcheck.start-interval": "the engine's, ``5s``",
	"healthcheck.retries":        "the engine's, ``3``",
	"tests[].name":               "what the test does",
	"tests[].run":                "beside ``http`` and ``tcp`` the image's entrypoint and cmd",
	"tests[].exit-code":          "``0``",
	"tests[].status":             "``200-399``",
	"tests[].timeout":            "``60s``",
	"tests[].network":            "``false``",
	"tests[].env":                "those of the image, which stay",
	"tests[].user":               "the image's",
	"tests[].workdir":            "the image's",
}

func main() {
	for _, name := range documents {
		if err := update(name); err != nil {
			fmt.Fprintln(os.Stderr, "specdoc:", err)
			os.Exit(1)
		}
	}
	if err := updateSchema(); err != nil {
		fmt.Fprintln(os.Stderr, "specdoc:", err)
		os.Exit(1)
	}
}

func update(name string) error {
	text, err := os.ReadFile(filepath.FromSlash(name))
	if err != nil {
		return err
	}
	next, err := rewrite(string(text))
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if next == string(text) {
		return nil
	}
	return os.WriteFile(name, []byte(next), 0o644)
}

var place = regexp.MustCompile(`(?ms)^\.\. specdoc: (\w+)\n.*?^\.\. specdoc end$`)

// rewrite fills in every place of a document.
func rewrite(text string) (string, error) {
	var failed error
	next := place.ReplaceAllStringFunc(text, func(old string) string {
		section := place.FindStringSubmatch(old)[1]
		if section == "parts" {
			return filled(section, partDefinitions())
		}
		keys, err := keysOf(section)
		if err != nil {
			failed = err
			return old
		}
		var definitions []string
		for _, k := range keys {
			definitions = append(definitions, k.definition())
		}
		return filled(section, definitions)
	})
	return next, failed
}

func filled(section string, definitions []string) string {
	return ".. specdoc: " + section + "\n\n" + strings.Join(definitions, "") + "\n.. specdoc end"
}

// partDefinitions are the parts of the standard library as items of a definition list.
func partDefinitions() []string {
	var definitions []string
	for _, p := range llb.Parts() {
		needs := ""
		if len(p.Needs) > 0 {
			needs = " Brings ``" + strings.Join(p.Needs, "``, ``") + "`` with it."
		}
		why := strings.ToUpper(p.Why[:1]) + p.Why[1:] + "."
		definitions = append(definitions, fmt.Sprintf("``%s``\n    %s%s\n", p.Name, why, needs))
	}
	return definitions
}

// A key is one that a spec may have.
type key struct{ path, kind, doc, example, byDefault string }

// allKeys returns every key, in the order of the types' fields.
func allKeys() []key {
	var keys []key
	collect(&keys, "", reflect.TypeFor[spec.Spec]())
	return keys
}

func collect(keys *[]key, prefix string, t reflect.Type) {
	for i := range t.NumField() {
		f := t.Field(i)
		name := f.Tag.Get("yaml")
		if name == "" || name == "-" {
			continue
		}
		path := prefix + name
		*keys = append(*keys, key{
			path:      path,
			kind:      kindOf(f),
			doc:       f.Tag.Get("doc"),
			example:   f.Tag.Get("example"),
			byDefault: defaultOf(path),
		})
		if inner, below := keysBelow(f.Type); inner != nil {
			collect(keys, path+below, inner)
		}
	}
}

// keysBelow returns the struct that has the keys below one of a type, and what is between; nil
// if there are none.
func keysBelow(t reflect.Type) (inner reflect.Type, below string) {
	below = "."
	if formOf(t) == nil && t.Kind() == reflect.Slice {
		t, below = t.Elem(), "[]."
	} else if t.Kind() == reflect.Pointer {
		t = t.Elem()
	}
	if formOf(t) != nil || t.Kind() != reflect.Struct {
		return nil, ""
	}
	return t, below
}

func defaultOf(path string) string {
	if text, ok := defaults[path]; ok {
		return text
	}
	return "none"
}

// kindOf names the type as the author of a spec sees it.
func kindOf(f reflect.StructField) string {
	if values := f.Tag.Get("enum"); values != "" {
		return "``" + strings.ReplaceAll(values, ",", "`` or ``") + "``"
	}
	switch f.Type {
	case reflect.TypeFor[spec.Paths]():
		return "path or list of paths"
	case reflect.TypeFor[*spec.Command]():
		return "list or string"
	case reflect.TypeFor[[]spec.Writable]():
		return "list of paths or mappings"
	case reflect.TypeFor[[]spec.Command]():
		return "list of lists or strings"
	case reflect.TypeFor[*spec.Healthcheck]():
		return "mapping or ``none``"
	case reflect.TypeFor[[]spec.KeyValue](), reflect.TypeFor[[]spec.Arg]():
		return "mapping of names to strings"
	case reflect.TypeFor[time.Duration]():
		return "duration"
	}
	switch f.Type.Kind() {
	case reflect.String:
		return "string"
	case reflect.Bool:
		return "``true`` or ``false``"
	case reflect.Int:
		return "number"
	case reflect.Struct, reflect.Pointer:
		return "mapping"
	case reflect.Slice:
		if f.Type.Elem().Kind() == reflect.Struct {
			return "list of mappings"
		}
		return "list of strings"
	}
	panic("specdoc: no name for " + f.Type.String())
}

// keysOf returns the keys of a section.
func keysOf(section string) ([]key, error) {
	var keys []key
	for _, k := range allKeys() {
		parent, _, nested := strings.Cut(k.path, ".")
		switch {
		case section == "all",
			section == "top" && !nested,
			nested && strings.TrimSuffix(parent, "[]") == section:
			keys = append(keys, k)
		}
	}
	if len(keys) == 0 {
		return nil, fmt.Errorf("no section %q", section)
	}
	return keys, nil
}

// definition is the key as an item of a definition list.
func (k key) definition() string {
	doc := strings.ReplaceAll(k.doc, "*", `\*`) // else it begins emphasis
	return fmt.Sprintf("``%s`` : %s\n    %s Default: %s. Example: ``%s``\n", k.path, k.kind, doc, k.byDefault, k.example)
}
