package main

import (
	"crypto/sha256"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "have Jinja2 write the goldens again")

// seedEnv names the folder that has the README's template of the project that ours comes
// from, relative to the root of the repository.
const (
	seedEnv     = "DISTROLESS_SEED"
	defaultSeed = "../shared/seed"
)

// jinja2 renders templates with Jinja2 itself, all that it is given on standard input: a
// result is a text or, with an error, null.
const jinja2 = `
import json, sys, jinja2
given = json.load(sys.stdin)
rendered = []
for template in given["templates"]:
    environment = jinja2.Environment(keep_trailing_newline=given["keep"])
    try:
        rendered.append(environment.from_string(template).render(given["variables"]))
    except Exception as e:
        rendered.append(None)
json.dump(rendered, sys.stdout)
`

// byJinja2 returns what Jinja2 makes of each template, nil for an error.
func byJinja2(t *testing.T, data []byte, keep bool, templates ...string) []*string {
	t.Helper()
	if exec.Command("python3", "-c", "import jinja2").Run() != nil {
		t.Skip("python3 has no Jinja2 to compare with (Debian: apt-get install python3-jinja2)")
	}
	given, err := json.Marshal(map[string]any{"templates": templates, "variables": json.RawMessage(data), "keep": keep})
	require.NoError(t, err)
	cmd := exec.Command("python3", "-c", jinja2)
	cmd.Stdin, cmd.Stderr = strings.NewReader(string(given)), os.Stderr
	out, err := cmd.Output()
	require.NoError(t, err)
	var rendered []*string
	require.NoError(t, json.Unmarshal(out, &rendered))
	require.Len(t, rendered, len(templates))
	return rendered
}

func readFile(t *testing.T, path string) string {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	return string(data)
}

func variables(t *testing.T, data string) map[string]any {
	t.Helper()
	decoded, err := decodeVariables([]byte(data))
	require.NoError(t, err)
	return decoded
}

// The golden is Jinja2's own work, so that this holds where there is no Python.
func TestRenderIsJinja2sToTheByte(t *testing.T) {
	template, data := readFile(t, "testdata/listing.tmpl"), readFile(t, "testdata/images.json")
	if *update {
		golden := byJinja2(t, []byte(data), false, template)[0]
		require.NotNil(t, golden)
		require.NoError(t, os.WriteFile("testdata/listing.golden", []byte(*golden), 0o644))
	}
	got, err := Render(template, variables(t, data), false)
	require.NoError(t, err)
	require.Equal(t, readFile(t, "testdata/listing.golden"), got)
}

// lists are what the templates are rendered with.
func lists(t *testing.T) map[string]string {
	all := readFile(t, "testdata/images.json")
	var decoded struct{ Images []map[string]any }
	require.NoError(t, json.Unmarshal([]byte(all), &decoded))
	only := func(registry string) string {
		images := []map[string]any{}
		for _, image := range decoded.Images {
			if image["registry"] == registry {
				images = append(images, image)
			}
		}
		data, err := json.Marshal(map[string]any{"images": images})
		require.NoError(t, err)
		return string(data)
	}
	return map[string]string{
		"all":       all,
		"none":      `{"images": []}`,
		"Docker":    only("docker.io"),
		"GitHub":    only("ghcr.io"),
		"elsewhere": only("quay.example"),
	}
}

// seedSums has the SHA-256 of what Jinja2 makes of the seed with each list, for where there is
// no Python.
const seedSums = "testdata/seed.sha256.json"

func TestRenderOfTheSeed(t *testing.T) {
	template := seed(t)
	if *update {
		sums, err := json.MarshalIndent(jinja2Sums(t, template), "", "  ")
		require.NoError(t, err)
		require.NoError(t, os.WriteFile(seedSums, append(sums, '\n'), 0o644))
	}
	var want map[string]string
	require.NoError(t, json.Unmarshal([]byte(readFile(t, seedSums)), &want))
	for name, data := range lists(t) {
		got, err := Render(template, variables(t, data), false)
		require.NoError(t, err)
		require.Equal(t, want[name], sum(got), "%s: Jinja2 renders it otherwise than this:\n%s", name, got)
	}
}

func TestSumsOfTheSeedAreJinja2s(t *testing.T) {
	var sums map[string]string
	require.NoError(t, json.Unmarshal([]byte(readFile(t, seedSums)), &sums))
	require.Equal(t, jinja2Sums(t, seed(t)), sums, "after a change of the seed: go test . -update")
}

