package spec

import (
	"reflect"
	"strings"

	"go.yaml.in/yaml/v3"
)

// Writable is a directory that is created for the user of the image to write to. It may be
// written as its path alone.
type Writable struct {
	// Path is absolute and clean.
	Path string `yaml:"path" doc:"Absolute path of the directory." example:"/var/lib/app" required:"true"`
	// Owner is "user" or "user:group", numbers or names of the image.
	Owner string `yaml:"owner" doc:"Owner, user or user:group." example:"nonroot"`
	// Mode is three or four octal digits.
	Mode string `yaml:"mode" doc:"Octal permissions." example:"\"0700\""`
}

// writable decodes a path, or a mapping with one.
func (d *decoder) writable(path string, n *yaml.Node, w *Writable, tag reflect.StructTag) error {
	switch {
	case n.Kind == yaml.MappingNode:
		return d.fields(path, n, reflect.ValueOf(w).Elem(), tag)
	case isText(n):
		return d.value(join(path, "path"), n, reflect.ValueOf(&w.Path).Elem(), tag)
	default:
		return d.typeError(path, n, "a path or a mapping", tag)
	}
}

func (s *Spec) validateWritable() error {
	for i := range s.Writable {
		at, w := Index("writable", i), &s.Writable[i]
		if err := s.absolutePath(at+".path", &w.Path); err != nil {
			return err
		}
		if w.Path == "/" {
			return s.errorf(at+".path", "the root of the image cannot be writable; name the directories below it that are")
		}
		if s.has(at + ".owner") {
			if err := s.checkOwner(at+".owner", w.Owner, "an owner"); err != nil {
				return err
			}
		}
		if !s.has(at + ".mode") {
			continue
		}
		if err := s.checkMode(at+".mode", &w.Mode); err != nil {
			return err
		}
	}
	return nil
}

// checkMode also writes YAML 1.2's form of octal numbers, 0o755, as all others do.
func (s *Spec) checkMode(at string, mode *string) error {
	if digits, ok := strings.CutPrefix(*mode, "0o"); ok {
		*mode = "0" + digits
	}
	if !fileMode.MatchString(*mode) {
		return s.errorf(at, `%s is not a file mode: expected three or four octal digits, such as "0755"`, quote(*mode))
	}
	return nil
}
