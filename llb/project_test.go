package llb

import (
	"slices"
	"strings"
	"testing"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
	"github.com/stretchr/testify/require"

	"github.com/autumnjolitz/distroless-frontend/spec"
)

// execOf returns the op that runs a script.
func execOf(t *testing.T, g *Graph, script string) *pb.ExecOp {
	t.Helper()
	for _, op := range ops(t, marshal(t, g, (*Graph).Final)) {
		exec := op.GetExec()
		if exec != nil && slices.ContainsFunc(exec.Meta.Args, func(arg string) bool { return strings.HasSuffix(arg, "/"+script) }) {
			return exec
		}
	}
	require.Fail(t, "nothing runs "+script)
	return nil
}

func mountOf(exec *pb.ExecOp, dest string) *pb.Mount {
	for _, mount := range exec.Mounts {
		if mount.Dest == dest {
			return mount
		}
	}
	return nil
}

func projectGraph(t *testing.T, declared Declared) *Graph {
	t.Helper()
	return testGraph(t, minimal+"pip: {project: .}\n", func(o *Options) {
		o.Declared = func() (*Declared, error) { return &declared, nil }
	})
}

// What is downloaded depends on what the pyproject.toml says, and on no file of the project.
func TestProjectIsNoInputOfItsRequirements(t *testing.T) {
	static := projectGraph(t, Declared{Requirements: []string{"flask>=3"}, BuildRequires: []string{"hatchling"}})
	download := execOf(t, static, "pip_download.py")
	require.Nil(t, mountOf(download, projectDir))
	require.Contains(t, download.Meta.Args, "--build-requires=hatchling")
	require.Equal(t, []string{"--", "flask>=3"}, download.Meta.Args[len(download.Meta.Args)-2:])
	for _, script := range []string{"pip_install.py", "pip_download.py"} {
		require.NotContains(t, strings.Join(execOf(t, static, script).Meta.Args, " "), projectDir)
	}

	dynamic := execOf(t, projectGraph(t, Declared{Dynamic: true, Extras: []string{"web"}}), "pip_download.py")
	require.NotNil(t, mountOf(dynamic, projectDir))
	require.Subset(t, dynamic.Meta.Args, []string{"--project=" + projectDir, "--extra=web"})
}

// The project's own code builds it.
func TestProjectIsBuiltWithoutNetworkAndSecrets(t *testing.T) {
	build := execOf(t, projectGraph(t, Declared{}), "pip_project.py")
	require.Equal(t, pb.NetMode_NONE, build.Network)
	require.True(t, mountOf(build, projectDir).Readonly)
	require.True(t, mountOf(build, downloadsDir).Readonly)
	for _, mount := range build.Mounts {
		require.Contains(t, []pb.MountType{pb.MountType_BIND, pb.MountType_CACHE, pb.MountType_TMPFS}, mount.MountType, mount.Dest)
	}
}

func TestLockIsARequirementsFile(t *testing.T) {
	const text = "\nsix @ https://files.example/six.whl --hash=sha256:aa\n"
	g := testGraph(t, minimal+"pip: {requirements: [deps/pylock.toml]}\n", func(o *Options) {
		o.Declared = func() (*Declared, error) {
			return &Declared{Locked: []byte(text), LockedFiles: []string{"dist/a.whl"}}, nil
		}
	})
	const lines = "deps/pylock.toml.txt"
	require.False(t, spec.IsLock(lines), "pip would read it as one")
	args := execOf(t, g, "pip_download.py").Meta.Args
	require.Subset(t, args, []string{"--lock=deps/pylock.toml", "--requirement=" + lines, "--no-deps", "--require-hashes"})
	var written, copied []string
	for _, op := range ops(t, marshal(t, g, (*Graph).Final)) {
		for _, action := range op.GetFile().GetActions() {
			if file := action.GetMkfile(); file != nil && strings.Contains(file.Path, "pylock") {
				written = append(written, file.Path, string(file.Data))
			}
			if file := action.GetCopy(); file != nil {
				copied = append(copied, file.Src)
			}
		}
	}
	require.Equal(t, []string{"/" + lines, text}, written)
	require.Equal(t, []string{"/dist/a.whl"}, copied)
}

func TestLinkedContexts(t *testing.T) {
	contexts := func(o *Options) {
		o.Context = func(name string) (llb.State, bool, error) {
			return llb.Local(name, llb.SessionID("s")), name == "wheels", nil
		}
	}
	const pip = "pip: {packages: [six], find-links: [context://wheels/a, context://wheels/b.whl, https://links.example]}\n"
	download := execOf(t, testGraph(t, minimal+pip, contexts), "pip_download.py")
	require.Subset(t, download.Meta.Args, []string{"--find-links=/links/wheels/a", "--find-links=/links/wheels/b.whl", "--find-links=https://links.example"})
	require.True(t, mountOf(download, linksDir).Readonly)

	// As a build argument says it, which has no place in the spec.
	download = execOf(t, testGraph(t, minimal+"pip: {packages: [six]}\n", func(o *Options) {
		contexts(o)
		o.Overrides.FindLinks = []string{"context://wheels"}
	}), "pip_download.py")
	require.Contains(t, download.Meta.Args, "--find-links=/links/wheels")

	_, err := testGraph(t, minimal+"pip: {packages: [six], find-links: [context://other]}\n", contexts).Final()
	require.EqualError(t, err, `no build context is named "other": give one with --build-context other=PATH`)
}
