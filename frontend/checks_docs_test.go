package frontend_test

import (
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
	"github.com/autumnjolitz/distroless-frontend/lint"
)

// ruleTitle is the title of a section of docs/checks.rst that is about a rule: one word.
var ruleTitle = regexp.MustCompile(`(?m)^([A-Z]\w+)\n-+\n`)

// ruleSections returns the sections of docs/checks.rst that are about rules, and their titles,
// in order.
func ruleSections(t *testing.T) (titles []string, sections map[string]string) {
	t.Helper()
	root, err := testenv.RepoRoot()
	require.NoError(t, err)
	page, err := os.ReadFile(filepath.Join(root, "docs", "checks.rst"))
	require.NoError(t, err)
	sections = map[string]string{}
	places := ruleTitle.FindAllSubmatchIndex(page, -1)
	for i, place := range places {
		end := len(page)
		if i+1 < len(places) {
			end = places[i+1][0]
		}
		title := string(page[place[2]:place[3]])
		if title == "Options" {
			continue
		}
		titles = append(titles, title)
		sections[title] = string(page[place[1]:end])
	}
	return titles, sections
}

// Every rule has a section, with the rule's own words.
func TestChecksAreDocumented(t *testing.T) {
	titles, sections := ruleSections(t)
	var names []string
	for _, rule := range lint.Rules() {
		names = append(names, rule.Name)
		begins := rule.Description + "."
		if rule.Building {
			begins = "*build.* " + begins
		}
		require.True(t, strings.HasPrefix(strings.TrimSpace(sections[rule.Name]), begins+"\n"), "%s begins with: %s", rule.Name, begins)
	}
	require.Equal(t, names, titles)
	require.True(t, slices.IsSorted(names))
}

// The bad example of a rule breaks it and no other, and none if the rule is switched off; the
// good one breaks none.
func TestIntegrationCheckExamples(t *testing.T) {
	buildArg := regexp.MustCompile(`--build-arg (\w+)=(\w\S*?)\x60`)
	titles, sections := ruleSections(t)
	for _, title := range titles {
		t.Run(title, func(t *testing.T) {
			bad, good, ok := strings.Cut(sections[title], "\nGood:\n")
			require.True(t, ok)
			given, bad, ok := strings.Cut(bad, "\nBad:\n")
			require.True(t, ok)
			b := build{files: map[string]string{}}
			for _, file := range blocksOf(given) {
				b.files[file.file] = file.text
			}
			if match := buildArg.FindStringSubmatch(given); match != nil {
				b.BuildArgs = map[string]string{match[1]: match[2]}
			}
			require.Equal(t, []string{title}, b.rulesBrokenBy(t, "", bad))
			require.Empty(t, b.rulesBrokenBy(t, "# check=skip="+title+"\n", bad))
			require.Empty(t, b.rulesBrokenBy(t, "", good))
		})
	}
}

// rulesBrokenBy checks the one example of a text, below a comment, and returns the names of the
// rules it breaks.
func (b build) rulesBrokenBy(t *testing.T, comment, text string) []string {
	t.Helper()
	blocks := blocksOf(text)
	require.Len(t, blocks, 1)
	b.spec = blocks[0].text
	if !regexp.MustCompile(`(?m)^(python|base):`).MatchString(b.spec) {
		b.spec = minimal + b.spec // some keys of a spec
	}
	b.spec = comment + b.spec
	results := b.check(t)
	require.Nil(t, results.Error)
	var broken []string
	for _, warning := range results.Warnings {
		broken = append(broken, warning.RuleName)
	}
	slices.Sort(broken)
	return slices.Compact(broken)
}
