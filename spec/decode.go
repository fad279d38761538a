package spec

import (
	"fmt"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"go.yaml.in/yaml/v3"
)

// decoder fills the fields of a spec from YAML nodes, driven by their types
// and tags. checkLimits has to accept the nodes first.
type decoder struct {
	src *source
	// locations receives the range of every value, by its path.
	locations map[string]parser.Range
	// expander is nil if the spec declares no arguments.
	expander *expander
	// literal is how many of the values around this one are not to be expanded.
	literal int
	// written has, for each node that was expanded, the one in the file.
	written map[*yaml.Node]*yaml.Node
}

// value decodes a node into v. tag is that of the struct field that v is, or
// is a part of.
func (d *decoder) value(path string, n *yaml.Node, v reflect.Value, tag reflect.StructTag) error {
	n = resolve(n)
	d.locations[path] = d.src.nodeRange(n)
	if isNull(n) {
		return d.errorf(path, n, "the value is missing; write one%s, or remove the key", such(tag))
	}
	if tag.Get("expand") == "false" {
		d.literal++
		defer func() { d.literal-- }()
	}
	switch p := v.Addr().Interface().(type) {
	case *[]Arg:
		return d.arguments(path, n, p, tag)
	case *[]KeyValue:
		return d.keyValues(path, n, p, tag)
	case *Paths:
		return d.paths(path, n, p, tag)
	case *Command:
		return d.command(path, n, p, tag)
	case *Writable:
		return d.writable(path, n, p, tag)
	case *time.Duration:
		n, err := d.expand(path, n)
		if err != nil {
			return err
		}
		return d.duration(path, n, p, tag)
	case *Healthcheck:
		if n.Kind == yaml.ScalarNode && strings.EqualFold(n.Value, "none") {
			p.Disable = true
			return nil
		}
		if n.Kind != yaml.MappingNode {
			return d.typeError(path, n, "none, or a mapping", tag)
		}
	}
	switch v.Kind() {
	case reflect.String, reflect.Bool, reflect.Int:
		return d.scalar(path, n, v, tag)
	case reflect.Pointer:
		v.Set(reflect.New(v.Type().Elem()))
		return d.value(path, n, v.Elem(), tag)
	case reflect.Struct:
		return d.fields(path, n, v, tag)
	case reflect.Slice:
		return d.list(path, n, v, tag)
	default:
		panic(fmt.Sprintf("spec: no YAML form for %s at %s", v.Type(), path))
	}
}

// scalar decodes a value that is no list and no mapping, with its variables replaced.
func (d *decoder) scalar(path string, n *yaml.Node, v reflect.Value, tag reflect.StructTag) error {
	n, err := d.expand(path, n)
	if err != nil {
		return err
	}
	switch v.Kind() {
	case reflect.Bool:
		return d.boolean(path, n, v, tag)
	case reflect.Int:
		return d.integer(path, n, v, tag)
	default:
		return d.text(path, n, v, tag)
	}
}

func (d *decoder) list(path string, n *yaml.Node, v reflect.Value, tag reflect.StructTag) error {
	if n.Kind != yaml.SequenceNode {
		return d.typeError(path, n, "a list", tag)
	}
	v.Set(reflect.MakeSlice(v.Type(), len(n.Content), len(n.Content)))
	for i, item := range n.Content {
		// The example of a list is no example of its items.
		if err := d.value(Index(path, i), item, v.Index(i), ""); err != nil {
			return err
		}
	}
	return nil
}

// text takes any scalar as it is written, because what looks like a number to
// YAML often is a version, a mode, an id or a port to its author.
func (d *decoder) text(path string, n *yaml.Node, v reflect.Value, tag reflect.StructTag) error {
	if !isText(n) {
		return d.typeError(path, n, "a string", tag)
	}
	if enum := tag.Get("enum"); enum != "" && !slices.Contains(strings.Split(enum, ","), n.Value) {
		return d.errorf(path, n, "unknown value %s, expected %s",
			quote(n.Value), strings.ReplaceAll(enum, ",", " or "))
	}
	if err := d.checkText(path, n); err != nil {
		return err
	}
	v.SetString(n.Value)
	return nil
}

// checkText refuses the characters that escapes can smuggle into a string. All
// strings end up in a shell, a file name or the image's config.
func (d *decoder) checkText(path string, n *yaml.Node) error {
	for _, r := range n.Value {
		if unicode.IsControl(r) && !strings.ContainsRune("\t\r\n", r) {
			return d.errorf(path, n, "control character %U is not allowed; remove it", r)
		}
	}
	return nil
}

func (d *decoder) boolean(path string, n *yaml.Node, v reflect.Value, tag reflect.StructTag) error {
	b, err := strconv.ParseBool(strings.ToLower(n.Value))
	if err != nil || n.ShortTag() != "!!bool" {
		return d.typeError(path, n, "true or false", "")
	}
	v.SetBool(b)
	return nil
}

func (d *decoder) integer(path string, n *yaml.Node, v reflect.Value, tag reflect.StructTag) error {
	i, err := strconv.Atoi(n.Value)
	if err != nil || n.ShortTag() != "!!int" {
		return d.typeError(path, n, "a whole number", tag)
	}
	v.SetInt(int64(i))
	return nil
}

// typeError says that a node is not of the wanted kind.
func (d *decoder) typeError(path string, n *yaml.Node, want string, tag reflect.StructTag) error {
	return d.errorf(path, n, "expected %s%s, found %s", want, such(tag), describe(n))
}

func (d *decoder) errorf(path string, n *yaml.Node, format string, args ...any) error {
	message := fmt.Sprintf(format, args...)
	if path != "" {
		message = path + ": " + message
	}
	if written := d.written[n]; written != nil {
		n = written
	}
	return d.src.errorf(d.src.nodeRange(n), "%s", message)
}

// such introduces the example of a field that has one.
func such(tag reflect.StructTag) string {
	if example := tag.Get("example"); example != "" {
		return " such as " + example
	}
	return ""
}
