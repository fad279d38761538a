package llb

import (
	"context"
	"slices"
	"strings"
	"testing"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/solver/pb"
	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	digest "github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/stretchr/testify/require"

	"github.com/autumnjolitz/distroless-frontend/spec"
)

const minimal = "python: '3.13'\nalpine: '3.20'\n"

const everything = minimal + `
packages: [libpq, tzdata]
apk:
  repositories: [https://mirror.example/alpine/v3.20/main]
  keys: [keys/mirror.rsa.pub]
  build: [gcc]
stdlib: {include: [idlelib], exclude: [unittest], compression: store}
pip:
  requirements: [requirements.txt]
  packages: [flask]
files:
  - {from: hello.py, to: /app/, chown: nonroot, chmod: "0755"}
  - {from: [a, b], to: ./}
user: nonroot
workdir: /app
env: {B: "1", A: "2"}
labels: {z: "1", a: "2"}
`

// testBase is what the frontend would have resolved.
func testBase(t *testing.T, arch string) Base {
	t.Helper()
	platform := ocispecs.Platform{OS: "linux", Architecture: arch}
	dgst := digest.FromString("python:3.13-alpine3.20")
	img := dockerspec.DockerOCIImage{}
	img.Config.Env = []string{"PATH=/usr/local/bin:/usr/bin:/bin", "LANG=C.UTF-8", "PYTHON_VERSION=3.13.5"}
	return Base{
		Name:     "docker.io/library/python:3.13-alpine3.20",
		Digest:   dgst,
		State:    llb.Image("docker.io/library/python:3.13-alpine3.20@"+dgst.String(), llb.Platform(platform)),
		Image:    img,
		Platform: platform,
		Python:   "3.13.5",
		Alpine:   "3.20",
	}
}

// testGraph is the graph of a spec; change may alter its options.
func testGraph(t *testing.T, text string, change func(*Options)) *Graph {
	t.Helper()
	s, err := spec.Parse("Dockerfile", []byte(text))
	require.NoError(t, err)
	base := testBase(t, "amd64")
	o := Options{
		Spec:      s,
		Locate:    s.Location,
		SourceMap: llb.NewSourceMap(nil, "Dockerfile", "YAML", []byte(text)),
		Base:      base,
		BuildBase: base,
		Context: func(name string) (llb.State, bool, error) {
			return llb.Local("context", llb.SessionID("session")), name == "", nil
		},
		PipFiles:   func() ([]string, error) { return nil, nil },
		HasSources: func(llb.State) (bool, error) { return false, nil },
		Merge:      true,
	}
	if change != nil {
		change(&o)
	}
	g, err := New(o)
	require.NoError(t, err)
	return g
}

// marshal returns the definition of a target, in the order of its digests.
func marshal(t *testing.T, g *Graph, target func(*Graph) (llb.State, error)) *llb.Definition {
	t.Helper()
	st, err := target(g)
	require.NoError(t, err)
	def, err := st.Marshal(context.Background(), llb.Platform(g.Base.Platform))
	require.NoError(t, err)
	return def
}

// digests returns the digest of every op of the final image.
func digests(t *testing.T, g *Graph) []string {
	t.Helper()
	var all []string
	for _, dt := range marshal(t, g, (*Graph).Final).Def {
		all = append(all, digest.FromBytes(dt).String())
	}
	slices.Sort(all)
	return all
}

// notIn returns the digests that are not among the others.
func notIn(digests, others []string) []string {
	return slices.DeleteFunc(slices.Clone(digests), func(d string) bool { return slices.Contains(others, d) })
}

func ops(t *testing.T, def *llb.Definition) []*pb.Op {
	t.Helper()
	var all []*pb.Op
	for _, dt := range def.Def {
		var op pb.Op
		require.NoError(t, op.UnmarshalVT(dt))
		all = append(all, &op)
	}
	return all
}

func TestGraphIsDeterministic(t *testing.T) {
	for _, target := range []func(*Graph) (llb.State, error){(*Graph).Final, (*Graph).Buildroot, (*Graph).Debug} {
		first := marshal(t, testGraph(t, everything, nil), target)
		for range 25 {
			again := marshal(t, testGraph(t, everything, nil), target)
			require.Equal(t, first.Def, again.Def)
		}
	}
}

