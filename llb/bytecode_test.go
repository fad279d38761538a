package llb

import (
	"slices"
	"strings"
	"testing"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
	digest "github.com/opencontainers/go-digest"
	"github.com/stretchr/testify/require"
)

const bytecodeApp = minimal + "packages: [libpq]\npip: {packages: [flask]}\nfiles: [{from: app, to: /app/}]\nworkdir: /app\n"

// commands returns what the ops of the final image execute, by the name of the script.
func commands(t *testing.T, g *Graph) map[string]string {
	t.Helper()
	found := map[string]string{}
	for _, op := range ops(t, marshal(t, g, (*Graph).Final)) {
		args := op.GetExec().GetMeta().GetArgs()
		if i := slices.IndexFunc(args, func(arg string) bool { return strings.HasPrefix(arg, opsDir) && !strings.HasSuffix(arg, "/settled.sh") }); i >= 0 {
			found[strings.TrimPrefix(args[i], opsDir+"/")] = strings.Join(args, " ")
		}
	}
	return found
}

func TestBytecodeChangesWhatCompiles(t *testing.T) {
	plain := commands(t, testGraph(t, bytecodeApp, nil))
	for text, want := range map[string][]string{
		"bytecode: {optimize: 0, sources: keep}": nil,
		"bytecode: {optimize: 2}":                {"app_bytecode.py", "pip_install.py", "stdlib.py"},
		"bytecode: {sources: drop}":              {"app_bytecode.py", "pip_install.py"},
	} {
		var changed []string
		for script, command := range commands(t, testGraph(t, bytecodeApp+text+"\n", nil)) {
			if command != plain[script] {
				changed = append(changed, script)
			}
		}
		slices.Sort(changed)
		require.Equal(t, want, changed, text)
	}
}

func TestOptimizationIsTheInterpreters(t *testing.T) {
	g := testGraph(t, bytecodeApp+"bytecode: {optimize: 2}\n", nil)
	for _, script := range []string{"app_bytecode.py", "stdlib.py"} {
		require.Contains(t, commands(t, g)[script], " python -O -O ")
	}
	require.Contains(t, g.FinalImage(nil).Config.Env, "PYTHONOPTIMIZE=2")

	g = testGraph(t, bytecodeApp+"bytecode: {optimize: 2}\nenv: {PYTHONOPTIMIZE: '', PYTHONDONTWRITEBYTECODE: ''}\n", nil)
	require.Subset(t, g.FinalImage(nil).Config.Env, []string{"PYTHONOPTIMIZE=", "PYTHONDONTWRITEBYTECODE="})
	require.NotContains(t, strings.Join(testGraph(t, minimal, nil).FinalImage(nil).Config.Env, "\n"), "PYTHONOPTIMIZE")
}

// Where sources are dropped, the copies of them may be in no layer.
func TestDroppedSourcesAreNoPartOfTheImage(t *testing.T) {
	for _, merge := range []bool{true, false} {
		g := testGraph(t, bytecodeApp+"bytecode: {sources: drop}\n", func(o *Options) { o.Merge = merge })
		image, err := g.Final()
		require.NoError(t, err)
		for _, op := range layersOf(t, image) {
			for _, action := range op.GetFile().GetActions() {
				require.NotEqual(t, "/app", action.GetCopy().GetSrc())
			}
		}
	}
	image, err := testGraph(t, bytecodeApp, nil).Final()
	require.NoError(t, err)
	require.True(t, slices.ContainsFunc(layersOf(t, image), func(op *pb.Op) bool {
		return slices.ContainsFunc(op.GetFile().GetActions(), func(a *pb.FileAction) bool { return a.GetCopy().GetSrc() == "/app" })
	}), "with sources, they are")
}

// layersOf returns the ops whose own changes a state consists of: a file op's are on its first
// input, a merge's are those of all, and what is mounted or copied from is not among them.
func layersOf(t *testing.T, st llb.State) []*pb.Op {
	t.Helper()
	def, err := st.Marshal(t.Context())
	require.NoError(t, err)
	byDigest := map[string]*pb.Op{}
	for i, op := range ops(t, def) {
		byDigest[digest.FromBytes(def.Def[i]).String()] = op
	}
	var found []*pb.Op
	var follow func(dgst string)
	follow = func(dgst string) {
		op := byDigest[dgst]
		found = append(found, op)
		switch {
		case op.GetMerge() != nil:
			for _, input := range op.GetMerge().GetInputs() {
				follow(op.Inputs[input.Input].Digest)
			}
		case op.GetFile() != nil:
			if first := op.GetFile().Actions[0].Input; first >= 0 && int(first) < len(op.Inputs) {
				follow(op.Inputs[first].Digest)
			}
		}
	}
	last := ops(t, def)
	follow(last[len(last)-1].Inputs[0].Digest)
	return found
}

func TestWithoutMergeOpFilesAreCompiled(t *testing.T) {
	g := testGraph(t, bytecodeApp, func(o *Options) { o.Merge = false })
	require.Contains(t, commands(t, g)["app_bytecode.py"], " "+imageDir, "for the folders that it has")
	for _, op := range ops(t, marshal(t, g, (*Graph).Final)) {
		require.Nil(t, op.GetDiff())
		for _, action := range op.GetFile().GetActions() {
			require.Empty(t, action.GetCopy().GetIncludePatterns())
		}
	}
}
