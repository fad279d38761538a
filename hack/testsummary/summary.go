package main

import (
	"bufio"
	"cmp"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
)

// event is a line of `go test -json`: see `go doc test2json`.
type event struct {
	Action     string
	Package    string
	ImportPath string // in place of Package when a build talks
	Test       string
	Elapsed    float64
	Output     string
	Shard      int // which process it is from, of those of hack/testshards
}

// testID names a test; that with an empty test is the package's own.
type testID struct {
	pkg, test string
	shard     int
}

func (id testID) String() string { return strings.TrimSpace(id.pkg + " " + id.test) }

// logged finds what a test says with Log.
var logged = regexp.MustCompile(`(?m)^ +\w+_test\.go:\d+: .*\n`)

type skip struct {
	id     testID
	reason string
}

// summary gathers events and prints as they come what should not wait.
type summary struct {
	out     io.Writer
	verbose bool

	output   map[testID]*strings.Builder // of tests that have not ended
	skips    []skip
	failures []testID
	passed   int
	packages int
}

func newSummary(out io.Writer, verbose bool) *summary {
	return &summary{out: out, verbose: verbose, output: map[testID]*strings.Builder{}}
}

// read takes in a stream of events. What is no event is printed.
func (s *summary) read(r io.Reader) error {
	lines := bufio.NewReader(r)
	for {
		line, err := lines.ReadString('\n')
		var e event
		if json.Unmarshal([]byte(line), &e) == nil && e.Action != "" {
			s.add(e)
		} else {
			fmt.Fprint(s.out, line)
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (s *summary) add(e event) {
	id := testID{e.Package, e.Test, e.Shard}
	switch e.Action {
	case "build-output":
		fmt.Fprint(s.out, e.Output)
	case "output":
		if s.output[id] == nil {
			s.output[id] = &strings.Builder{}
		}
		s.output[id].WriteString(e.Output)
	case "pass", "fail", "skip":
		s.end(id, e)
	}
}

// end counts a test or a package that has ended.
func (s *summary) end(id testID, e event) {
	output := ""
	if b := s.output[id]; b != nil {
		output = b.String()
		delete(s.output, id)
	}
	if id.test == "" {
		s.endPackage(id, e, output)
		return
	}
	switch e.Action {
	case "pass":
		s.passed++
		if s.verbose {
			fmt.Fprintf(s.out, "PASS %s (%.2fs)\n", id, e.Elapsed)
			// What a passing test logs are its figures: sizes, memory.
			fmt.Fprint(s.out, strings.Join(logged.FindAllString(output, -1), ""))
		}
	case "skip":
		s.skips = append(s.skips, skip{id, skipReason(output)})
	case "fail":
		s.failures = append(s.failures, id)
		fmt.Fprintf(s.out, "FAIL %s (%.2fs)\n%s", id, e.Elapsed, output)
	}
}

func (s *summary) endPackage(id testID, e event, output string) {
	s.packages++
	if e.Action != "fail" {
		if e.Action == "pass" {
			fmt.Fprintf(s.out, "ok   %s (%.1fs)\n", id.pkg, e.Elapsed)
		}
		return
	}
	fmt.Fprintf(s.out, "FAIL %s (%.1fs)\n", id.pkg, e.Elapsed)
	if slices.ContainsFunc(s.failures, func(f testID) bool { return f.pkg == id.pkg && f.shard == id.shard }) {
		return
	}
	// It did not build, panicked or ran out of time: a failure of its own. Tests
	// that were cut off in the middle have more to tell.
	for _, cut := range s.unfinished(id) {
		fmt.Fprint(s.out, s.output[cut])
		delete(s.output, cut)
	}
	fmt.Fprint(s.out, output)
	s.failures = append(s.failures, id)
}

// unfinished returns the tests of a package, in one process, that have not ended.
func (s *summary) unfinished(of testID) []testID {
	ids := slices.Collect(maps.Keys(s.output))
	ids = slices.DeleteFunc(ids, func(id testID) bool { return id.pkg != of.pkg || id.shard != of.shard })
	slices.SortFunc(ids, func(a, b testID) int { return cmp.Compare(a.test, b.test) })
	return ids
}

// skipLine is what testing prints for a message: where, and the message.
var skipLine = regexp.MustCompile(`(?m)^\s+\S+\.go:\d+: (.*)$`)

func skipReason(output string) string {
	messages := skipLine.FindAllStringSubmatch(output, -1)
	if len(messages) == 0 {
		return "no reason given"
	}
	return messages[len(messages)-1][1]
}

// close prints the summary and tells whether all passed.
func (s *summary) close() bool {
	if len(s.skips) > 0 {
		fmt.Fprintln(s.out, "\nskipped:")
	}
	for _, k := range s.skips {
		fmt.Fprintf(s.out, "  %s: %s\n", k.id, k.reason)
	}
	if len(s.failures) > 0 {
		fmt.Fprintln(s.out, "\nfailed:")
	}
	for _, id := range s.failures {
		fmt.Fprintf(s.out, "  %s\n", id)
	}
	if s.packages == 0 {
		fmt.Fprintln(s.out, "no results of any package: go test itself failed")
	}
	fmt.Fprintf(s.out, "%d passed, %d failed, %d skipped\n", s.passed, len(s.failures), len(s.skips))
	return len(s.failures) == 0 && s.packages > 0
}
