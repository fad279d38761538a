package llb

import (
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/solver/pb"
	"github.com/moby/patternmatcher"
	"github.com/pkg/errors"
	"github.com/stretchr/testify/require"
)

// reports has Read return one report after the other, the last one again and again.
func reports(all ...string) func(*Options) {
	return func(o *Options) {
		o.Read = func(llb.State, string, llb.State) ([]byte, error) {
			report := all[0]
			all = all[min(1, len(all)-1):]
			return []byte(report), nil
		}
	}
}

// report is what libraries.py says of one need.
func report(library, file, layer, wheel string) string {
	return strings.Join([]string{library, file, layer, wheel, "", ""}, "\x00")
}

// scriptsOf returns the names of the scripts that the ops of the final image run, each once.
func scriptsOf(t *testing.T, g *Graph) []string {
	t.Helper()
	var names []string
	for _, op := range ops(t, marshal(t, g, (*Graph).Final)) {
		for _, arg := range op.GetExec().GetMeta().GetArgs() {
			if strings.HasPrefix(arg, opsDir+"/") {
				names = append(names, path.Base(arg))
			}
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// An image that lacks nothing is made by the steps of one that was never looked through, and
// knows of the looking.
func TestLookingForLibrariesChangesNoStep(t *testing.T) {
	for _, merge := range []bool{true, false} {
		plain := func(o *Options) { o.Merge = merge }
		looking := func(o *Options) { plain(o); reports("")(o) }
		steps := func(change func(*Options)) (scripts []string) {
			found, _ := execs(t, marshal(t, testGraph(t, everything, change), (*Graph).Final))
			for dgst, op := range found {
				// What is compiled is the same, and found in what is put together.
				if args := op.GetExec().Meta.Args; !slices.Contains(args, opsDir+"/libraries.py") && !slices.Contains(args, opsDir+"/app_bytecode.py") {
					scripts = append(scripts, dgst.String())
				}
			}
			slices.Sort(scripts)
			return scripts
		}
		require.Equal(t, steps(plain), steps(looking))
		require.NotContains(t, scriptsOf(t, testGraph(t, everything, plain)), "libraries.py")
		require.Contains(t, scriptsOf(t, testGraph(t, everything, looking)), "libraries.py")
	}
}

// What is missing is added on top of the root, so that all that other specs share stays as it is.
func TestLibrariesAreAddedToTheRoot(t *testing.T) {
	const text = minimal + "pip: {packages: [gear]}\n"
	missing := report("libpq.so.5", "/site-packages/gear.so", layerPip, "gear-1.0") + report("libpq.so.5", "/site-packages/h.so", layerPip, "gear-1.0")
	plain := testGraph(t, text, reports(""))
	require.NotContains(t, scriptsOf(t, plain), "libraries.sh")

	def := marshal(t, testGraph(t, text, reports(missing, "")), (*Graph).Final)
	var added []*pb.Op
	for _, op := range ops(t, def) {
		if args := op.GetExec().GetMeta().GetArgs(); slices.Contains(args, opsDir+"/libraries.sh") {
			require.Equal(t, "so:libpq.so.5", args[len(args)-1])
			require.NotEqual(t, "so:libpq.so.5", args[len(args)-2], "each library once")
			added = append(added, op)
		}
	}
	require.Len(t, added, 1)
	kept := digests(t, testGraph(t, minimal, nil))
	with := digests(t, testGraph(t, text, reports(missing, "")))
	require.Len(t, notIn(kept, with), 2, "only the merge and the end of the definition may differ")
}

func TestUnmetNeeds(t *testing.T) {
	const text = `python: "3.13"
alpine: "3.20"
packages: [zip]
stdlib: {include: [tkinter]}
pip: {packages: [gear]}
files:
  - {from: a, to: /app/}
  - {from: b, to: /app/bin/b}
libraries: {ignore: [libignored.so]}
`
	six := ""
	for range maxNeeds + 1 {
		six += report("liba.so", "/app/x", layerFiles, "")
	}
	for name, test := range map[string]struct {
		report string
		words  string
		line   int
	}{
		"nothing":     {"", "", 0},
		"ignored":     {report("libignored.so", "/app/x", layerFiles, ""), "", 0},
		"package":     {report("liba.so", "/usr/bin/zip", layerRoot, ""), "/usr/bin/zip needs the shared library liba.so, which is not in the image", 3},
		"interpreter": {report("libtcl8.6.so", "/x/_tkinter.so", layerInterpreter, ""), "where so:libtcl8.6.so names it", 4},
		"wheel":       {report("liba.so", "/x.so", layerPip, "gear-1.0"), "/x.so of the wheel gear-1.0 needs the shared library liba.so", 5},
		"glibc":       {report("libc.so.6", "/x.so", layerPip, "gear-1.0"), "libc.so.6, which is of glibc", 5},
		"folder":      {report("liba.so", "/app/x", layerFiles, ""), "/app/x needs", 7},
		"file":        {report("liba.so", "/app/bin/b", layerFiles, ""), "/app/bin/b needs", 8},
		"unprintable": {report("a\n\x1b[2J\xff", "/a\tb.so", layerPip, "gear-1.0"), `"/a\tb.so" of the wheel gear-1.0 needs the shared library "a\n\x1b[2J\xff", which`, 5},
		"elsewhere":   {strings.Join([]string{"liba.so", "/app/x", layerFiles, "", "/app/liba.so", ""}, "\x00"), "at /app/liba.so, where it is not looked for", 7},
		"many":        {six, "; there are 1 more such files", 7},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := testGraph(t, text, reports(test.report)).Final()
			if test.words == "" {
				require.NoError(t, err)
				return
			}
			require.ErrorContains(t, err, test.words)
			var located *parser.LocationError
			require.True(t, errors.As(err, &located))
			require.Equal(t, test.line, located.Locations[0][0].Start.Line)
		})
	}
	_, err := testGraph(t, minimal, reports(report("liba.so", "/usr/lib/b.so", layerRoot, ""))).Final()
	var located *parser.LocationError
	require.True(t, errors.As(err, &located))
	require.Equal(t, 1, located.Locations[0][0].Start.Line, "it is the base that is wrong")
	_, err = testGraph(t, text, reports("a\x00b\x00")).Final()
	require.ErrorContains(t, err, "it has 2 fields")
}

// Of files that are no programs by their names no op takes note, and of folders one that copies
// what else they have.
func TestProgramsAmongFiles(t *testing.T) {
	for text, want := range map[string][]string{
		"files: [{from: [a.py, b/c.css], to: /app/}]\n":               nil,
		"files: [{from: [a.py, static], to: /app/}]\n":                {"/stati[c]"},
		"files: [{from: a, to: /app/}, {from: b/c, to: /app/bin/}]\n": {"/[a]", "/b/[c]"},
	} {
		g := testGraph(t, minimal+text, func(o *Options) { o.CopyPatterns = true })
		layers, err := g.programs()
		require.NoError(t, err)
		var got []string
		if len(layers) > 0 {
			def, err := layers[0].Marshal(t.Context())
			require.NoError(t, err)
			for _, op := range ops(t, def) {
				for _, action := range op.GetFile().GetActions() {
					got = append(got, action.GetCopy().Src)
					require.Contains(t, action.GetCopy().ExcludePatterns, "**/*.py")
				}
			}
		}
		require.Equal(t, want, got, text)
	}
}

// What is no program by its name is a file of that name, and not all that is in such a folder.
func TestExceptPrograms(t *testing.T) {
	matcher, err := patternmatcher.New(exceptPrograms())
	require.NoError(t, err)
	for name, want := range map[string]bool{
		"a.js": true, "b/a.js": true, "b/a": false, "node.js": true, "node.js/bin/node": false, "b/node.js/x.db/node": false,
	} {
		var info patternmatcher.MatchInfo
		var excluded bool
		// As a copy does, from folder to folder.
		for i := range len(name) + 1 {
			if i == len(name) || name[i] == '/' {
				excluded, info, err = matcher.MatchesUsingParentResults(name[:i], info)
				require.NoError(t, err)
			}
		}
		require.Equal(t, want, excluded, name)
	}
}

// A pattern of one name matches that name, and BuildKit takes it.
func TestAsPattern(t *testing.T) {
	for name, want := range map[string]string{
		"/":       "/",
		"/a":      "/[a]",
		"/b/tést": "/b/tés[t]",
		"/b/café": "/b/caf[é]",
		"/日本":     "/日[本]",
		"/a.d":    "/a.[d]",
		"/a.":     "/a[.]",
		"/a-":     `/a[\-]`,
		"/a^":     `/a[\^]`,
		"/a]":     `/a[\]]`,
		"/*.so":   "/*.so",
		`/a\*`:    `/a\*`,
	} {
		pattern := asPattern(name)
		require.Equal(t, want, pattern)
		if name == want {
			continue
		}
		matches, err := path.Match(pattern, name)
		require.NoError(t, err)
		require.True(t, matches, pattern)
		matcher, err := patternmatcher.New([]string{pattern})
		require.NoError(t, err)
		matches, err = matcher.MatchesOrParentMatches(name)
		require.NoError(t, err)
		require.True(t, matches, pattern)
		marshal(t, testGraph(t, minimal+"files: [{from: '"+name+"', to: /app/}]\n", reports("")), (*Graph).Final)
	}
}
