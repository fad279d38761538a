package requirements

import (
	"errors"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"

	"github.com/autumnjolitz/distroless-frontend/spec"
)

// A document is a file of TOML that knows on which line each of its values is. The paths of
// values are as in "packages[0].wheels[1].url".
type document struct {
	*file
	at map[string]int
}

// decode reads a file of TOML into a struct.
func (f *file) decode(into any) (*document, error) {
	if err := toml.Unmarshal(f.data, into); err != nil {
		var at *toml.DecodeError
		if errors.As(err, &at) {
			row, _ := at.Position()
			return nil, f.errorf(line{number: row}, "%s", strings.TrimPrefix(at.Error(), "toml: "))
		}
		return nil, f.errorf(line{number: 1}, "%s", strings.TrimPrefix(err.Error(), "toml: "))
	}
	d := &document{file: f, at: map[string]int{}}
	d.locate()
	return d, nil
}

// line returns that of a value, or of the nearest one around it, as one of requirements.
func (d *document) line(path string) line {
	for path != "" {
		if number, ok := d.at[path]; ok {
			return line{number: number}
		}
		path = path[:max(0, strings.LastIndexAny(path, ".["))]
	}
	return line{number: 1}
}

func (d *document) errorAt(path, format string, args ...any) error {
	return d.errorf(d.line(path), format, args...)
}

// locate fills in the lines. That the file is TOML is known by then.
func (d *document) locate() {
	var parser unstable.Parser
	parser.Reset(d.data)
	w := &lineWalk{at: d.at, arrays: map[string]int{}}
	for i, b := range d.data {
		if b == '\n' {
			w.ends = append(w.ends, i)
		}
	}
	for parser.NextExpression() {
		switch node := parser.Expression(); node.Kind {
		case unstable.Table:
			w.table = w.key("", node.Key())
		case unstable.ArrayTable:
			path := w.key("", node.Key())
			w.table = spec.Index(path, w.arrays[path])
			w.arrays[path]++
			w.at[w.table] = w.line
		case unstable.KeyValue:
			w.keyValue(w.table, node)
		}
	}
}

// A lineWalk goes through the expressions of a file in their order.
type lineWalk struct {
	ends   []int // of the lines
	at     map[string]int
	arrays map[string]int // how many tables an array has so far
	table  string         // the one that keys are of now
	line   int            // of the last key
}

func (w *lineWalk) lineOf(node *unstable.Node) int {
	before, _ := slices.BinarySearch(w.ends, int(node.Raw.Offset))
	return before + 1
}

// key joins the parts of a key. What leads through an array of tables leads through its last.
func (w *lineWalk) key(path string, parts unstable.Iterator) string {
	for parts.Next() {
		part := parts.Node()
		w.line = w.lineOf(part)
		if path != "" {
			path += "."
		}
		path += string(part.Data)
		if w.at[path] == 0 {
			w.at[path] = w.line
		}
		if n := w.arrays[path]; n > 0 && !parts.IsLast() {
			path = spec.Index(path, n-1)
		}
	}
	return path
}

func (w *lineWalk) keyValue(table string, node *unstable.Node) {
	w.value(w.key(table, node.Key()), node.Value())
}

func (w *lineWalk) value(path string, node *unstable.Node) {
	children := node.Children()
	switch node.Kind {
	case unstable.Array:
		for i := 0; children.Next(); {
			item := children.Node()
			if item.Kind == unstable.Comment {
				continue
			}
			if item.Raw.Length > 0 { // an array in an array has none
				w.at[spec.Index(path, i)] = w.lineOf(item)
			}
			w.value(spec.Index(path, i), item)
			i++
		}
	case unstable.InlineTable:
		for children.Next() {
			if child := children.Node(); child.Kind == unstable.KeyValue {
				w.keyValue(path, child)
			}
		}
	}
}
