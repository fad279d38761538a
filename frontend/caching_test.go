package frontend_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
)

// ran returns the names of the steps that did their work, sorted. Steps are what is in a
// group; what is not in one asks or loads, and does so every time.
func ran(res *testenv.BuildResult) []string {
	var names []string
	for _, v := range res.Vertices {
		if v.Group != "" && v.Ran() {
			names = append(names, v.Name)
		}
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// cachingApp is an application with a step of every kind.
func cachingApp() build {
	return build{
		spec: minimal + `
packages: [hello-apk]
pip:
  requirements: [requirements.txt]
files:
  - {from: static, to: /app/static/}
  - {from: app.py, to: /app/}
workdir: /app
env: {A: "1"}
entrypoint: [python, app.py]
`,
		files: map[string]string{
			"requirements.txt": "six==1.17.0\n",
			"app.py":           "print('caching')\n",
			"static/style.css": "",
			"unused.txt":       "",
		},
	}
}

const (
	stepMerge  = "[final] put the image together"
	stepStatic = "[files] copy static to /app/static/"
	stepApp    = "[files] copy app.py to /app/"
	// Of the copies, those that are Python are looked for in no time, and compiled if they have changed.
	stepFind    = "[files] find Python sources"
	stepCompile = "[files] compile Python sources"
)

// onOwnDaemon starts a daemon that has made nothing yet, for the test, and returns what builds there.
func onOwnDaemon(t *testing.T) func(*testing.T, build) *testenv.BuildResult {
	t.Helper()
	env := shared.Env(t)
	daemon := freshDaemon(t, env)
	return func(t *testing.T, b build) *testenv.BuildResult {
		t.Helper()
		res, err := daemon.Build(t.Context(), b.on(t, env))
		require.NoError(t, err, "%s\n%s", testenv.SourceExcerpt(err), res.Log())
		return res
	}
}

func TestIntegrationCachingAfterAnEdit(t *testing.T) {
	replace := func(old, now string) func(*build) {
		return func(b *build) {
			if !strings.Contains(b.spec, old) {
				panic(old + " is not in the spec")
			}
			b.spec = strings.Replace(b.spec, old, now, 1)
		}
	}
	write := func(name, content string) func(*build) { return func(b *build) { b.files[name] = content } }
	must := onOwnDaemon(t) // and in this order, as what one has made another finds
	first := must(t, cachingApp())
	for _, test := range []struct {
		name string
		edit func(*build)
		want []string
	}{
		{"nothing", func(*build) {}, nil},
		{"a file that no key names", write("unused.txt", "now used"), nil},
		{"a comment", replace("packages:", "# comment\npackages:"), nil},
		{"a key of one's own", replace("packages:", "x-mine: 1\npackages:"), nil},
		{"env", replace("A: \"1\"", "A: \"2\", B: \"3\""), nil},
		{"entrypoint", replace("[python, app.py]", "python -B app.py"), nil},
		{"configuration", replace("workdir:", "user: nonroot\nlabels: {a: b}\ncmd: [x]\nexpose: [80]\n"+
			"stopsignal: SIGINT\nshell: [/bin/sh]\nhealthcheck: none\nworkdir:"), nil},
		{"volumes of root", replace("workdir:", "volumes: [/v]\nworkdir:"), nil},
		{
			"volumes of another user", replace("workdir:", "user: nonroot\nvolumes: [/v]\nworkdir:"),
			[]string{stepApp, stepStatic, stepFind, "[files] make /v writable", stepMerge},
		},
		{
			"users", replace("workdir:", "users: [{name: app, uid: 1000}]\nworkdir:"),
			[]string{"[files] add the users app", stepApp, stepStatic, "[files] create /app", stepFind, stepMerge},
		},
		{"labels of the client", func(b *build) { b.Labels = map[string]string{"a": "b"} }, nil},
		{"the last file", write("app.py", "print('edited')\n"), []string{stepCompile, stepApp, stepFind, stepMerge}},
		{"a file before it", write("static/style.css", "p {}"), []string{stepApp, stepStatic, stepFind, stepMerge}},
		{
			"requirements", write("requirements.txt", "six==1.17.0\nitsdangerous\n"),
			[]string{
				stepApp, stepStatic, stepFind, stepLook, stepMerge,
				"[pip] download -r requirements.txt", "[pip] install -r requirements.txt", "[pip] read requirements.txt",
			},
		},
		{
			"packages of pip", replace("requirements: [requirements.txt]", "packages: [idna]"),
			[]string{stepApp, stepStatic, stepFind, stepLook, stepMerge, "[pip] download idna", "[pip] install idna"},
		},
		{
			"packages", replace("[hello-apk]", "[zip]"),
			[]string{stepApp, stepStatic, "[files] create /app", stepFind, stepLook, stepMerge, "[root] install zip"},
		},
		{
			"optimization", replace("packages:", "bytecode: {optimize: 1}\npackages:"),
			[]string{
				stepCompile, stepApp, stepStatic, stepFind, stepLook, stepMerge, "[pip] install -r requirements.txt", "[python] compile the standard library",
			},
		},
		{
			"sources", replace("packages:", "bytecode: {sources: drop}\npackages:"),
			[]string{stepCompile, stepApp, stepStatic, stepFind, stepLook, stepMerge, "[pip] install -r requirements.txt"},
		},
		{
			"compression", replace("packages:", "stdlib: {compression: store}\npackages:"),
			[]string{stepApp, stepStatic, stepFind, stepMerge, "[python] compile the standard library"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			b := cachingApp()
			test.edit(&b)
			res := must(t, b)
			require.Equal(t, test.want, ran(res))
			if test.want == nil {
				require.Equal(t, first.Image.Layers, res.Image.Layers)
			}
		})
	}
}

// A second target finds all that the first has made.
func TestIntegrationCachingBetweenTargets(t *testing.T) {
	b := cachingApp()
	b.must(t)
	b.Target = "buildroot"
	require.Subset(t, []string{
		"[final] put the root together", "[buildroot] add the root and the commands", "[buildroot] put the image together",
	}, ran(b.must(t)))
	require.Empty(t, ran(b.must(t)))
}

// The steps of a base do not know for which spec they are.
func TestIntegrationCachingBetweenSpecs(t *testing.T) {
	build{spec: minimal}.must(t)
	res := build{
		spec: minimal + `
packages: [tzdata]
apk: {build: [zip]}
pip: {packages: [attrs]}
files: [{from: other.py, to: /srv/}]
workdir: /srv
user: nonroot
`,
		files: map[string]string{"other.py": "print('other')\n"},
	}.must(t)
	require.Equal(t, []string{
		"[builder] install zip", stepCompile, "[files] copy other.py to /srv/", "[files] create /srv", stepFind, stepLook, stepMerge,
		"[pip] download attrs", "[pip] install attrs", "[root] install tzdata",
	}, ran(res))
}

// Where one user's files come from is no part of what another's step is made of.
func TestIntegrationCachingBetweenUsers(t *testing.T) {
	b := cachingApp()
	b.must(t)
	dir := contextDir(t, b.files) // the same in another place, at another time
	b.Dir = dir
	require.Empty(t, ran(b.must(t)))
}

func TestIntegrationCachingIsIgnoredForAGroup(t *testing.T) {
	b := cachingApp()
	before := b.must(t)
	for group, want := range map[string][]string{
		"pip":    {"[pip] download -r requirements.txt", "[pip] install -r requirements.txt", "[pip] read requirements.txt"},
		"python": {"[python] compile the standard library", "[python] copy the interpreter of " + shared.Env(t).PythonVersion()},
		"files":  {stepCompile, stepApp, stepStatic, "[files] create /app", stepFind},
	} {
		t.Run(group, func(t *testing.T) {
			b := cachingApp()
			b.FrontendAttrs = map[string]string{"no-cache": group}
			res := b.must(t)
			prefix := "[" + group + "] "
			inGroup := slices.DeleteFunc(ran(res), func(name string) bool { return !strings.HasPrefix(name, prefix) })
			require.Equal(t, want, inGroup)
			for _, name := range ran(res) {
				require.NotRegexp(t, `^\[(root|builder|base)\]`, name, "of what the group does not need")
			}
			require.Equal(t, before.Image.Config.Config, res.Image.Config.Config)
		})
	}
}

// Nothing that a mirror knows is part of a step that does not fetch.
func TestIntegrationCachingBehindAnotherMirror(t *testing.T) {
	b := cachingApp()
	b.must(t)
	env := shared.Env(t)
	b.BuildArgs = map[string]string{"APK_REPOSITORIES": env.Fixtures.APKRepository() + "/", "PIP_FIND_LINKS": env.Fixtures.URL() + "/wheels"}
	steps := ran(b.must(t))
	require.Contains(t, steps, "[root] install the base packages")
	require.Contains(t, steps, "[pip] download -r requirements.txt")
	require.NotContains(t, steps, "[pip] install -r requirements.txt", "what was downloaded is the same")
	require.NotContains(t, strings.Join(steps, "\n"), "[python]")

	// Build arguments that mean nothing to the frontend change nothing.
	b = cachingApp()
	b.BuildArgs = map[string]string{"SOMETHING": "else", "HTTP_PROXY": ""}
	require.Empty(t, ran(b.must(t)))
}
