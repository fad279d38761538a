package frontend_test

import (
	"bytes"
	"cmp"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
)

// What `make test-cpython` asks for: tests by name, or all, and of which images. Without,
// TestIntegrationCPython runs those marked quick, on final.
const (
	cpythonTestsEnv   = "DISTROLESS_CPYTHON"
	cpythonTargetsEnv = "DISTROLESS_CPYTHON_TARGETS"
)

// cpythonArchive has CPython's own package test, for the interpreter of the base image.
const cpythonArchive = "cpython-3.13.5-test.tar.xz"

// cpythonRecord says what each test gives, and why.
const cpythonRecord = "testdata/cpython.yaml"

// cpythonSpec is an image with what the tests are about: time zones, and the parts that are
// left out otherwise. The part test brings extensions to test and the library's sources. Nothing
// draws: the libraries of tkinter are not there.
const cpythonSpec = minimal + `
packages: [tzdata]
stdlib: {include: [test, pydoc_data, idlelib, turtledemo]}
libraries: {ignore: [libtcl8.6.so, libtk8.6.so]}
`

// A cpythonResult is the outcome of one file of CPython's tests, in each image that it was run in.
type cpythonResult struct {
	Test  string
	Quick bool `yaml:",omitempty"` // enough to be run every time
	// Images has by target, or "base", the words of regrtest: passed, failed, skipped.
	Images map[string]string
	Why    string `yaml:",omitempty"` // final does not pass, for the documents
}

func readCPython(t *testing.T) []cpythonResult {
	t.Helper()
	data, err := os.ReadFile(cpythonRecord)
	require.NoError(t, err)
	var results []cpythonResult
	decoder := yaml.NewDecoder(bytes.NewReader(data))
	decoder.KnownFields(true)
	require.NoError(t, decoder.Decode(&results))
	return results
}

func writeCPython(t *testing.T, results []cpythonResult) {
	t.Helper()
	var text bytes.Buffer
	text.WriteString("# What CPython's own tests give. `make test-cpython UPDATE=1` writes the outcomes, people the reasons.\n")
	encoder := yaml.NewEncoder(&text)
	encoder.SetIndent(2)
	require.NoError(t, encoder.Encode(results))
	require.NoError(t, os.WriteFile(cpythonRecord, text.Bytes(), 0o644))
}

// count returns how many tests have an outcome in an image.
func count(results []cpythonResult, image, outcome string) int {
	n := 0
	for _, r := range results {
		if r.Images[image] == outcome {
			n++
		}
	}
	return n
}

// The images keep what they promise: final passes all that the base passes, but for a few that
// have a reason, and debug passes all.
func TestCPythonRecord(t *testing.T) {
	results := readCPython(t)
	require.Len(t, results, 125)
	require.True(t, slices.IsSortedFunc(results, func(a, b cpythonResult) int { return cmp.Compare(a.Test, b.Test) }))
	require.GreaterOrEqual(t, count(results, "final", "passed"), 112)
	for _, r := range results {
		require.Equal(t, r.Images["final"] != "passed", r.Why != "", r.Test)
		require.NotEmpty(t, r.Images["debug"], r.Test)
		if r.Images["base"] == "passed" {
			require.Equal(t, "passed", r.Images["debug"], r.Test)
		}
	}
	requireInCompatibility(t, "cpython", cpythonTable(results))
}

// cpythonTable is the record as the documents have it.
func cpythonTable(results []cpythonResult) string {
	var b strings.Builder
	b.WriteString(".. list-table::\n   :header-rows: 1\n\n   * - Image\n     - passed\n     - failed\n     - skipped\n")
	for _, image := range []string{"base", "final", "debug"} {
		if count(results, image, "passed") > 0 {
			fmt.Fprintf(&b, "   * - %s\n     - %d\n     - %d\n     - %d\n", image,
				count(results, image, "passed"), count(results, image, "failed"), count(results, image, "skipped"))
		}
	}
	b.WriteString("\nThose that ``final`` does not pass:\n\n.. list-table::\n   :header-rows: 1\n   :widths: 22 10 10 58\n\n" +
		"   * - Test\n     - base\n     - final\n     - Why\n")
	for _, r := range results {
		if r.Why != "" {
			fmt.Fprintf(&b, "   * - %s\n     - %s\n     - %s\n     - %s\n", r.Test, r.Images["base"], r.Images["final"], escapeRST(r.Why))
		}
	}
	return b.String()
}