func TestRuntimeConfigurationChangesNoOp(t *testing.T) {
	plain := digests(t, testGraph(t, minimal, nil))
	configured := digests(t, testGraph(t, minimal+`
env: {A: b}
labels: {a: b}
entrypoint: [python, -V]
cmd: [a]
user: nonroot
expose: [8080]
stopsignal: SIGINT
shell: [/bin/sh, -c]
healthcheck: {cmd: [python, -V]}
`, nil))
	require.Equal(t, plain, configured)
}

// A volume of root is made by the engine; for any other user it is a folder of the image.
func TestVolumesAreFoldersOfWhoIsNotRoot(t *testing.T) {
	plain := digests(t, testGraph(t, minimal, nil))
	for _, user := range []string{"", "user: root\n", "user: '0:0'\n"} {
		require.Equal(t, plain, digests(t, testGraph(t, minimal+"volumes: [/data]\n"+user, nil)))
	}
	require.NotEqual(t, plain, digests(t, testGraph(t, minimal+"volumes: [/data]\nuser: nonroot\n", nil)))
}

// Users, and folders for them, leave what takes long as it is.
func TestUsersChangeFewOps(t *testing.T) {
	plain := digests(t, testGraph(t, everything, nil))
	with := digests(t, testGraph(t, everything+"users: [{name: app, uid: 1000}]\nwritable: [/data]\n", nil))
	require.Len(t, notIn(plain, with), 9, "workdir, two copies, three to find what to compile, which is as it was, two merges and the end of the definition")
}

// What a health check asks is configuration; that it asks needs one op, which no spec changes.
func TestHealthchecksShareTheirScript(t *testing.T) {
	one := digests(t, testGraph(t, minimal+"healthcheck: {http: 8080/}\n", nil))
	for _, other := range []string{"{http: $PORT/other, status: 204, timeout: 1s}", "{tcp: 80}"} {
		require.Equal(t, one, digests(t, testGraph(t, minimal+"healthcheck: "+other+"\n", nil)))
	}
	require.NotEqual(t, one, digests(t, testGraph(t, minimal+"healthcheck: {cmd: [python, -V]}\n", nil)))
}

func TestNamesChangeNoOp(t *testing.T) {
	plain := digests(t, testGraph(t, everything, nil))
	prefixed := digests(t, testGraph(t, everything, func(o *Options) { o.NamePrefix = "linux/amd64" }))
	require.Equal(t, plain, prefixed)
}

// Two specs on one base have the root without packages, the interpreter and the standard
// library in common: nothing of an application may be in their digests.
func TestSpecsShareTheirBase(t *testing.T) {
	plain := digests(t, testGraph(t, minimal, nil))
	app := digests(t, testGraph(t, minimal+"packages: [libpq]\npip: {packages: [flask]}\nfiles: [{from: a, to: /a}]\nworkdir: /app\n", nil))
	require.Len(t, notIn(plain, app), 2, "only the merge and the end of the definition may differ")
}

func TestNoOpIsPrivilegedAndOnlyFetchersHaveNetwork(t *testing.T) {
	fetchers := map[string]bool{"root.sh": true, "packages.sh": true, "libraries.sh": true, "builder.sh": true, "pip_download.py": true, "debug.sh": true}
	for _, target := range []func(*Graph) (llb.State, error){(*Graph).Final, (*Graph).Buildroot, (*Graph).Debug} {
		for _, op := range ops(t, marshal(t, testGraph(t, everything, nil), target)) {
			exec := op.GetExec()
			if exec == nil {
				continue
			}
			require.Equal(t, pb.SecurityMode_SANDBOX, exec.Security, "%v", exec.Meta.Args)
			fetches := slices.ContainsFunc(exec.Meta.Args, func(arg string) bool {
				return fetchers[arg[strings.LastIndex(arg, "/")+1:]]
			})
			want := pb.NetMode_NONE
			if fetches {
				want = pb.NetMode_UNSET
			}
			require.Equal(t, want, exec.Network, "%v", exec.Meta.Args)
		}
	}
}

