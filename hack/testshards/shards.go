package main

import (
	"bufio"
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"strings"
)

// A listedTest is a test and a package that has it.
type listedTest struct{ pkg, name string }

// list asks go which tests of the packages match the pattern.
func list(pattern string, packages []string) ([]listedTest, error) {
	cmd := exec.Command("go", append([]string{"test", "-list", pattern}, packages...)...)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("listing the tests: %w\n%s", err, out)
	}
	tests := listed(out)
	if len(tests) == 0 {
		return nil, fmt.Errorf("no test of %s matches %s", strings.Join(packages, " "), pattern)
	}
	return tests, nil
}

// listed reads what `go test -list` prints: the names of a package's tests, a line each, then
// "ok", the package and a time.
func listed(out []byte) []listedTest {
	var tests []listedTest
	var names []string
	lines := bufio.NewScanner(bytes.NewReader(out))
	for lines.Scan() {
		switch fields := strings.Fields(lines.Text()); {
		case len(fields) == 1:
			names = append(names, fields[0])
		case len(fields) > 1 && fields[0] == "ok":
			for _, name := range names {
				tests = append(tests, listedTest{fields[1], name})
			}
			names = nil
		}
	}
	return tests
}

// A shard is what one process runs.
type shard struct{ names, packages []string }

// pattern returns what matches the names of the shard and no others.
func (s shard) pattern() string { return "^(" + strings.Join(s.names, "|") + ")$" }

// deal deals the tests out to at most count shards, in turn: neighbours, which often take about
// the same time, to different ones. Tests of one name, in different packages, stay together.
func deal(tests []listedTest, count int) []shard {
	shards := make([]shard, count)
	of := map[string]*shard{}
	for _, test := range tests {
		s := of[test.name]
		if s == nil {
			s = &shards[len(of)%count]
			of[test.name] = s
			s.names = append(s.names, test.name)
		}
		if !slices.Contains(s.packages, test.pkg) {
			s.packages = append(s.packages, test.pkg)
		}
	}
	return slices.DeleteFunc(shards, func(s shard) bool { return len(s.names) == 0 })
}
