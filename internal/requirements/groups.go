package requirements

import (
	"maps"
	"slices"
	"strings"

	"github.com/autumnjolitz/distroless-frontend/spec"
)

// groups adds the requirements of the chosen dependency groups (PEP 735).
func (r *projectReader) groups() error {
	for i, name := range r.selected.Groups {
		key, ok, err := r.group(name)
		if err != nil {
			return err
		}
		if !ok {
			return r.selected.unknownName("pip.groups", i, r.name, "dependency group", slices.Sorted(maps.Keys(r.tables.Groups)))
		}
		if err := r.addGroup(key, nil); err != nil {
			return err
		}
	}
	return nil
}

// group returns the key of a group, whose name may be written in several ways.
func (r *projectReader) group(name string) (key string, ok bool, err error) {
	for _, other := range slices.Sorted(maps.Keys(r.tables.Groups)) {
		if normalized(other) != normalized(name) {
			continue
		}
		if ok {
			return "", false, r.errorAt("dependency-groups."+other, "%s and %s are one name; keep one of the two", key, other)
		}
		key, ok = other, true
	}
	return key, ok, nil
}

// addGroup adds a group and those it includes. The chain is that of the groups that lead to it.
func (r *projectReader) addGroup(key string, chain []string) error {
	chain = append(slices.Clone(chain), key)
	for i, item := range r.tables.Groups[key] {
		path := spec.Index("dependency-groups."+key, i)
		if text, ok := item.(string); ok {
			if err := r.add(path, text, "", nil); err != nil {
				return err
			}
			continue
		}
		table, _ := item.(map[string]any)
		name, ok := table["include-group"].(string)
		if !ok || len(table) != 1 {
			return r.errorAt(path, `expected a requirement, or {include-group = "NAME"}`)
		}
		included, ok, err := r.group(name)
		switch {
		case err != nil:
			return err
		case !ok:
			return r.errorAt(path, "there is no dependency group %q", name)
		}
		if i := slices.Index(chain, included); i >= 0 {
			circle := append(slices.Clone(chain[i:]), included)
			return r.errorAt(path, "the dependency groups include each other in a circle: %s; remove one of these lines", strings.Join(circle, " → "))
		}
		if err := r.addGroup(included, chain); err != nil {
			return err
		}
	}
	return nil
}