// seed returns the template of the project that ours comes from.
func seed(t *testing.T) string {
	t.Helper()
	dir := os.Getenv(seedEnv)
	if dir == "" {
		dir = defaultSeed
	}
	if !filepath.IsAbs(dir) {
		dir = filepath.Join("..", "..", dir)
	}
	template, err := os.ReadFile(filepath.Join(dir, "README.rst.tmpl"))
	if errors.Is(err, os.ErrNotExist) {
		t.Skipf("no README.rst.tmpl in %s: set %s to the folder that has it", dir, seedEnv)
	}
	require.NoError(t, err)
	return string(template)
}

// jinja2Sums has Jinja2 render a template with each list.
func jinja2Sums(t *testing.T, template string) map[string]string {
	t.Helper()
	sums := map[string]string{}
	for name, data := range lists(t) {
		rendered := byJinja2(t, []byte(data), false, template)[0]
		require.NotNil(t, rendered)
		sums[name] = sum(*rendered)
	}
	return sums
}

func sum(text string) string { return fmt.Sprintf("%x", sha256.Sum256([]byte(text))) }

// constructs are what a template may use. The library differs from Jinja2 here and there, and
// what it does otherwise is not in this list: ** gives a fraction, and a sum of fractions a
// whole number where it is one; // of negative numbers and
// rounding of halves go towards zero and up; a division by zero is infinite; tuples print as
// lists, none in a list as nothing, objects with their keys sorted, and a loop over two
// variables of dictsort not at all; str.replace needs a count, str.rsplit heeds none; a call with parameters, {% set a, b = … %} and whole numbers
// above 2^63 are errors.
var constructs = []string{
	"{{ images|length }} {{ images | map(attribute='tag') | join(', ') }}",
	"{% for i in images %}{{ loop.index }}/{{ loop.length }} {{ i.tag }}{% if not loop.last %},{% endif %}{% else %}none{% endfor %}\n",
	"{% for i in images if i.registry == 'ghcr.io' -%}\n  {{ i.url }}\n{%- endfor %}",
	"{% for g in images | groupby('registry') %}{{ g.grouper }}: {{ g.list | length }}\n{% endfor %}",
	"{{ images | sort(attribute='tag') | map(attribute='url') | join('|') }}",
	"{{ images | sort(attribute='registry', reverse=True) | map(attribute='path') | join('|') }}",
	"{{ images | sort(attribute='size,tag', reverse=true) | map(attribute='tag') | join('|') }}",
	"{{ ['b','A','a','B'] | sort }} {{ ['b','A','a','B'] | sort(case_sensitive=true) }} {{ [3,1,2]|sort(reverse=true) }}",
	"{{ '%s is %d and %5.1f%%' | format('a', 3, 2.345) }} {{ '%-10s|%5s|' | format('ab','cd') }}",
	"{{ '%d' | format('x') }}", "{{ '%d %s' | format(1) }}", "{{ '%d' | format(1, 2) }}", "{{ '%q' | format(1) }}", "{{ '50%' | format }}",
	"{{ '%f|%.0f|%+5d|%05d|%-6.2f|%x|%X' | format(3, 2.5, 7, 42, 1, 255, 255) }} {{ '%d %i' | format(3.99, true) }}",
	"{{ '%s %s %s %5.2s|%05s|' | format(1.0, true, none, 'abc', 'é') }} {{ '%e %g %g %.3g' | format(12345.678, 0.00001, 1234567, 3) }}",
	"{{ 7 / 2 }} {{ 4 / 2 }} {{ 7 // 2 }} {{ 1e3 }} {{ '3' | int + 1 }} {{ 3.14159|round(2) }} {{ 0.1 + 0.2 }} {{ 1/3 }}",
	"{{ images | rejectattr('registry','in',['docker.io','ghcr.io']) | list | count }}",
	"{{ images | map(attribute='registry') | unique | list }} {{ images | map(attribute='size') | list }}",
	"{{ '3.14-buildroot'.endswith('-buildroot') }} {{ 'abc'.startswith('ab') }} {{ 'a-b-c'.split('-') }} {{ 'abc'[1:] }} {{ 'abc'[:-1] }}",
	"{{ 'abc' in 'xabcx' }} {{ 1 in [1,2] }} {{ not true }} {{ 1 if images else 2 }}{{ 'x' if false }}",
	"{# a comment #}x{#- trim -#}  y", "a  {%- set x = 1 -%}  b {{- x -}} c\n\n",
	"line\n{% if true %}\nin\n{% endif %}\nout\n", "{% filter upper %}abc{% endfilter %}", "{% set b %}b{{ 1 }}{% endset %}{{ b }}",
	"{% with a=1, b=2 %}{{ a + b }}{% endwith %}", "{{ '<a href=\"x\">&' }} {{ '<a>' | e }}", "{{ 'äöü' | upper }} {{ '日本' | length }}",
	"{{ nope }} {{ nope is defined }} {{ nope | default('d') }}",
	"{% macro m() %}<{{ caller() }}>{% endmacro %}{% call m() %}x{% endcall %}",
	"{{ images | selectattr('registry','eq','ghcr.io') | sum(attribute='size') }} {{ [1,2]|max }} {{ 'a b' | title }} {{ 'a'|center(5) }}| {{ 'a\\nb' | indent(2) }}",
	"no newline", "one\n", "two\n\n", "\n\nlead", "crlf\r\nline\r\n", "",
	"{{ undefined_function() }}", "{{ images.foo.bar }}", "{% for %}", "{{ 'a' | nofilter }}", "{{ unclosed", "{% include 'x' %}",
}

