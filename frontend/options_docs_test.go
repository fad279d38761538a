package frontend_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
)

// An option of docs/options.rst has these columns.
type optionRow struct{ options, does, tests string }

var tableCell = regexp.MustCompile(`^   (\*| ) - (.*)$`)

// optionRows reads the only list-table of a document, without its header.
func optionRows(t *testing.T, text string) []optionRow {
	t.Helper()
	_, table, found := strings.Cut(text, ".. list-table::\n")
	require.True(t, found)
	var rows [][]string
	for line := range strings.Lines(table) {
		line = strings.TrimSuffix(line, "\n")
		if line != "" && !strings.HasPrefix(line, "   ") {
			break // what is not indented is below the table
		}
		match := tableCell.FindStringSubmatch(line)
		switch {
		case match == nil && len(rows) > 0 && line != "":
			cells := rows[len(rows)-1]
			cells[len(cells)-1] += " " + strings.TrimSpace(line)
		case match == nil:
		case match[1] == "*":
			rows = append(rows, []string{match[2]})
		default:
			rows[len(rows)-1] = append(rows[len(rows)-1], match[2])
		}
	}
	var options []optionRow
	for _, cells := range rows[1:] {
		require.Len(t, cells, 3, cells[0])
		options = append(options, optionRow{cells[0], cells[1], cells[2]})
	}
	return options
}

func optionsTable(t *testing.T) []optionRow {
	t.Helper()
	root, err := testenv.RepoRoot()
	require.NoError(t, err)
	text, err := os.ReadFile(filepath.Join(root, "docs", "options.rst"))
	require.NoError(t, err)
	return optionRows(t, string(text))
}

// testsHere returns the names of the tests of this package.
func testsHere(t *testing.T) map[string]bool {
	t.Helper()
	files, err := filepath.Glob("*_test.go")
	require.NoError(t, err)
	names := map[string]bool{}
	for _, file := range files {
		parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.SkipObjectResolution)
		require.NoError(t, err)
		for _, decl := range parsed.Decls {
			if f, ok := decl.(*ast.FuncDecl); ok && f.Recv == nil {
				names[f.Name.Name] = true
			}
		}
	}
	return names
}

func TestOptionsTableNamesTests(t *testing.T) {
	tests := testsHere(t)
	name := regexp.MustCompile(`^Test\w+$`)
	for _, row := range optionsTable(t) {
		require.NotEmpty(t, row.does, row.options)
		for cell := range strings.SplitSeq(row.tests, ", ") {
			require.Regexp(t, name, cell, row.options)
			require.True(t, tests[cell], "%s: there is no test %s", row.options, cell)
		}
	}
}

// The pinned client has no option that the table leaves out.
func TestOptionsOfTheClientAreInTheTable(t *testing.T) {
	buildx, err := testenv.Binary("buildx")
	if err != nil {
		t.Skip(err)
	}
	help, err := exec.Command(buildx, "build", "--help").Output()
	require.NoError(t, err)
	documented := map[string]bool{}
	for _, row := range optionsTable(t) {
		for _, option := range regexp.MustCompile("``(-[^` ]*)").FindAllStringSubmatch(row.options, -1) {
			documented[option[1]] = true
		}
	}
	flags := regexp.MustCompile(`(?m)^ +(?:(-\w), |    )(--[\w-]+)`).FindAllStringSubmatch(string(help), -1)
	require.Greater(t, len(flags), 30)
	for _, flag := range flags {
		for _, option := range flag[1:] {
			require.True(t, option == "" || documented[option], "docs/options.rst has no %s", option)
		}
	}
}
