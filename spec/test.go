package spec

import (
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// A Test is something that has to hold of the final image: what a command does, which files
// there are, or what a server in it answers. See [Test.Kind].
type Test struct {
	Name string `yaml:"name" doc:"What to call the test in the progress and in errors." example:"answers"`

	// Run is the command that is tested or, of a server, what starts it instead of entrypoint and cmd.
	Run      *Command `yaml:"run" doc:"Command to run; beside http or tcp what starts the server, instead of entrypoint and cmd." example:"[python, -m, flask, --version]" json:",omitempty"`
	ExitCode int      `yaml:"exit-code" doc:"Exit status that the command has to have." example:"1" json:",omitempty"`
	Stdout   *Output  `yaml:"stdout" doc:"What the command has to print." example:"{contains: [hello]}" json:",omitempty"`
	Stderr   *Output  `yaml:"stderr" doc:"What the command has to print to standard error." example:"{contains: [warning]}" json:",omitempty"`

	// Exists and Absent are absolute and clean paths, or patterns of such.
	Exists []string `yaml:"exists" doc:"Absolute paths, or patterns, that the image must have." example:"[/app/hello.py]" json:",omitempty"`
	Absent []string `yaml:"absent" doc:"Absolute paths, or patterns, that the image must not have." example:"[/bin/busybox, /usr/local/lib/python*/site-packages/pip]" json:",omitempty"`

	// HTTP is /path or :port/path; see [Spec.TestPort].
	HTTP   string  `yaml:"http" doc:"Path, or :PORT and path, that the image's server has to answer." example:"/health" expand:"false" json:",omitempty"`
	Status string  `yaml:"status" doc:"Status that the answer has to have, or the first and the last of a range." example:"200-299" json:",omitempty"`
	Body   *Output `yaml:"body" doc:"What the answer has to say." example:"{contains: [ok]}" json:",omitempty"`
	TCP    string  `yaml:"tcp" doc:"Port that the image's server has to take a connection on." example:"5432" json:",omitempty"`

	Timeout time.Duration `yaml:"timeout" doc:"Time after which the test has failed." example:"30s" json:",omitempty"`
	Network bool          `yaml:"network" doc:"Whether the test has a network; loopback it always has." example:"true" json:",omitempty"`
	Env     []KeyValue    `yaml:"env" doc:"Environment variables besides those of the image." example:"{DEBUG: \"1\"}" json:",omitempty"`
	User    string        `yaml:"user" doc:"User, and optionally group, instead of the image's." example:"root" json:",omitempty"`
	Workdir string        `yaml:"workdir" doc:"Absolute path of the directory to run in instead of the image's." example:"/srv" json:",omitempty"`
}

// Output is what a text has to have.
type Output struct {
	Contains []string `yaml:"contains" doc:"Texts that are in it." example:"[hello]" json:",omitempty"`
	// Matches are in the syntax of Python's re, with ^ and $ for the ends of lines.
	Matches []string `yaml:"matches" doc:"Regular expressions of Python that match somewhere in it; ^ and $ are the ends of a line." example:"['^Python 3[.]']" expand:"false" json:",omitempty"`
}

// TestKind is what a test is about.
type TestKind string

// The kinds of tests.
const (
	TestCommand TestKind = "run"
	TestFiles   TestKind = "files"
	TestHTTP    TestKind = "http"
	TestTCP     TestKind = "tcp"
)

// Kind tells what the test is about, or "" if it is about nothing.
func (t *Test) Kind() TestKind {
	switch {
	case t.HTTP != "":
		return TestHTTP
	case t.TCP != "":
		return TestTCP
	case len(t.Exists)+len(t.Absent) > 0:
		return TestFiles
	case t.Run != nil:
		return TestCommand
	}
	return ""
}

// testKeys are the keys that a test can have besides its name.
var testKeys = []struct {
	key   string
	kinds []TestKind // of the tests that it means something for
}{
	{"http", []TestKind{TestHTTP}},
	{"tcp", []TestKind{TestTCP}},
	{"exists", []TestKind{TestFiles}},
	{"absent", []TestKind{TestFiles}},
	{"run", []TestKind{TestCommand, TestHTTP, TestTCP}},
	{"exit-code", []TestKind{TestCommand}},
	{"stdout", []TestKind{TestCommand}},
	{"stderr", []TestKind{TestCommand}},
	{"status", []TestKind{TestHTTP}},
	{"body", []TestKind{TestHTTP}},
	{"timeout", []TestKind{TestCommand, TestHTTP, TestTCP}},
	{"network", []TestKind{TestCommand, TestHTTP, TestTCP}},
	{"env", []TestKind{TestCommand, TestHTTP, TestTCP}},
	{"user", []TestKind{TestCommand, TestHTTP, TestTCP}},
	{"workdir", []TestKind{TestCommand, TestHTTP, TestTCP}},
}

func (s *Spec) validateTests() error {
	for i := range s.Tests {
		if err := s.validateTest(Index("tests", i), &s.Tests[i]); err != nil {
			return err
		}
	}
	return nil
}

func (s *Spec) validateTest(at string, t *Test) error {
	if s.has(at + ".name") {
		if err := s.checkLine(at+".name", t.Name); err != nil {
			return err
		}
	}
	for _, check := range []func(string, *Test) error{
		s.checkTestKeys, s.checkTestCommand, s.checkTestFiles, s.checkTestServer, s.checkTestOutputs, s.checkTestContainer,
	} {
		if err := check(at, t); err != nil {
			return err
		}
	}
	return nil
}

// checkTestKeys checks that the keys of a test make one test.
func (s *Spec) checkTestKeys(at string, t *Test) error {
	kind := t.Kind()
	if kind == "" {
		return s.errorf(at, "there is nothing to test; add run, exists, absent, http or tcp")
	}
	for _, k := range testKeys {
		if s.has(at+"."+k.key) && !slices.Contains(k.kinds, kind) {
			return s.errorf(at+"."+k.key, "%s does not go with %s; remove it, or write a test of its own", k.key, s.keyOfKind(at, kind))
		}
	}
	return nil
}

// keyOfKind returns the key that makes a test one of a kind.
func (s *Spec) keyOfKind(at string, kind TestKind) string {
	if kind != TestFiles {
		return string(kind)
	}
	if s.has(at + ".exists") {
		return "exists"
	}
	return "absent"
}

func (s *Spec) checkTestCommand(at string, t *Test) error {
	if t.Run != nil && len(t.Run.Args) == 0 {
		return s.errorf(at+".run", "the list is empty; write a program and its arguments")
	}
	if t.ExitCode < 0 || t.ExitCode > 255 {
		return s.errorf(at+".exit-code", "%d is not an exit status: expected 0 to 255", t.ExitCode)
	}
	return s.checkCommand(at+".run", t.Run)
}

func (s *Spec) checkTestFiles(at string, t *Test) error {
	for i := range t.Exists {
		if err := s.absolutePath(Index(at+".exists", i), &t.Exists[i]); err != nil {
			return err
		}
	}
	for i := range t.Absent {
		if err := s.absolutePath(Index(at+".absent", i), &t.Absent[i]); err != nil {
			return err
		}
	}
	return nil
}

var testHTTP = regexp.MustCompile(`^(:\d+)?/[!-~]*$`)

func (s *Spec) checkTestServer(at string, t *Test) error {
	if t.HTTP != "" && !testHTTP.MatchString(t.HTTP) {
		return s.errorf(at+".http", "%s is not a path: expected for example /health or :8080/health, in ASCII and without blanks", quote(t.HTTP))
	}
	if s.has(at + ".status") {
		if err := s.checkStatus(at+".status", t.Status); err != nil {
			return err
		}
	}
	kind := t.Kind()
	if kind != TestHTTP && kind != TestTCP {
		return nil
	}
	key := at + "." + string(kind)
	port := s.TestPort(t)
	if port == "" {
		return s.errorf(key, "the port is missing; write :8080%s, or list the port under expose", t.HTTP)
	}
	if number, err := strconv.Atoi(port); err != nil || number < 1 || number > 65535 {
		return s.errorf(key, "%s is not a port: expected a number from 1 to 65535", quote(port))
	}
	if t.Run == nil && s.startsNothing() {
		return s.errorf(key, "there is no server to ask: entrypoint is empty and there is no cmd; add run to the test, or cmd to the spec")
	}
	return nil
}

func (s *Spec) checkTestOutputs(at string, t *Test) error {
	for _, output := range []struct {
		key string
		*Output
	}{{"stdout", t.Stdout}, {"stderr", t.Stderr}, {"body", t.Body}} {
		if output.Output == nil {
			continue
		}
		key := at + "." + output.key
		if len(output.Contains)+len(output.Matches) == 0 {
			return s.errorf(key, "there is nothing to look for; add contains or matches")
		}
		if i := slices.Index(output.Contains, ""); i >= 0 {
			return s.errorf(Index(key+".contains", i), `every text contains ""; write what to look for, or remove it`)
		}
		if i := slices.Index(output.Matches, ""); i >= 0 {
			return s.errorf(Index(key+".matches", i), `every text matches ""; write what to look for, such as '\A\Z' for a text that is empty, or remove it`)
		}
	}
	return nil
}

// checkTestContainer checks what says in which surroundings a test runs.
func (s *Spec) checkTestContainer(at string, t *Test) error {
	for _, kv := range t.Env {
		if strings.Contains(kv.Key, "=") {
			return s.errorf(join(at+".env", kv.Key), "the name of a variable cannot contain =; write name: value")
		}
	}
	if s.has(at + ".user") {
		if err := s.checkOwner(at+".user", t.User, "a user"); err != nil {
			return err
		}
	}
	if s.has(at + ".workdir") {
		return s.absolutePath(at+".workdir", &t.Workdir)
	}
	return nil
}

// TestPort returns the port that a test asks a server on: the one it names, or the first of
// expose that speaks TCP. It is empty if there is none.
func (s *Spec) TestPort(t *Test) string {
	if t.TCP != "" {
		return t.TCP
	}
	if port, _, _ := strings.Cut(t.HTTP, "/"); port != "" {
		return strings.TrimPrefix(port, ":")
	}
	return s.firstPort()
}
