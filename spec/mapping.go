package spec

import (
	"reflect"
	"slices"
	"strings"

	"github.com/moby/buildkit/util/suggest"
	"go.yaml.in/yaml/v3"
)

// userPrefix begins the keys that belong to the author of a spec.
const userPrefix = "x-"

// fields decodes a mapping into the fields of a struct.
func (d *decoder) fields(path string, n *yaml.Node, v reflect.Value, tag reflect.StructTag) error {
	if n.Kind != yaml.MappingNode {
		return d.typeError(path, n, "a mapping", tag)
	}
	entries, err := d.entries(path, n)
	if err != nil {
		return err
	}
	known := keysOf(v.Type())
	seen := map[string]bool{}
	for _, e := range entries {
		key := e.key.Value
		if strings.HasPrefix(key, userPrefix) {
			continue
		}
		i := slices.IndexFunc(known, func(f reflect.StructField) bool { return f.Tag.Get("yaml") == key })
		if i < 0 {
			return d.unknownKey(path, e.key, known)
		}
		seen[key] = true
		field := known[i]
		if err := d.value(join(path, key), e.value, v.FieldByIndex(field.Index), field.Tag); err != nil {
			return err
		}
	}
	for _, field := range known {
		if key := field.Tag.Get("yaml"); field.Tag.Get("required") == "true" && !seen[key] {
			return d.errorf(path, n, "%s is missing; add for example %s: %s", key, key, field.Tag.Get("example"))
		}
	}
	return nil
}

// keysOf returns the fields of a struct that have a key, in order.
func keysOf(t reflect.Type) []reflect.StructField {
	var fields []reflect.StructField
	for i := range t.NumField() {
		if key := t.Field(i).Tag.Get("yaml"); key != "" && key != "-" {
			fields = append(fields, t.Field(i))
		}
	}
	return fields
}

func (d *decoder) unknownKey(path string, key *yaml.Node, known []reflect.StructField) error {
	var names []string
	for _, field := range known {
		names = append(names, field.Tag.Get("yaml"))
	}
	if name, ok := closest(key.Value, names); ok {
		return d.errorf(path, key, "unknown key %s, did you mean %s?", quote(key.Value), name)
	}
	return d.errorf(path, key, "unknown key %s, expected one of %s, or a key of your own that begins with %s",
		quote(key.Value), strings.Join(names, ", "), userPrefix)
}

// closest finds the key that is meant, whatever its case, and with the
// underscores that other formats have where keys here have dashes, or without
// saying that the value is in a secret.
func closest(key string, names []string) (string, bool) {
	folded := strings.ReplaceAll(strings.ToLower(key), "_", "-")
	for _, name := range []string{folded, folded + "-secret"} {
		if slices.Contains(names, name) {
			return name, true
		}
	}
	return suggest.Search(folded, names, true)
}

// entry is a key with its value. The key is a scalar.
type entry struct {
	key, value *yaml.Node
}

// entries returns what a mapping holds, merge keys expanded. As YAML has it, a
// key of the mapping itself goes before a merged one, and an earlier merged one
// before a later one. Merged entries stand where the merge key is.
func (d *decoder) entries(path string, n *yaml.Node) ([]entry, error) {
	own := map[string]int{} // the lines of the keys
	for i := 0; i < len(n.Content); i += 2 {
		key := resolve(n.Content[i])
		if key.Kind != yaml.ScalarNode {
			return nil, d.errorf(path, n.Content[i], "expected a string as the key, found %s", describe(key))
		}
		if line := own[key.Value]; line != 0 {
			return nil, d.errorf(path, n.Content[i], "duplicate key %s, already on line %d; keep one of the two", quote(key.Value), line)
		}
		own[key.Value] = n.Content[i].Line
	}
	var all []entry
	merged := map[string]bool{}
	for i := 0; i < len(n.Content); i += 2 {
		key, value := resolve(n.Content[i]), n.Content[i+1]
		if key.ShortTag() != "!!merge" {
			all = append(all, entry{key, value})
			continue
		}
		inherited, err := d.merge(path, value)
		if err != nil {
			return nil, err
		}
		for _, e := range inherited {
			if own[e.key.Value] == 0 && !merged[e.key.Value] {
				merged[e.key.Value] = true
				all = append(all, e)
			}
		}
	}
	return all, nil
}

// merge returns the entries behind a merge key, whose value is a mapping or a
// list of mappings.
func (d *decoder) merge(path string, n *yaml.Node) ([]entry, error) {
	sources := []*yaml.Node{n}
	if r := resolve(n); r.Kind == yaml.SequenceNode {
		sources = r.Content
	}
	var all []entry
	for _, source := range sources {
		mapping := resolve(source)
		if mapping.Kind != yaml.MappingNode {
			return nil, d.errorf(path, source, "expected << to merge a mapping or a list of mappings, found %s", describe(mapping))
		}
		entries, err := d.entries(path, mapping)
		if err != nil {
			return nil, err
		}
		all = append(all, entries...)
	}
	return all, nil
}

// join appends a key to a path.
func join(path, key string) string {
	if path == "" {
		return key
	}
	return path + "." + key
}