// outcomeLine is what regrtest says of one file, as in "[ 3/125/1] test_json passed (1.2 sec)".
var outcomeLine = regexp.MustCompile(`(?m)^\S.*\[ *\d+/\d+(?:/\d+)?\] (test_[\w.]+) (?:process )?(\w+)`)

// runCPython runs tests in an image and returns the outcome of each.
func runCPython(t *testing.T, image string, tests []string) map[string]string {
	t.Helper()
	fixtures, err := testenv.FixturesDir()
	require.NoError(t, err)
	archive := filepath.Join(fixtures, cpythonArchive)
	if _, err := os.Stat(archive); err != nil {
		t.Skipf("no tests of CPython: %v", err)
	}
	dir := t.TempDir()
	out, err := exec.Command("tar", "-xJf", archive, "-C", dir).CombinedOutput()
	require.NoError(t, err, string(out))

	container, err := cpythonImage(t, image).Start(t.Context(), testenv.RunOptions{
		Args:   append([]string{"-m", "test", "-j2", "--timeout", "600", "-w"}, tests...),
		Mounts: []testenv.Mount{{Source: filepath.Join(dir, "test"), Target: "/usr/local/lib/python3.13/test"}},
		// Some tests are about bytecode being written.
		Env: []string{"PYTHONDONTWRITEBYTECODE="},
	})
	require.NoError(t, err)
	log := follow(t, container)
	outcomes := map[string]string{}
	for _, match := range outcomeLine.FindAllStringSubmatch(log, -1) {
		outcomes[match[1]] = match[2] // what failed is run once more, by itself
	}
	return outcomes
}

// follow logs what a container says while it runs, and returns it.
func follow(t *testing.T, container *testenv.Container) string {
	t.Helper()
	said := 0
	for running := true; running; {
		select {
		case <-container.Done():
			running = false
		case <-time.After(10 * time.Second):
		}
		if out, _ := container.Output(); len(out) > said {
			t.Log(out[said:])
			said = len(out)
		}
	}
	out, stderr := container.Output()
	t.Log(stderr)
	_, err := container.Wait(t.Context())
	require.NoError(t, err)
	return out
}

func cpythonImage(t *testing.T, target string) *testenv.Image {
	t.Helper()
	if target == "base" {
		return baseImage(t)
	}
	return build{spec: cpythonSpec, BuildRequest: testenv.BuildRequest{Target: target}}.must(t).Image
}

func TestIntegrationCPython(t *testing.T) {
	testenv.RequireAlpine(t)
	results := readCPython(t)
	asked := strings.Fields(os.Getenv(cpythonTestsEnv))
	targets := strings.Fields(cmp.Or(os.Getenv(cpythonTargetsEnv), "final"))
	var tests []string
	for _, r := range results {
		if slices.Contains(asked, "all") || slices.Contains(asked, r.Test) || len(asked) == 0 && r.Quick {
			tests = append(tests, r.Test)
		}
	}
	require.NotEmpty(t, tests, "without names, all would be run")
	for _, target := range targets {
		t.Run(target, func(t *testing.T) {
			got := runCPython(t, target, tests)
			for i, r := range results {
				if !slices.Contains(tests, r.Test) {
					continue
				}
				if *updateDocs {
					results[i].Images[target] = got[r.Test]
					continue
				}
				if want := r.Images[target]; got[r.Test] != want {
					t.Errorf("%s %s, and the record in %s says %s", r.Test, cmp.Or(got[r.Test], "did not run"), cpythonRecord, want)
				}
			}
		})
	}
	if *updateDocs {
		writeCPython(t, results)
	}
}