func TestConstructsAreJinja2s(t *testing.T) {
	data := readFile(t, "testdata/images.json")
	for _, keep := range []bool{false, true} {
		for i, want := range byJinja2(t, []byte(data), keep, constructs...) {
			got, err := Render(constructs[i], variables(t, data), keep)
			if want == nil {
				assert.Error(t, err, constructs[i])
			} else if assert.NoError(t, err, constructs[i]) {
				assert.Equal(t, *want, got, constructs[i])
			}
		}
	}
}

func TestVersionSort(t *testing.T) {
	got, err := Render(`{{ images | version_sort(attribute="tag", reverse=true) | map(attribute="tag") | join(" ") }}
{{ ["3.9", "3.14.1", "3.10", "3.14"] | version_sort | join(" ") }}`, map[string]any{"images": []any{
		map[string]any{"tag": "3.9-alpine3.20"},
		map[string]any{"tag": "3.14-alpine3.9"},
		map[string]any{"tag": "3.14-alpine3.20"},
		map[string]any{"tag": "3.14-alpine3.20-buildroot"},
		map[string]any{"tag": "3.14.1-alpine3.20"},
		map[string]any{"tag": "3.10-alpine3.20"},
	}}, false)
	require.NoError(t, err)
	require.Equal(t, "3.14.1-alpine3.20 3.14-alpine3.20-buildroot 3.14-alpine3.20 3.14-alpine3.9 3.10-alpine3.20 3.9-alpine3.20\n"+
		"3.9 3.10 3.14 3.14.1", got)
}

func TestListsAreChecked(t *testing.T) {
	for data, want := range map[string]string{
		``:                  "EOF",
		`7`:                 "expected an object or a list of images",
		`{"images": []} {}`: "expected the end of the file",
	} {
		_, err := decodeVariables([]byte(data))
		require.ErrorContains(t, err, want, data)
	}
	require.Equal(t, map[string]any{"images": []any{map[string]any{"size": 7}}}, variables(t, `[{"size": 7}]`))
}

// As with Jinja2, a size that is missing or no number matters to a template that uses it.
func TestSizesAreNumbersWhereTheyAreUsed(t *testing.T) {
	list := variables(t, `[{"url": "a", "size": 1}, {"url": "b"}, {"url": "c", "size": "9"}]`)
	got, err := Render("{{ images | map(attribute='url') | join }}{{ images[0].size / 1 }}", list, false)
	require.NoError(t, err)
	require.Equal(t, "abc1.0", got)
	for template, want := range map[string]string{
		"{{ '%.1f' | format(images[1].size / 1024) }}": "images[1] (b): size is <nil>: expected a number of bytes",
		"{{ images[2].size / 2 }}":                     "images[2] (c): size is 9: expected a number of bytes",
	} {
		_, err := Render(template, list, false)
		require.ErrorContains(t, err, want)
	}
}

func TestErrorsOfTemplatesHaveALine(t *testing.T) {
	_, err := Render("one\ntwo\n{% set a, b = 1 %}\n", nil, false)
	require.ErrorContains(t, err, "Line: 3")
	require.NotContains(t, err.Error(), "one\ntwo")
}
