package frontend_test

import (
	"cmp"
	"crypto/x509"
	"encoding/json"
	"encoding/pem"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
	"github.com/stretchr/testify/require"

	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
)

var updateDocs = flag.Bool("update", false, "write what the tests of compatibility found into docs/compatibility.rst")

// An area is something that works in an image: what a program of testdata/compatibility did to
// show it, and in what it is different from the base image, which the program shows as well.
type compatibleArea struct {
	Name, Does, But, Failure string
}

// row is the area as a row of the table in the documents.
func (a compatibleArea) row() string {
	result := "works"
	if a.But != "" {
		result += "; " + a.But
	}
	return fmt.Sprintf("   * - %s\n     - %s\n     - %s\n", a.Name, escapeRST(a.Does), escapeRST(result))
}

func escapeRST(text string) string { return strings.ReplaceAll(text, "*", `\*`) }

// compatiblePrograms are those of testdata/compatibility, by the section of the document that
// what they found is in.
var compatiblePrograms = map[string][]string{
	"stdlib":   {"stdlib.py", "tools.py"},
	"packages": {"packages.py", "web.py"},
}

// compatibilityMounts are what the programs find in a container: themselves, the certificate of an
// authority, and that of a server with its key.
func compatibilityMounts(t *testing.T) []testenv.Mount {
	t.Helper()
	programs, err := filepath.Abs("testdata/compatibility")
	require.NoError(t, err)
	ca, server := authority(t, time.Now().Add(-time.Hour))
	key, err := x509.MarshalPKCS8PrivateKey(server.PrivateKey)
	require.NoError(t, err)
	certificates := t.TempDir()
	require.NoError(t, os.Chmod(certificates, 0o755))
	for name, blocks := range map[string][]pem.Block{
		"authority.pem": {{Type: "CERTIFICATE", Bytes: ca.Raw}},
		"server.pem":    {{Type: "CERTIFICATE", Bytes: server.Certificate[0]}, {Type: "PRIVATE KEY", Bytes: key}},
	} {
		var text []byte
		for _, block := range blocks {
			text = append(text, pem.EncodeToMemory(&block)...)
		}
		require.NoError(t, os.WriteFile(filepath.Join(certificates, name), text, 0o644))
	}
	return []testenv.Mount{
		{Source: programs, Target: "/compatibility", ReadOnly: true},
		{Source: certificates, Target: "/certificates", ReadOnly: true},
	}
}

// areasOf runs all areas of a program of testdata/compatibility in an image.
func areasOf(t *testing.T, img *testenv.Image, program string) []compatibleArea {
	t.Helper()
	out := run(t, img, testenv.RunOptions{Args: []string{"/compatibility/" + program}, Mounts: compatibilityMounts(t)})
	var areas []compatibleArea
	require.NoError(t, json.Unmarshal([]byte(out), &areas), out)
	require.NotEmpty(t, areas)
	return areas
}

// compatiblePackages returns the packages that there are areas of.
func compatiblePackages(t *testing.T) []string {
	t.Helper()
	var names []string
	for _, program := range compatiblePrograms["packages"] {
		text, err := os.ReadFile(filepath.Join("testdata/compatibility", program))
		require.NoError(t, err)
		for _, match := range regexp.MustCompile(`(?m)^@area\("(.+)"\)$`).FindAllStringSubmatch(string(text), -1) {
			names = append(names, match[1])
		}
	}
	return names
}

// compatibleSpec is an image with them.
func compatibleSpec(t *testing.T) string {
	t.Helper()
	return minimal + "packages: [tzdata]\npip: {packages: [" + strings.Join(compatiblePackages(t), ", ") + "]}\n"
}

// Whatever there is a wheel of for the tests has a row, and nothing else has.
func TestIntegrationCompatibilityOfEveryWheel(t *testing.T) {
	testenv.RequireAlpine(t)
	dir, err := testenv.FixturesDir()
	require.NoError(t, err)
	wheels, err := filepath.Glob(filepath.Join(dir, "wheels", "*.whl"))
	require.NoError(t, err)
	normal := func(name string) string { return strings.ReplaceAll(strings.ToLower(name), "-", "_") }
	var areas, packages []string
	for _, name := range compatiblePackages(t) {
		areas = append(areas, normal(name))
	}
	for _, wheel := range wheels {
		name, _, _ := strings.Cut(filepath.Base(wheel), "-")
		packages = append(packages, normal(name))
	}
	slices.Sort(packages)
	require.ElementsMatch(t, slices.Compact(packages), areas)
}

// The table in the documents has what runs here, and nothing else.
func TestIntegrationCompatibility(t *testing.T) {
	testenv.RequireAlpine(t)
	img := finalOf(t, compatibleSpec(t))
	for section, programs := range compatiblePrograms {
		t.Run(section, func(t *testing.T) {
			rows := ".. list-table::\n   :header-rows: 1\n   :widths: 15 45 40\n\n   * - Area\n     - What runs\n     - Result\n"
			var areas []compatibleArea
			for _, program := range programs {
				areas = append(areas, areasOf(t, img, program)...)
			}
			slices.SortFunc(areas, func(a, b compatibleArea) int { return cmp.Compare(strings.ToLower(a.Name), strings.ToLower(b.Name)) })
			for _, area := range areas {
				assert.Empty(t, area.Failure, area.Name)
				rows += area.row()
			}
			if !t.Failed() {
				requireInCompatibility(t, section, rows)
			}
		})
	}
}

func TestIntegrationNoTimeZonesWithoutTzdata(t *testing.T) {
	testenv.RequireAlpine(t)
	require.Equal(t, "set()", python(t, finalOf(t, minimal), "import zoneinfo; print(zoneinfo.available_timezones())"))
}

// The same programs work where the root cannot be written, for a user who is nobody.
func TestIntegrationCompatibilityReadOnly(t *testing.T) {
	testenv.RequireAlpine(t)
	img := finalOf(t, compatibleSpec(t))
	mounts := append(compatibilityMounts(t), testenv.Mount{Target: "/tmp"}, testenv.Mount{Target: "/dev/shm"})
	for _, area := range []string{"ssl", "multiprocessing", "asyncio", "concurrent.futures", "subprocess", "sqlite3"} {
		run(t, img, testenv.RunOptions{
			Args: []string{"/compatibility/stdlib.py", area},
			User: "nonroot", ReadOnly: true, NoNewPrivileges: true, CapDrop: []string{"ALL"},
			Mounts: mounts,
		})
	}
}

// requireInCompatibility checks a part of docs/compatibility.rst, or with -update writes it.
func requireInCompatibility(t *testing.T, section, want string) {
	t.Helper()
	root, err := testenv.RepoRoot()
	require.NoError(t, err)
	file := filepath.Join(root, "docs", "compatibility.rst")
	data, err := os.ReadFile(file)
	require.NoError(t, err)
	before, rest, ok := strings.Cut(string(data), ".. compatibility: "+section+"\n\n")
	require.True(t, ok, "no place for "+section)
	got, after, ok := strings.Cut(rest, "\n.. compatibility end\n")
	require.True(t, ok)
	if *updateDocs {
		text := before + ".. compatibility: " + section + "\n\n" + want + "\n.. compatibility end\n" + after
		require.NoError(t, os.WriteFile(file, []byte(text), 0o644))
		return
	}
	require.Equal(t, want, got, "docs/compatibility.rst is old: run this test with -update")
}
