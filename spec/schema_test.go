package spec

import (
	"bytes"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"
)

func compiledSchema(t *testing.T) *jsonschema.Schema {
	t.Helper()
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(Schema()))
	require.NoError(t, err)
	c := jsonschema.NewCompiler()
	require.NoError(t, c.AddResource("schema.json", doc))
	schema, err := c.Compile("schema.json")
	require.NoError(t, err)
	return schema
}

// validateSchema checks a file as an editor does. ok is false for what is no YAML to begin with.
func validateSchema(t *testing.T, schema *jsonschema.Schema, file string) (ok bool, err error) {
	t.Helper()
	var doc yaml.Node
	if err := yaml.Unmarshal(read(t, file), &doc); err != nil {
		return false, nil
	}
	withoutDates(&doc)
	var value any
	if err := doc.Decode(&value); err != nil {
		return false, nil
	}
	return true, schema.Validate(value)
}

// withoutDates makes strings of dates, which YAML 1.2, and so editors, do not know.
func withoutDates(n *yaml.Node) {
	if n.ShortTag() == "!!timestamp" {
		n.Tag = "!!str"
	}
	for _, child := range n.Content {
		withoutDates(child)
	}
}

func TestSchemaAcceptsWhatIsValid(t *testing.T) {
	schema := compiledSchema(t)
	for _, file := range testdata(t, "valid") {
		ok, err := validateSchema(t, schema, file)
		require.True(t, ok, file)
		require.NoError(t, err, file)
	}
}

// structural are the errors that a schema can tell; others are about what is in a string.
var structural = regexp.MustCompile(`^(args-(list|value|name|null)|base-and-python|compression|files-without-.*|` +
	`healthcheck-(without-cmd|interval-unit)|no-base|null(-.*)?|only-(comments|marker)|alpine-without-python|python-without-alpine|` +
	`label-name-null|top-level-.*|type-(bool|bool-yes|command|duration|env-list|env-value|files|healthcheck|int|list|` +
	`list-long|mapping|paths|string-item|string)|unknown-key(-.*)?|dockerfile|empty|alpine-(edge|patch)|python-word|package-(blank|conflict|empty|option)|module-name(-include)?|` +
	`trusted-host|user|files-chown)\.yaml$`)

func TestSchemaRefusesWhatIsInvalid(t *testing.T) {
	schema := compiledSchema(t)
	matched, refused, all := 0, 0, 0
	for _, file := range testdata(t, "invalid") {
		ok, err := validateSchema(t, schema, file)
		if !ok {
			continue
		}
		all++
		if err != nil {
			refused++
		}
		if structural.MatchString(filepath.Base(file)) {
			matched++
			require.Error(t, err, file)
		}
	}
	t.Logf("the schema refuses %d of the %d invalid specs that are YAML", refused, all)
	require.Greater(t, matched, 30)
}
