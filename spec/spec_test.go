package spec

import (
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/stretchr/testify/require"
)

var update = flag.Bool("update", false, "write the golden files of testdata")

func TestValid(t *testing.T) {
	for _, file := range testdata(t, "valid") {
		t.Run(filepath.Base(file), func(t *testing.T) {
			s, err := Parse(filepath.Base(file), read(t, file))
			require.NoError(t, err)
			got, err := json.MarshalIndent(s, "", "  ")
			require.NoError(t, err)
			golden(t, strings.TrimSuffix(file, ".yaml")+".json", string(got)+"\n")
		})
	}
}

func TestInvalid(t *testing.T) {
	for _, file := range testdata(t, "invalid") {
		t.Run(filepath.Base(file), func(t *testing.T) {
			data := read(t, file)
			s, err := Parse(filepath.Base(file), data)
			require.Error(t, err)
			require.Nil(t, s)
			requireLocation(t, filepath.Base(file), data, err)
			golden(t, strings.TrimSuffix(file, ".yaml")+".err", err.Error()+"\n")
		})
	}
}

// requireLocation checks that err has one location, that it is within the data
// and that it is the one that the message begins with.
func requireLocation(t *testing.T, filename string, data []byte, err error) {
	t.Helper()
	var located *parser.LocationError
	require.True(t, errors.As(err, &located), "%v", err)
	require.Len(t, located.Locations, 1)
	require.Len(t, located.Locations[0], 1)
	r := located.Locations[0][0]
	requireWithin(t, data, r)
	prefix := fmt.Sprintf("%s:%d:%d: ", filename, r.Start.Line, r.Start.Character)
	require.True(t, strings.HasPrefix(err.Error(), prefix), "%q does not begin with %q", err, prefix)
}

func requireWithin(t *testing.T, data []byte, r parser.Range) {
	t.Helper()
	lines := strings.Split(strings.TrimPrefix(string(data), byteOrderMark), "\n")
	for _, p := range []parser.Position{r.Start, r.End} {
		require.GreaterOrEqual(t, p.Line, 1)
		require.LessOrEqual(t, p.Line, len(lines))
		require.GreaterOrEqual(t, p.Character, 1)
		require.LessOrEqual(t, p.Character, len([]rune(lines[p.Line-1]))+1)
	}
	require.False(t, before(r.End, r.Start), "%v", r)
}

func TestErrorRange(t *testing.T) {
	const base = "python: '3.13'\nalpine: '3.20'\n"
	for _, tc := range []struct {
		name, spec             string
		line, column           int
		lastLine, behindColumn int
	}{
		{"plain", base + "user: a:b:c\n", 3, 7, 3, 12},
		{"double quoted", base + `user: "a \" b" # c`, 3, 7, 3, 15},
		{"single quoted", base + `user: 'a '' b' # c`, 3, 7, 3, 15},
		{"folded", base + "user: a b\n  c d\n", 3, 7, 4, 6},
		{"quoted and folded", base + "user: \"a b\n  c d\"\n", 3, 7, 4, 7},
		{"block", base + "user: |\n  a\n\n  b\n\ncmd: x\n", 3, 7, 6, 4},
		{"block at the end", base + "user: |-\n  a b", 3, 7, 4, 6},
		{"escapes", base + `user: "a\u0020b"`, 3, 7, 3, 17},
		{"anchor", base + "user: &a a b # c\n", 3, 7, 3, 17},
		{"alias", base + "x-u: &u a b\nuser: *u\n", 3, 6, 3, 12},
		{"flow list", base + "shell: []\n", 3, 8, 3, 10},
		{"list", base + "pip:\n  no-index:\n  - a\n  - [b]\n", 5, 3, 6, 7},
		{"key", base + "pip:\n  pakages: [a]\n", 4, 3, 4, 10},
		{"wide characters", base + "env: {ä=ö: ü}\n", 3, 12, 3, 13},
		{"CR LF", "python: '3.13'\r\nalpine: '3.x'\r\n", 2, 9, 2, 14},
	} {
		t.Run(tc.name, func(t *testing.T) {
			_, err := Parse("Dockerfile", []byte(tc.spec))
			var located *parser.LocationError
			require.ErrorAs(t, err, &located)
			require.Equal(t, parser.Range{
				Start: parser.Position{Line: tc.line, Character: tc.column},
				End:   parser.Position{Line: tc.lastLine, Character: tc.behindColumn},
			}, located.Locations[0][0], "%v", err)
		})
	}
}

func TestLocation(t *testing.T) {
	s, err := Parse("Dockerfile", []byte(`# syntax=x
python: 3.13
alpine: 3.20
packages: [libpq, curl]
env:
  A.B: c
files:
- from: a
  to: /a
- from: [b, c]
  to: /d/
labels: {a: b}
`))
	require.NoError(t, err)
	for path, want := range map[string]string{
		"python":         "2:9-2:13",
		"packages":       "4:11-4:23",
		"packages[1]":    "4:19-4:23",
		"packages[7]":    "4:11-4:23",
		"env.A.B":        "6:8-6:9",
		"env.A.C":        "6:3-6:9",
		"files[0].from":  "8:9-8:10",
		"files[0].chmod": "8:3-9:9",
		"files[1].to":    "11:7-11:10",
		"files[2].to":    "8:1-11:10",
		"apk.keys[0]":    "1:1-12:15",
		"pip":            "1:1-12:15",
		"":               "1:1-12:15",
	} {
		rr := s.Location(path)
		require.Len(t, rr, 1)
		r := rr[0]
		require.Equal(t, want, fmt.Sprintf("%d:%d-%d:%d", r.Start.Line, r.Start.Character, r.End.Line, r.End.Character), path)
	}
	require.Nil(t, new(Spec).Location("python"))
}

