package main

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"time"

	"github.com/invopop/jsonschema"
	"go.yaml.in/yaml/v3"

	"github.com/autumnjolitz/distroless-frontend/spec"
)

// schemaFile is the JSON Schema of a spec, relative to the repository's root.
const schemaFile = "spec/schema.json"

// draft is the newest that editors know well; the schema needs nothing newer.
const draft = "http://json-schema.org/draft-07/schema#"

const schemaURL = "https://raw.githubusercontent.com/autumnjolitz/distroless-frontend/main/" + schemaFile

func updateSchema() error {
	text, err := schemaText()
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.FromSlash(schemaFile), text, 0o644)
}

// schemaText makes the schema from the types of package spec. A key of a type that the
// decoder has no special form for needs nothing here.
func schemaText() ([]byte, error) {
	r := &jsonschema.Reflector{
		FieldNameTag:               "yaml",
		RequiredFromJSONSchemaTags: true,
		DoNotReference:             true,
		Mapper:                     formOf,
	}
	schema := r.ReflectFromType(reflect.TypeFor[spec.Spec]())
	if err := describe(schema, reflect.TypeFor[spec.Spec](), ""); err != nil {
		return nil, err
	}
	schema.Version = draft
	schema.ID = schemaURL
	schema.Title = "distroless-frontend"
	schema.Description = "A spec of a distroless Python image."
	withBase := &jsonschema.Schema{Required: []string{"base"}, Not: &jsonschema.Schema{AnyOf: []*jsonschema.Schema{
		{Required: []string{"python"}}, {Required: []string{"alpine"}},
	}}}
	schema.OneOf = []*jsonschema.Schema{{Required: []string{"python", "alpine"}}, withBase}

	var text bytes.Buffer
	enc := json.NewEncoder(&text)
	enc.SetEscapeHTML(false)
	enc.SetIndent("", "  ")
	if err := enc.Encode(schema); err != nil {
		return nil, err
	}
	return text.Bytes(), nil
}

// describe adds to the schema of a struct what the tags of its fields say. path is that of
// the keys above it.
func describe(schema *jsonschema.Schema, t reflect.Type, path string) error {
	schema.PatternProperties = map[string]*jsonschema.Schema{"^x-": jsonschema.TrueSchema}
	for i := range t.NumField() {
		f := t.Field(i)
		name := f.Tag.Get("yaml")
		if name == "" || name == "-" {
			continue
		}
		property, ok := schema.Properties.Get(name)
		if !ok {
			return fmt.Errorf("the schema has no key %s%s", path, name)
		}
		property, err := describeField(property, f, path+name)
		if err != nil {
			return err
		}
		schema.Properties.Set(name, property)
		if f.Tag.Get("required") == "true" {
			schema.Required = append(schema.Required, name)
		}
	}
	return nil
}

func describeField(property *jsonschema.Schema, f reflect.StructField, path string) (*jsonschema.Schema, error) {
	inner, innerType, below := property, f.Type, path+"."
	if inner.Items != nil {
		inner, innerType, below = inner.Items, innerType.Elem(), path+"[]."
	}
	if innerType.Kind() == reflect.Pointer {
		innerType = innerType.Elem()
	}
	if inner.Properties != nil {
		if err := describe(inner, innerType, below); err != nil {
			return nil, err
		}
	}
	if innerType == reflect.TypeFor[spec.Writable]() {
		property.Items = anyOf(text(), inner)
	}
	if pattern := patternOf(path); pattern != "" {
		property.Pattern = pattern
	}
	if pattern := patternOf(path + "[]"); pattern != "" {
		property.Items.Pattern = pattern
	}
	if f.Type == reflect.TypeFor[*spec.Healthcheck]() {
		for _, form := range []string{"cmd", "exec", "http", "tcp"} {
			property.OneOf = append(property.OneOf, &jsonschema.Schema{Required: []string{form}})
		}
		property = anyOf(&jsonschema.Schema{Type: "string", Pattern: "^[Nn][Oo][Nn][Ee]$"}, property)
	}
	if values := f.Tag.Get("enum"); values != "" {
		enum := &jsonschema.Schema{}
		for value := range strings.SplitSeq(values, ",") {
			enum.Enum = append(enum.Enum, value)
		}
		property = anyOf(enum, variable())
	}
	property.Description = f.Tag.Get("doc") + " Default: " + strings.ReplaceAll(defaultOf(path), "``", "") + "."
	var example any
	if err := yaml.Unmarshal([]byte(f.Tag.Get("example")), &example); err != nil {
		return nil, fmt.Errorf("example of %s: %w", path, err)
	}
	property.Examples = []any{example}
	return property, nil
}

// patternOf returns what a string has to match, or be made of a build argument.
func patternOf(path string) string {
	pattern := spec.Patterns()[path]
	if pattern == nil {
		return ""
	}
	return pattern.String() + `|\$`
}

// formOf returns how a type is written in YAML, or nil if it is as its kind says.
func formOf(t reflect.Type) *jsonschema.Schema {
	switch t {
	case reflect.TypeFor[spec.Paths](), reflect.TypeFor[spec.Command]():
		return anyOf(text(), &jsonschema.Schema{Type: "array", Items: text()})
	case reflect.TypeFor[[]spec.KeyValue]():
		return &jsonschema.Schema{Type: "object", AdditionalProperties: text()}
	case reflect.TypeFor[[]spec.Arg]():
		return &jsonschema.Schema{
			Type:                 "object",
			PropertyNames:        &jsonschema.Schema{Pattern: "^[A-Za-z_][A-Za-z0-9_]*$"},
			AdditionalProperties: types("string", "number", "boolean", "null"),
		}
	case reflect.TypeFor[time.Duration]():
		return anyOf(&jsonschema.Schema{Type: "string", Pattern: `^([0-9.]+(ns|us|µs|ms|s|m|h))+$|^0$|\$`}, &jsonschema.Schema{Const: 0})
	}
	switch t.Kind() {
	case reflect.String:
		return text()
	case reflect.Bool:
		return anyOf(&jsonschema.Schema{Type: "boolean"}, variable())
	case reflect.Int:
		return anyOf(&jsonschema.Schema{Type: "integer"}, variable())
	}
	return nil
}

// text is any scalar: 3.13 is the text of a version, and a number to YAML.
func text() *jsonschema.Schema { return types("string", "number", "boolean") }

func types(names ...string) *jsonschema.Schema {
	return &jsonschema.Schema{Extras: map[string]any{"type": names}}
}

// variable is a value that comes from a build argument.
func variable() *jsonschema.Schema { return &jsonschema.Schema{Type: "string", Pattern: `\$`} }

func anyOf(schemas ...*jsonschema.Schema) *jsonschema.Schema {
	return &jsonschema.Schema{AnyOf: schemas}
}
