package frontend_test

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"slices"
	"strings"
	"testing"

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
	{"docker buildx build --platform ", "it pushes to a registry of the reader's; TestIntegrationPlatforms builds for two platforms"},
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