func TestTooLarge(t *testing.T) {
	data := []byte("python: '3.13'\nalpine: '3.20'\n#" + strings.Repeat("x", MaxSize))
	_, err := Parse("Dockerfile", data)
	requireLocation(t, "Dockerfile", data, err)
	require.ErrorContains(t, err, "more than the 1048576 that are allowed")

	_, err = Parse("Dockerfile", data[:MaxSize])
	require.NoError(t, err)
}

// TestWork keeps the time to refuse the most laborious files low.
func TestWork(t *testing.T) {
	const base = "python: '3.13'\nalpine: '3.20'\n"
	for name, spec := range map[string]string{
		"nesting":        base + "x-a: " + strings.Repeat("[", 5000) + strings.Repeat("]", 5000),
		"block nesting":  base + "x-a:\n " + strings.Repeat("- ", 5000) + "a",
		"items":          base + "packages: [" + strings.Repeat("a,", 200_000) + "]",
		"long alias":     base + "x-a: &a " + strings.Repeat("a", MaxSize/2) + "\npackages: [" + strings.Repeat("*a,", 90_000) + "]",
		"merged bombs":   base + "x-a: &a {x-b: 1}\nx-c: &c {<<: [" + strings.Repeat("*a,", 1000) + "]}\nx-d: {<<: [" + strings.Repeat("*c,", 1000) + "]}",
		"open brackets":  strings.Repeat("{", MaxSize/2),
		"question marks": strings.Repeat("? ", MaxSize/4),
	} {
		t.Run(name, func(t *testing.T) {
			_, err := Parse("Dockerfile", []byte(spec))
			requireLocation(t, "Dockerfile", []byte(spec), err)
		})
	}
	// Just below the limits, on one line.
	_, err := Parse("Dockerfile", []byte(base+"packages: ["+strings.Repeat("a,", 99_000)+"]"))
	require.NoError(t, err)
}

func TestExposedPorts(t *testing.T) {
	s, err := Parse("Dockerfile", []byte("python: 3.13\nalpine: 3.20\nexpose: [8080, 53/UDP, 8079-8081, 7/sctp]\n"))
	require.NoError(t, err)
	require.Equal(t, []string{"8080/tcp", "53/udp", "8079-8081/tcp", "7/sctp"}, s.Expose)
	require.Equal(t, []string{"8080/tcp", "53/udp", "8079/tcp", "8081/tcp", "7/sctp"}, s.ExposedPorts())
}

// TestTags checks that every field that a key sets is described.
func TestTags(t *testing.T) {
	var check func(reflect.Type)
	check = func(typ reflect.Type) {
		for typ.Kind() == reflect.Pointer || typ.Kind() == reflect.Slice {
			typ = typ.Elem()
		}
		if typ.Kind() != reflect.Struct {
			return
		}
		for _, field := range keysOf(typ) {
			name := typ.Name() + "." + field.Name
			require.Regexp(t, `^[A-Z].*\.$`, field.Tag.Get("doc"), name)
			require.NotEmpty(t, field.Tag.Get("example"), name)
			check(field.Type)
		}
	}
	check(reflect.TypeFor[Spec]())
}

// TestExamples checks that the example of every key is valid.
func TestExamples(t *testing.T) {
	for form, typ := range map[string]reflect.Type{
		"%s: %s":           reflect.TypeFor[Spec](),
		"apk: {%s: %s}":    reflect.TypeFor[APK](),
		"stdlib: {%s: %s}": reflect.TypeFor[Stdlib](),
		"pip: {%s: %s}":    reflect.TypeFor[Pip](),
		"files: [{<<: {from: a, to: /b/}, %s: %s}]": reflect.TypeFor[File](),
		"users: [{<<: {name: a, uid: 1}, %s: %s}]":  reflect.TypeFor[User](),
		"writable: [{<<: {path: /a}, %s: %s}]":      reflect.TypeFor[Writable](),
		"healthcheck: {<<: {cmd: a}, %s: %s}":       reflect.TypeFor[Healthcheck](),
		"tests: [{run: [a], stdout: {%s: %s}}]":     reflect.TypeFor[Output](),
	} {
		for _, field := range keysOf(typ) {
			key := field.Tag.Get("yaml")
			if typ == reflect.TypeFor[Healthcheck]() {
				form = healthcheckExample(key)
			}
			text := fmt.Sprintf(form, key, field.Tag.Get("example")) + "\n"
			switch key {
			case "extras", "groups":
				text = "pip: {project: ., " + strings.TrimPrefix(text, "pip: {") + "python: 3.13\nalpine: 3.20\n"
			case "base":
			case "python":
				text += "alpine: 3.20\n"
			case "alpine":
				text += "python: 3.13\n"
			default:
				text += "python: 3.13\nalpine: 3.20\n"
			}
			_, err := Parse(key, []byte(text))
			require.NoError(t, err, text)
		}
	}
}

// healthcheckExample is a mapping that a key of healthcheck can stand in.
func healthcheckExample(key string) string {
	switch key {
	case "exec", "http", "tcp":
		return "healthcheck: {%s: %s}"
	case "status":
		return "healthcheck: {http: 80/, %s: %s}"
	}
	return "healthcheck: {<<: {cmd: a}, %s: %s}"
}

func testdata(t testing.TB, dir string) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", dir, "*.yaml"))
	require.NoError(t, err)
	require.NotEmpty(t, files)
	return files
}

func read(t testing.TB, file string) []byte {
	t.Helper()
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	return data
}

func golden(t *testing.T, file, got string) {
	t.Helper()
	if *update {
		require.NoError(t, os.WriteFile(file, []byte(got), 0o644))
		return
	}
	require.Equal(t, string(read(t, file)), got)
}
