package frontend_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/distribution/reference"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerfile/shell"
	"github.com/stretchr/testify/require"

	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
	"github.com/autumnjolitz/distroless-frontend/spec"
)

// The documents are run as a reader would: each in a folder of its own, from top to bottom;
// the README of an example in a copy of the example.
//
//	.. file: NAME              before a code block: the reader has this file from here on
//	.. fails                   before a console block: its last command must fail
//	.. code-block:: console    lines that begin with "$ " are run; the lines below such a one
//	                           must be in its output, in order, "..." being any lines
//
// Where a document says 8080, the test uses a port that is free, and where it says
// mirror.example, the test's own mirror. Since the test has no PyPI, every stage of a
// Dockerfile declares the arguments that lead pip to that mirror.

// notRun are the commands that a test cannot run, by how they begin, and why.
var notRun = []struct{ begins, why string }{
	{"git clone ", "the clone is the tree that is tested"},
	{"cd distroless-frontend", "the clone is the tree that is tested"},
	{"docker build -f Dockerfile.frontend ", "it needs an image of Go; hack/frontend-image makes the same image for the test"},
	{"docker buildx build --platform ", "it needs a daemon that can run programs of another platform"},
	{"docker push ", "it needs a registry of the reader's"},
	{"apt-get ", "it changes the machine"},
}

// stage is the first line of a stage of a Dockerfile.
var stage = regexp.MustCompile(`(?m)^FROM .*$`)

// mirror is what a document calls the mirror of the reader's company.
const (
	mirrorRepository = "https://mirror.example/alpine/v3.20/main"
	mirrorWheels     = "https://mirror.example/wheels/"
)

// A block is a code block of a document.
type block struct {
	language string
	line     int // of its first line
	text     string
	file     string // from the comment before it
	fails    bool
}

// A command is one of a console block, with what it must print.
type command struct {
	line   int
	text   string
	output []string
	fails  bool
}

func documents(t *testing.T) []string {
	t.Helper()
	root, err := testenv.RepoRoot()
	require.NoError(t, err)
	docs, err := filepath.Glob(filepath.Join(root, "docs", "*.rst"))
	require.NoError(t, err)
	require.NotEmpty(t, docs)
	examples, err := filepath.Glob(filepath.Join(root, "examples", "*", "README.rst"))
	require.NoError(t, err)
	docs = append(docs, examples...)
	return append([]string{filepath.Join(root, "README.rst"), filepath.Join(root, "CONTRIBUTING.rst")}, docs...)
}

// isExample tells whether a document is that of the folder it is in.
func isExample(path string) bool {
	return filepath.Base(filepath.Dir(filepath.Dir(path))) == "examples"
}

func eachDocument(t *testing.T, check func(t *testing.T, path string, blocks []block)) {
	t.Helper()
	for _, path := range documents(t) {
		name := filepath.Base(path)
		if isExample(path) {
			name = filepath.Base(filepath.Dir(path))
		}
		t.Run(name, func(t *testing.T) {
			text, err := os.ReadFile(path)
			require.NoError(t, err)
			check(t, path, blocksOf(string(text)))
		})
	}
}

var (
	codeBlock   = regexp.MustCompile(`^\.\. code-block:: ([a-z]+)$`)
	fileComment = regexp.MustCompile(`^\.\. file: (\S+)$`)
)

// blocksOf finds the code blocks, which are never indented in our documents.
func blocksOf(text string) []block {
	var blocks []block
	var next block
	all := strings.Split(text, "\n")
	for i := 0; i < len(all); i++ {
		line := all[i]
		if m := fileComment.FindStringSubmatch(line); m != nil {
			next.file = m[1]
		} else if line == ".. fails" {
			next.fails = true
		} else if m := codeBlock.FindStringSubmatch(line); m != nil {
			var body []string
			for i+1 < len(all) && (all[i+1] == "" || strings.HasPrefix(all[i+1], " ")) {
				i++
				body = append(body, strings.TrimPrefix(all[i], "    "))
			}
			next.language, next.line = m[1], i+1-len(body)
			next.text = strings.Trim(strings.Join(body, "\n"), "\n") + "\n"
			blocks = append(blocks, next)
			next = block{}
		} else if line != "" {
			next = block{}
		}
	}
	return blocks
}

