package spec

import (
	"reflect"
	"strings"
	"time"
	"unicode"

	"go.yaml.in/yaml/v3"
)

// keyValues decodes a mapping whose keys are free, in the order of the file.
func (d *decoder) keyValues(path string, n *yaml.Node, p *[]KeyValue, tag reflect.StructTag) error {
	if n.Kind != yaml.MappingNode {
		return d.typeError(path, n, "a mapping", tag)
	}
	entries, err := d.entries(path, n)
	if err != nil {
		return err
	}
	*p = make([]KeyValue, len(entries))
	for i, e := range entries {
		kv := &(*p)[i]
		kv.Key = e.key.Value
		if kv.Key == "" {
			return d.errorf(path, e.key, "the name is empty; write name: value")
		}
		if strings.ContainsFunc(kv.Key, unicode.IsControl) {
			return d.errorf(path, e.key, "control characters are not allowed in the name %s; remove them", quote(kv.Key))
		}
		if isNull(resolve(e.value)) {
			return d.errorf(join(path, kv.Key), e.key, `the value is missing; write "" for an empty one`)
		}
		if err := d.value(join(path, kv.Key), e.value, reflect.ValueOf(&kv.Value).Elem(), ""); err != nil {
			return err
		}
	}
	return nil
}

// paths decodes one path or a list of them.
func (d *decoder) paths(path string, n *yaml.Node, p *Paths, tag reflect.StructTag) error {
	switch {
	case n.Kind == yaml.SequenceNode:
		return d.list(path, n, reflect.ValueOf(p).Elem(), tag)
	case isText(n):
		*p = make(Paths, 1)
		return d.value(path+"[0]", n, reflect.ValueOf(&(*p)[0]).Elem(), tag)
	default:
		return d.typeError(path, n, "a path or a list of paths", tag)
	}
}

// command decodes the exec form, a list, or the shell form, a string. As in a Dockerfile a
// command is for the container to expand.
func (d *decoder) command(path string, n *yaml.Node, p *Command, tag reflect.StructTag) error {
	d.literal++
	defer func() { d.literal-- }()
	switch {
	case n.Kind == yaml.SequenceNode:
		return d.list(path, n, reflect.ValueOf(&p.Args).Elem(), tag)
	case isText(n):
		*p = Command{Args: make([]string, 1), Shell: true}
		return d.value(path+"[0]", n, reflect.ValueOf(&p.Args[0]).Elem(), tag)
	default:
		return d.typeError(path, n, "a list or a string", tag)
	}
}

// duration accepts what HEALTHCHECK accepts: 0 or at least a millisecond.
func (d *decoder) duration(path string, n *yaml.Node, p *time.Duration, tag reflect.StructTag) error {
	if !isText(n) {
		return d.typeError(path, n, "a duration", tag)
	}
	value, err := time.ParseDuration(n.Value)
	if err != nil {
		return d.errorf(path, n, "%s is no duration: expected numbers with units%s", quote(n.Value), such(tag))
	}
	if value != 0 && value < time.Millisecond {
		return d.errorf(path, n, "%s is too short: expected at least 1ms, or 0 for the engine's default", quote(n.Value))
	}
	*p = value
	return nil
}
