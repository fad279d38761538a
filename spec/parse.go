package spec

import (
	"reflect"
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"go.yaml.in/yaml/v3"
)

// Parse reads a spec whose arguments have no values but their defaults.
func Parse(filename string, data []byte) (*Spec, error) {
	return ParseWith(filename, data, Variables{})
}

// ParseWith reads a spec and checks everything that can be checked without its
// base image and its build context. filename is only used in messages. If the
// spec has the key args, variables are replaced before anything is checked.
//
// An error is about the first thing found wrong. Its message begins with
// "filename:line:column: ", both counted from 1 and the column in characters,
// and it wraps a [parser.LocationError] with the same position.
func ParseWith(filename string, data []byte, vars Variables) (*Spec, error) {
	src, err := newSource(filename, data)
	if err != nil {
		return nil, err
	}
	root, err := src.document()
	if err != nil {
		return nil, err
	}
	if err := checkLimits(src, root); err != nil {
		return nil, err
	}

	s := &Spec{src: src, locations: map[string]parser.Range{}}
	s.Stdlib.Compression = CompressionDeflate
	d := &decoder{src: src, locations: s.locations, written: map[*yaml.Node]*yaml.Node{}}
	if err := d.declareArgs(root, vars); err != nil {
		return nil, err
	}
	if err := d.value("", root, reflect.ValueOf(s).Elem(), ""); err != nil {
		return nil, err
	}
	if err := s.validate(); err != nil {
		return nil, err
	}
	return s, nil
}

// Location returns the range of the value at a dotted path such as "packages",
// "pip.requirements[0]" or "files[1].to". For a path that the file does not
// have it is the range of the nearest ancestor, in the end the whole document.
// Lines and columns count from 1. A value that was written as an alias has the
// location of its anchor. The result is nil if s does not come from [Parse].
func (s *Spec) Location(path string) []parser.Range {
	if s.src == nil {
		return nil
	}
	for path != "" {
		if r, ok := s.locations[path]; ok {
			return []parser.Range{r}
		}
		path = path[:max(strings.LastIndexAny(path, ".["), 0)]
	}
	return []parser.Range{s.src.whole()}
}

// errorf returns an error located at the value of a path. The path of the
// document itself, "", stands for the place where its first key is.
func (s *Spec) errorf(path, format string, args ...any) error {
	r := s.locations[""]
	if path == "" {
		r.End = r.Start
	} else {
		r = s.Location(path)[0]
		format = strings.ReplaceAll(path, "%", "%%") + ": " + format
	}
	return s.src.errorf(r, format, args...)
}
