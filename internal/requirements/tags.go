package requirements

import (
	"fmt"
	"path"
	"strconv"
	"strings"
)

// A Target is what a wheel has to be for: CPython of a version, X.Y.Z, on Alpine and on a machine
// as `uname -m` says it.
type Target struct {
	Python  string
	Machine string
}

// muslVersions are those that wheels are made for and Alpine has, the best first. It has had
// musl 1.2 since 3.13.
var muslVersions = []string{"1_2", "1_1", "1_0"}

// tags returns the ranks of the tags of wheels that fit, 0 being the best:
// https://packaging.python.org/en/latest/specifications/platform-compatibility-tags/
func (t Target) tags() map[string]int {
	ranks := map[string]int{}
	add := func(python, abi string, platforms ...string) {
		for _, platform := range platforms {
			tag := python + "-" + abi + "-" + platform
			if _, ok := ranks[tag]; !ok {
				ranks[tag] = len(ranks)
			}
		}
	}
	var machine []string
	for _, version := range muslVersions {
		machine = append(machine, "musllinux_"+version+"_"+t.Machine)
	}
	machine = append(machine, "linux_"+t.Machine)

	minor := t.minor()
	python := func(kind string, minor int) string { return fmt.Sprintf("%s3%d", kind, minor) }
	own := python("cp", minor)
	for _, abi := range []string{own, "abi3", "none"} {
		add(own, abi, machine...)
	}
	for older := minor - 1; older >= 2; older-- {
		add(python("cp", older), "abi3", machine...)
	}
	var generic []string
	generic = append(generic, python("py", minor), "py3")
	for older := minor - 1; older >= 0; older-- {
		generic = append(generic, python("py", older))
	}
	for _, python := range generic {
		add(python, "none", machine...)
	}
	for _, python := range append([]string{own}, generic...) {
		add(python, "none", "any")
	}
	return ranks
}

func (t Target) minor() int {
	parts := strings.Split(t.Python, ".")
	if len(parts) < 2 {
		return 0
	}
	minor, _ := strconv.Atoi(parts[1])
	return minor
}

// tagsOf returns the tags in the name of a wheel, and that of its project.
func tagsOf(wheel string) (tags []string, name string, err error) {
	stem, ok := strings.CutSuffix(path.Base(wheel), ".whl")
	parts := strings.Split(stem, "-")
	if !ok || len(parts) != 5 && len(parts) != 6 {
		return nil, "", fmt.Errorf("%q is not the name of a wheel: expected name-version-python-abi-platform.whl", wheel)
	}
	last := len(parts) - 3
	for python := range strings.SplitSeq(parts[last], ".") {
		for abi := range strings.SplitSeq(parts[last+1], ".") {
			for platform := range strings.SplitSeq(parts[last+2], ".") {
				tags = append(tags, python+"-"+abi+"-"+platform)
			}
		}
	}
	return tags, parts[0], nil
}