// What the spec says must reach a shell as arguments. Were it part of a script, a quote in it
// would change what the script does.
func TestSpecIsNeverPartOfAScript(t *testing.T) {
	text := minimal + "pip: {packages: ['evil; touch /pwned \"$(id)\"']}\n"
	var found bool
	for _, op := range ops(t, marshal(t, testGraph(t, text, nil), (*Graph).Final)) {
		for _, arg := range op.GetExec().GetMeta().GetArgs() {
			if strings.Contains(arg, "evil") {
				require.Equal(t, `evil; touch /pwned "$(id)"`, arg)
				found = true
			}
		}
		for _, action := range op.GetFile().GetActions() {
			require.NotContains(t, string(action.GetMkfile().GetData()), "evil")
		}
	}
	require.True(t, found)
}

func TestWithoutMergeOpFilesAreCopied(t *testing.T) {
	g := testGraph(t, everything, func(o *Options) { o.Merge = false })
	for _, op := range ops(t, marshal(t, g, (*Graph).Final)) {
		require.Nil(t, op.GetMerge())
	}
}

// The frontend's own architecture must not get into a graph.
func TestPlatformIsTheResults(t *testing.T) {
	base := testBase(t, "s390x")
	g := testGraph(t, everything, func(o *Options) { o.Base, o.BuildBase = base, base })
	for _, op := range ops(t, marshal(t, g, (*Graph).Final)) {
		if op.GetSource() == nil && op.Platform != nil {
			require.Equal(t, "s390x", op.Platform.Architecture)
		}
	}
}

func TestUnknownPart(t *testing.T) {
	s, err := spec.Parse("Dockerfile", []byte(minimal+"stdlib: {include: [tkinte]}\n"))
	require.NoError(t, err)
	_, err = New(Options{Spec: s, Locate: s.Location})
	require.ErrorContains(t, err, `"tkinte" is not a part that is left out: expected one of tkinter, turtle`)
}

// Of a large context only what the spec names is sent.
func TestContextPaths(t *testing.T) {
	for _, test := range []struct {
		spec, context string
		want          []string
		used          bool
		pipFiles      []string
	}{
		{everything, "", []string{"a", "b", "hello.py", "keys/mirror.rsa.pub", "requirements.txt"}, true, nil},
		{everything, KeysContext, []string{"*.pub"}, true, nil},
		{minimal, "", nil, false, nil},
		{minimal + "files: [{from: [., b], to: /app/}]\n", "", nil, true, nil},
		{minimal + "files: [{from: b, to: /app/, context: other}]\n", "other", []string{"b"}, true, nil},
		{minimal + "files: [{from: b, to: /app/, context: other}]\n", "", nil, false, nil},
		{minimal + "pip: {project: app, find-links: [wheels]}\n", "", []string{"app", "wheels"}, true, nil},
		{minimal + "pip: {requirements: [pylock.toml]}\n", "", []string{"a.whl"}, true, []string{"a.whl"}},
		{minimal + "pip: {packages: [six], find-links: [context://other/a, context://other/b]}\n", "other", []string{"a", "b"}, true, nil},
		{minimal + "pip: {packages: [six], find-links: [context://other]}\n", "", nil, false, nil},
		{minimal + "pip: {requirements: [a.txt]}\n", "", []string{"a.txt", "b.txt", "wheels"}, true, []string{"b.txt", "wheels"}},
	} {
		s, err := spec.Parse("Dockerfile", []byte(test.spec))
		require.NoError(t, err)
		paths, used := ContextPaths(s, Overrides{}, test.pipFiles, test.context)
		require.Equal(t, test.used, used, test.spec)
		require.Equal(t, test.want, paths, test.spec)
	}

	// As a build argument says it, unless the spec does.
	links := Overrides{FindLinks: []string{"context://other/a"}}
	for find, want := range map[string][]string{"": {"a", "b"}, ", find-links: [context://other/c]": {"b", "c"}} {
		s, err := spec.Parse("Dockerfile", []byte(minimal+"files: [{from: b, to: /app/, context: other}]\npip: {packages: [six]"+find+"}\n"))
		require.NoError(t, err)
		paths, used := ContextPaths(s, links, nil, "other")
		require.True(t, used)
		require.Equal(t, want, paths)
	}
}