// commands returns those of a console block.
func (b block) commands() []command {
	var found []command
	continued := false
	for i, line := range strings.Split(strings.TrimSuffix(b.text, "\n"), "\n") {
		text, begins := strings.CutPrefix(line, "$ ")
		last := len(found) - 1
		switch {
		case begins:
			found = append(found, command{line: b.line + i, text: text})
		case last < 0:
		case continued:
			found[last].text += " " + strings.TrimSpace(line)
		default:
			found[last].output = append(found[last].output, line)
		}
		last = len(found) - 1
		if last >= 0 && (begins || continued) {
			found[last].text, continued = strings.CutSuffix(found[last].text, `\`)
		}
	}
	if len(found) > 0 {
		found[len(found)-1].fails = b.fails
	}
	return found
}

func commandsOf(blocks []block) []command {
	var found []command
	for _, b := range blocks {
		if b.language == "console" {
			found = append(found, b.commands()...)
		}
	}
	return found
}

// whyNotRun tells why a command is not run, or "".
func (c command) whyNotRun() string {
	for _, entry := range notRun {
		if strings.HasPrefix(c.text, entry.begins) {
			return entry.why
		}
	}
	return ""
}

// words splits a command as a shell does. What else a shell can do is not for our documents.
func (c command) words(dir string) ([]string, error) {
	words, err := shell.NewLex('\\').ProcessWords(c.text, shell.EnvsFromSlice([]string{"PWD=" + dir}))
	if err != nil {
		return nil, err
	}
	for _, word := range words {
		if slices.Contains([]string{"|", "||", "&", "&&", ";", ">", ">>", "<"}, word) {
			return nil, fmt.Errorf("a test cannot run %q in a command", word)
		}
	}
	return words, nil
}

// Specs and Dockerfiles in the documents are valid ones.
func TestDocsParse(t *testing.T) {
	eachDocument(t, func(t *testing.T, path string, blocks []block) {
		for _, b := range blocks {
			at := fmt.Sprintf("%s:%d", filepath.Base(path), b.line)
			switch b.language {
			case "yaml":
				text := b.text
				if !regexp.MustCompile(`(?m)^(python|base):`).MatchString(text) {
					text = minimal + text // some keys of a spec
				}
				_, err := spec.Parse(at, []byte(text))
				require.NoError(t, err, at)
			case "dockerfile":
				ast, err := parser.Parse(strings.NewReader(b.text))
				require.NoError(t, err, at)
				_, _, err = instructions.Parse(ast.AST, nil)
				require.NoError(t, err, at)
			case "console":
				require.NotEmpty(t, b.commands(), at)
			case "python", "text", "hcl", "go":
			default:
				t.Errorf("%s: nothing checks a block of %s", at, b.language)
			}
		}
	})
}

// Every command is one that a test runs, or one that is known not to be run.
func TestDocsCommandsAreKnown(t *testing.T) {
	eachDocument(t, func(t *testing.T, path string, blocks []block) {
		for _, c := range commandsOf(blocks) {
			if c.whyNotRun() != "" {
				continue
			}
			at := fmt.Sprintf("%s:%d: %s", filepath.Base(path), c.line, c.text)
			words, err := c.words("/")
			require.NoError(t, err, at)
			_, rest, err := (&reader{}).find(words)
			require.NoError(t, err, at)
			switch words[0] {
			case "make":
				requireMakes(t, rest, at)
			case "go":
				requirePackages(t, rest, at)
			}
		}
	})
}

func requireMakes(t *testing.T, args []string, at string) {
	t.Helper()
	root, err := testenv.RepoRoot()
	require.NoError(t, err)
	out, err := exec.Command("make", append([]string{"-n", "-C", root}, args...)...).CombinedOutput()
	require.NoError(t, err, "%s\n%s", at, out)
}

// requirePackages checks that the folders a go command names are there.
func requirePackages(t *testing.T, args []string, at string) {
	t.Helper()
	root, err := testenv.RepoRoot()
	require.NoError(t, err)
	for _, arg := range args {
		if dir, ok := strings.CutPrefix(arg, "./"); ok {
			require.DirExists(t, filepath.Join(root, strings.TrimSuffix(dir, "...")), at)
		}
	}
}

// Relative links lead to files of the tree.
func TestDocsLinks(t *testing.T) {
	link := regexp.MustCompile("`[^`<]*<([^>:#]+)(#[^>]*)?>`__?")
	for _, path := range documents(t) {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		for _, m := range link.FindAllStringSubmatch(string(text), -1) {
			_, err := os.Stat(filepath.Join(filepath.Dir(path), m[1]))
			require.NoError(t, err, "%s: %s", path, m[0])
		}
	}
}

// checkRST has docutils read the documents named by its arguments.
const checkRST = `
import sys
from docutils.core import publish_doctree
bad = False
for path in sys.argv[1:]:
    with open(path, encoding="utf-8") as f:
        text = f.read()
    settings = {"report_level": 2, "halt_level": 5, "syntax_highlight": "none", "input_encoding": "unicode"}
    doctree = publish_doctree(text, path, settings_overrides=settings)
    bad = bad or bool(doctree.parse_messages)
sys.exit(bad)
`

func TestDocsSyntax(t *testing.T) {
	if err := exec.Command("python3", "-c", "import docutils").Run(); err != nil {
		t.Skip("python3 has no docutils (Debian: apt-get install python3-docutils)")
	}
	out, err := exec.Command("python3", append([]string{"-c", checkRST}, documents(t)...)...).CombinedOutput()
	require.NoError(t, err, string(out))
	require.Empty(t, string(out))
}

func TestIntegrationDocs(t *testing.T) {
	env := shared.Env(t)
	pushFrontend(t, env)
	eachDocument(t, func(t *testing.T, path string, blocks []block) {
		if len(commandsOf(blocks)) == 0 {
			t.Skip("no commands")
		}
		newReader(t, env).read(path, blocks)
	})
}

// pushFrontend puts the packaged frontend where the first lines of specs say it is.
func pushFrontend(t *testing.T, env *testenv.Env) {
	t.Helper()
	dir := filepath.Join(t.TempDir(), "frontend")
	cmd := exec.Command("go", "run", "./hack/frontend-image", "-platform", "linux/"+runtime.GOARCH, "-o", dir)
	root, err := testenv.RepoRoot()
	require.NoError(t, err)
	cmd.Dir = root
	out, err := cmd.CombinedOutput()
	require.NoError(t, err, string(out))
	require.NoError(t, env.Registry.PushLayout(t.Context(), dir, "autumnjolitz/distroless-frontend:latest"))
}

// A reader does what a document says. Docker is played by buildx on the test's daemon, by the
// test's registry for the images of the engine, and by runc.
type reader struct {
	t          *testing.T
	env        *testenv.Env
	buildx     string
	config     string // of buildx
	dir        string
	port       string
	containers map[string]*testenv.Container
}

func newReader(t *testing.T, env *testenv.Env) *reader {
	buildx, err := testenv.Binary("buildx")
	require.NoError(t, err)
	r := &reader{
		t: t, env: env, buildx: buildx, config: t.TempDir(), dir: t.TempDir(), port: freePort(t),
		containers: map[string]*testenv.Container{},
	}
	t.Cleanup(func() {
		for _, c := range r.containers {
			_, _ = c.Stop() // the test failed before it did
		}
	})
	_, err = r.run(buildx, "create", "--name", "docs", "--driver", "remote", env.Daemon.Address)
	require.NoError(t, err)

	return r
}

func freePort(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}

func (r *reader) read(path string, blocks []block) {
	if isExample(path) {
		r.copyFolder(filepath.Dir(path))
	}
	for _, b := range blocks {
		if b.file != "" {
			text := r.here(b.text)
			if b.language == "dockerfile" {
				text = stage.ReplaceAllString(text, "$0\nARG PIP_FIND_LINKS PIP_NO_INDEX")
			}
			r.write(b.file, text)
		}
		if b.language != "console" {
			continue
		}
		for _, c := range b.commands() {
			at := fmt.Sprintf("%s:%d: %s", filepath.Base(path), c.line, c.text)
			if why := c.whyNotRun(); why != "" {
				r.t.Logf("%s: not run: %s", at, why)
				continue
			}
			words, err := command{text: r.here(c.text)}.words(r.dir)
			require.NoError(r.t, err, at)
			do, args, err := r.find(words)
			require.NoError(r.t, err, at)
			start := time.Now()
			out, err := do(args)
			r.t.Logf("%s: %v", at, time.Since(start).Round(time.Millisecond))
			if c.fails {
				require.Error(r.t, err, "%s\n%s", at, out)
			} else {
				require.NoError(r.t, err, "%s\n%s", at, out)
			}
			requireLines(r.t, at, r.here(strings.Join(c.output, "\n")), out)
		}
	}
}

// here puts the test's own port and mirror where the document has an example.
func (r *reader) here(text string) string {
	return strings.NewReplacer(
		"8080", r.port,
		mirrorRepository, r.env.Fixtures.APKRepository(),
		mirrorWheels, r.env.Fixtures.Wheels(),
	).Replace(text)
}

// copyFolder puts the files of a folder into the reader's.
func (r *reader) copyFolder(dir string) {
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err == nil {
			r.write(name, r.here(string(text)))
		}
		return err
	})
	require.NoError(r.t, err)
}

func (r *reader) write(name, text string) {
	path := filepath.Join(r.dir, name)
	require.NoError(r.t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(r.t, os.WriteFile(path, []byte(text), 0o644))
}

// requireLines checks that the wanted lines are in the output, in order.
func requireLines(t *testing.T, at, want, got string) {
	t.Helper()
	rest := strings.Split(got, "\n")
	for line := range strings.SplitSeq(want, "\n") {
		if line == "" || line == "..." {
			continue
		}
		i := slices.IndexFunc(rest, func(s string) bool { return strings.Contains(s, strings.TrimSpace(line)) })
		require.GreaterOrEqual(t, i, 0, "%s\nis to print: %s\nbut prints:\n%s", at, line, got)
		rest = rest[i+1:]
	}
}

// find returns what does a command, and its arguments.
func (r *reader) find(words []string) (do func([]string) (string, error), args []string, err error) {
	done := func([]string) (string, error) { return "", nil }
	for name, do := range map[string]func([]string) (string, error){
		"make":                done, // see TestDocsCommandsAreKnown
		"go":                  done,
		"mkdir":               func(args []string) (string, error) { return r.run("mkdir", args...) },
		"cd":                  r.cd,
		"cmp":                 func(args []string) (string, error) { return r.run("cmp", args...) },
		"curl":                r.curl,
		"docker build":        r.build,
		"docker buildx build": r.build,
		"docker buildx bake":  r.bake,
		"docker run":          r.start,
		"docker stop":         r.stop,
	} {
		name := strings.Fields(name)
		if len(words) >= len(name) && slices.Equal(words[:len(name)], name) {
			return do, words[len(name):], nil
		}
	}
	return nil, nil, errors.New("the test does not know the command: teach it, or say in notRun why it cannot be run")
}

// run executes a program in the reader's folder.
func (r *reader) run(program string, args ...string) (string, error) {
	cmd := exec.CommandContext(r.t.Context(), program, args...)
	cmd.Dir = r.dir
	cmd.Env = append(os.Environ(), "BUILDX_CONFIG="+r.config, "BUILDX_BAKE_ENTITLEMENTS_FS=0")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func (r *reader) cd(args []string) (string, error) {
	r.dir = filepath.Join(r.dir, args[0])
	_, err := os.Stat(r.dir)
	return "", err
}

// behindMirror are the arguments of someone who builds behind the test's mirror. A command
// that says itself where packages come from gets none.
func (r *reader) behindMirror(args []string) (buildArgs, contexts map[string]string) {
	if strings.Contains(strings.Join(args, " "), r.env.Fixtures.APKRepository()) {
		key, err := os.ReadFile(r.env.Fixtures.APKKey())
		require.NoError(r.t, err)
		r.write(filepath.Join("keys", filepath.Base(r.env.Fixtures.APKKey())), string(key))
		return nil, nil
	}
	req := build{}.on(r.t, r.env)
	return req.BuildArgs, req.NamedContexts
}

// pushed is the exporter that puts an image where the daemon, and start, find it by its name.
func (r *reader) pushed(name string) (string, error) {
	named, err := reference.ParseNormalizedNamed(name)
	if err != nil {
		return "", err
	}
	ref := r.env.Registry.Ref(reference.TagNameOnly(named).String())
	return "type=image,push=true,name=" + ref, nil
}

// build runs docker build.
func (r *reader) build(args []string) (string, error) {
	buildArgs, contexts := r.behindMirror(args)
	line := []string{"build", "--builder", "docs", "--progress", "plain"}
	for _, name := range slices.Sorted(maps.Keys(buildArgs)) {
		line = append(line, "--build-arg", name+"="+buildArgs[name])
	}
	for _, name := range slices.Sorted(maps.Keys(contexts)) {
		line = append(line, "--build-context", name+"="+contexts[name])
	}
	for i := 0; i < len(args); i++ {
		if args[i] != "-t" || i+1 == len(args) {
			line = append(line, args[i])
			continue
		}
		i++
		output, err := r.pushed(args[i])
		if err != nil {
			return "", err
		}
		line = append(line, "--output", output)
	}
	return r.run(r.buildx, line...)
}

// bake runs docker buildx bake.
func (r *reader) bake(args []string) (string, error) {
	buildArgs, contexts := r.behindMirror(args)
	line := append([]string{"bake", "--builder", "docs", "--progress", "plain"}, args...)
	for _, name := range slices.Sorted(maps.Keys(buildArgs)) {
		line = append(line, "--set", "*.args."+name+"="+buildArgs[name])
	}
	for _, name := range slices.Sorted(maps.Keys(contexts)) {
		line = append(line, "--set", "*.contexts."+name+"="+contexts[name])
	}
	tags, err := r.bakeTags(args)
	if err != nil {
		return "", err
	}
	for _, target := range slices.Sorted(maps.Keys(tags)) {
		output, err := r.pushed(tags[target])
		if err != nil {
			return "", err
		}
		line = append(line, "--set", target+".output="+output, "--set", target+".tags=")
	}
	return r.run(r.buildx, line...)
}

// bakeTags returns the first tag of every target that has one.
func (r *reader) bakeTags(args []string) (map[string]string, error) {
	cmd := exec.CommandContext(r.t.Context(), r.buildx, append([]string{"bake", "--print", "--progress", "quiet"}, args...)...)
	cmd.Dir = r.dir
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("bake --print: %w", err)
	}
	var plan struct {
		Target map[string]struct{ Tags []string }
	}
	if err := json.Unmarshal(out, &plan); err != nil {
		return nil, err
	}
	tags := map[string]string{}
	for name, target := range plan.Target {
		if len(target.Tags) > 0 {
			tags[name] = target.Tags[0]
		}
	}
	return tags, nil
}

// start runs docker run.
func (r *reader) start(args []string) (string, error) {
	opts, err := parseRun(args)
	if err != nil {
		return "", err
	}
	res, err := r.env.Build(r.t.Context(), testenv.BuildRequest{DockerfileInline: "FROM " + opts.image + "\n"})
	if err != nil {
		return "", err
	}
	if opts.detached {
		c, err := res.Image.Start(r.t.Context(), opts.RunOptions)
		if err == nil {
			r.containers[opts.name] = c
		}
		return "", err
	}
	ran, err := res.Image.Run(r.t.Context(), opts.RunOptions)
	if err == nil && ran.ExitCode != 0 {
		err = fmt.Errorf("exit status %d", ran.ExitCode)
	}
	return ran.Stdout + ran.Stderr, err
}

type runOptions struct {
	testenv.RunOptions
	image    string
	name     string
	detached bool
}

// parseRun reads the options of docker run that the documents use. Containers of the test are
// on the host's network, so every port is published.
func parseRun(args []string) (runOptions, error) {
	var opts runOptions
	for len(args) > 0 {
		option := args[0]
		args = args[1:]
		value := ""
		if slices.Contains([]string{"--name", "-p", "-e", "--user", "--entrypoint", "--tmpfs", "--cap-drop", "--security-opt"}, option) {
			if len(args) == 0 {
				return opts, fmt.Errorf("%s has no value", option)
			}
			value, args = args[0], args[1:]
		}
		switch option {
		case "--rm", "-it", "-p":
		case "-d":
			opts.detached = true
		case "--name":
			opts.name = value
		case "-e":
			opts.Env = append(opts.Env, value)
		case "--user":
			opts.User = value
		case "--entrypoint":
			opts.Entrypoint = []string{value}
		case "--read-only":
			opts.ReadOnly = true
		case "--tmpfs":
			opts.Mounts = append(opts.Mounts, testenv.Mount{Target: value})
		case "--cap-drop":
			opts.CapDrop = append(opts.CapDrop, value)
		case "--security-opt":
			opts.NoNewPrivileges = value == "no-new-privileges"
		default:
			if strings.HasPrefix(option, "-") {
				return opts, fmt.Errorf("the test does not know docker run %s", option)
			}
			opts.image = option
			if len(args) > 0 {
				opts.Args = args
			}
			return opts, nil
		}
	}
	return opts, errors.New("docker run without an image")
}

func (r *reader) stop(args []string) (string, error) {
	c, ok := r.containers[args[0]]
	if !ok {
		return "", fmt.Errorf("no container is named %s", args[0])
	}
	delete(r.containers, args[0])
	_, err := c.Stop()
	return "", err
}

// curl asks until there is an answer: a person takes longer to type than a server to start.
func (r *reader) curl(args []string) (string, error) {
	ctx, cancel := context.WithTimeout(r.t.Context(), 30*time.Second)
	defer cancel()
	for {
		body, err := get(ctx, args[len(args)-1])
		if err == nil || ctx.Err() != nil {
			return body, err
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func get(ctx context.Context, url string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return string(body), err
}
