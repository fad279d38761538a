package lint

import (
	"bufio"
	"fmt"
	"regexp"
	"strings"

	"github.com/autumnjolitz/distroless-frontend/spec"
)

func duplicatePackage(in Input) []finding {
	var found []finding
	check := func(list string, items []string, nameOf func(string) string) {
		seen := map[string]bool{}
		for i, text := range items {
			name := nameOf(text)
			if name == "" {
				continue
			}
			if seen[name] {
				found = append(found, finding{spec.Index(list, i), fmt.Sprintf("%s is in %s already", name, list)})
			}
			seen[name] = true
		}
	}
	check("packages", in.Spec.Packages, apkName)
	check("apk.build", in.Spec.APK.Build, apkName)
	check("pip.packages", in.Spec.Pip.Packages, projectName)
	check("pip.requirements", in.Spec.Pip.Requirements, func(path string) string { return path })
	return found
}

// apkName is the name of an item of packages, without its version and repository.
func apkName(text string) string {
	if i := strings.IndexAny(text, "@<>=~"); i > 0 {
		return text[:i]
	}
	return text
}

// A project's name at the start of a requirement, and its extras.
// https://packaging.python.org/en/latest/specifications/dependency-specifiers/
var projectPart = regexp.MustCompile(`^([A-Za-z0-9][A-Za-z0-9._-]*)\s*(\[[^\]]*\])?\s*`)

// projectName is the name of a requirement in the form in which names are compared. It is ""
// for a requirement with a marker, which may be one of several for the same project.
// https://packaging.python.org/en/latest/specifications/name-normalization/
func projectName(requirement string) string {
	match := projectPart.FindStringSubmatch(requirement)
	if match == nil || strings.Contains(requirement, ";") {
		return ""
	}
	return strings.ToLower(nameRuns.ReplaceAllString(match[1], "-"))
}

var nameRuns = regexp.MustCompile(`[-_.]+`)

func unpinnedRequirement(in Input) []finding {
	if len(in.Spec.Pip.Constraints) > 0 {
		return nil
	}
	var found []finding
	for i, requirement := range in.Spec.Pip.Packages {
		if !isPinned(requirement) {
			found = append(found, finding{spec.Index("pip.packages", i), fmt.Sprintf("%s has no exact version, such as %s==1.2.3", requirement, projectPart.FindString(requirement))})
		}
	}
	for i, path := range in.Spec.Pip.Requirements {
		if unpinned := unpinnedLines(in.Requirements[path]); len(unpinned) > 0 {
			found = append(found, finding{spec.Index("pip.requirements", i), fmt.Sprintf("%s has requirements without an exact version: %s", path, strings.Join(unpinned, ", "))})
		}
	}
	return found
}

// isPinned tells whether a requirement is for one version. What is at a URL or a path is
// taken to be.
func isPinned(requirement string) bool {
	requirement, _, _ = strings.Cut(requirement, ";")
	name := projectPart.FindString(requirement)
	rest := strings.TrimSpace(requirement[len(name):])
	if name == "" || strings.HasPrefix(rest, "@") || strings.ContainsAny(requirement, "/") {
		return true
	}
	version, ok := strings.CutPrefix(rest, "==")
	return ok && !strings.Contains(version, "*")
}

// unpinnedLines returns the requirements of a file that are not pinned, with their lines.
// https://pip.pypa.io/en/stable/reference/requirements-file-format/
func unpinnedLines(text string) []string {
	var unpinned []string
	lines := bufio.NewScanner(strings.NewReader(text))
	continued := false
	for number := 1; lines.Scan(); number++ {
		line, _, _ := strings.Cut(" "+lines.Text(), " #")
		line = strings.TrimSpace(line)
		part := continued
		line, continued = strings.CutSuffix(line, `\`)
		switch {
		case part, line == "", strings.HasPrefix(line, "#"):
		case strings.HasPrefix(line, "-c"), strings.HasPrefix(line, "--constraint"):
			return nil // the versions are there
		case strings.HasPrefix(line, "-"):
		case !isPinned(line):
			unpinned = append(unpinned, fmt.Sprintf("%s (line %d)", strings.TrimSpace(projectPart.FindString(line)), number))
		}
	}
	return unpinned
}
