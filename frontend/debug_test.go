package frontend_test

import (
	"context"
	"io/fs"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/solver/pb"
	"github.com/moby/buildkit/util/apicaps"
	"github.com/stretchr/testify/require"

	"github.com/autumnjolitz/distroless-frontend/frontend"
	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
)

// debugged has a bit of everything that the layer for debugging must leave alone.
func debugged() build {
	return build{
		spec: minimal + `
packages: [hello-apk]
stdlib: {exclude: [unittest]}
pip: {packages: [six]}
files:
  - {from: app.py, to: /app/}
  - {from: mine/less, to: /usr/bin/, chmod: "0755"}
user: nonroot
workdir: /app
env: {GREETING: hello}
entrypoint: [python, app.py]
tests: [{run: [python, -c, "raise SystemExit('what there is to debug')"]}]
`,
		files: map[string]string{
			"app.py":    "import json, encodings.idna\ntry:\n    encodings.idna.nameprep(1)\nfinally:\n    json.loads('{')\n",
			"mine/less": "#!/bin/sh\necho mine\n",
		},
		BuildRequest: testenv.BuildRequest{Target: "debug"},
	}
}

// final is the same spec without the tests that keep it from being built.
func (b build) final() build {
	b.spec, _, _ = strings.Cut(b.spec, "tests:")
	b.Target = ""
	return b
}

// withoutMerge has the daemon look like one that has no MergeOp.
func withoutMerge(ctx context.Context, c client.Client) (*client.Result, error) {
	return frontend.Build(ctx, oldDaemon{c, []apicaps.CapID{pb.CapMergeOp}})
}

func TestIntegrationDebug(t *testing.T) {
	env := shared.Env(t)
	twins := map[string][2]*testenv.Image{}
	for name, solve := range map[string]client.BuildFunc{"merged": nil, "copied": withoutMerge} {
		var pair [2]*testenv.Image
		dir := contextDir(t, debugged().files)
		for i, b := range []build{debugged().final(), debugged()} {
			b.Dir = dir
			req := b.on(t, env)
			if solve != nil {
				req.Frontend = solve
			}
			res, err := env.Build(t.Context(), req)
			require.NoError(t, err, res.Log())
			if i == 1 {
				for _, step := range ran(res) {
					// Where layers are copied, the daemon may make the folder of the image anew.
					require.Regexp(t, `^\[(debug|files)\] `, step, "what takes time is that of the final image")
				}
			}
			pair[i] = res.Image
		}
		twins[name] = pair
	}
	for name, pair := range twins {
		t.Run(name, func(t *testing.T) { requireOneMoreLayer(t, pair[0], pair[1]) })
	}
	final, debug := twins["merged"][0], twins["merged"][1]

	t.Run("the package database is honest", func(t *testing.T) {
		db := apkDatabase(t, debug)
		require.Contains(t, db, "busybox")
		requirePackagesWhole(t, debug, db)
		requireNoPhantoms(t, debug, db)
	})
	t.Run("tracebacks show sources", func(t *testing.T) {
		const line = "obj, end = self.scan_once(s, idx)"
		before, err := final.Run(t.Context(), testenv.RunOptions{})
		require.NoError(t, err)
		after, err := debug.Run(t.Context(), testenv.RunOptions{})
		require.NoError(t, err)
		require.Equal(t, before.ExitCode, after.ExitCode)
		require.NotContains(t, before.Stderr, line)
		require.Contains(t, after.Stderr, line)
		require.Contains(t, after.Stderr, "for c in label:", "of a module beside the zip")
		require.Subset(t, lines(after.Stderr), lines(before.Stderr), "nothing else differs")
	})
	t.Run("what is imported is the same", func(t *testing.T) {
		const program = "import sys, os, json, encodings.idna, unicodedata; print(sys.path, json.__spec__.origin, sys.flags, " +
			"[m.__loader__ for m in (os,)], sorted(m for m in sys.modules))"
		require.Equal(t, runPython(t, final, program), runPython(t, debug, program))
		// Nothing is compiled from a source: every module comes from bytecode that is there.
		included := strings.Replace(imports, "unittest, ", "", 1) + ", encodings.idna, encodings.cp437, venv"
		for _, option := range []string{"-B", "-O", "-OO"} {
			res, err := debug.Run(t.Context(), testenv.RunOptions{
				Entrypoint: []string{"python"}, Args: []string{option, "-v", "-c", included}, ReadOnly: true,
			})
			require.NoError(t, err)
			require.Zero(t, res.ExitCode, res.Stderr)
			require.NotRegexp(t, `(?m)^# code object from '?/usr/local/lib/python3\.13/.*\.py'?$`, res.Stderr)
		}
	})
	t.Run("what is left out stays so", func(t *testing.T) {
		for module, why := range map[string]string{"unittest": "stdlib.exclude", "test": "No module named 'test'", "tkinter": "stdlib.include"} {
			res, err := debug.Run(t.Context(), testenv.RunOptions{Entrypoint: []string{"python"}, Args: []string{"-c", "import " + module}})
			require.NoError(t, err)
			require.Equal(t, 1, res.ExitCode)
			require.Contains(t, res.Stderr, why)
		}
	})
	t.Run("settings of the build", func(t *testing.T) {
		testenv.RequireAlpine(t)
		const program = "import sysconfig as s; print(open(s.get_makefile_filename()).readline(), open(s.get_config_h_filename()).readline())"
		require.Contains(t, runPython(t, debug, program), "config.h")
	})
	t.Run("tools", func(t *testing.T) {
		sh := func(script string) string {
			return run(t, debug, testenv.RunOptions{Entrypoint: []string{"sh", "-c", script}})
		}
		require.Equal(t, "65532\nhello\n/app\n", sh("id -u; echo $GREETING; pwd"))
		require.Contains(t, sh("ls -l /app; ps; vi --help 2>&1; wget --help 2>&1"), "app.py")
		require.Equal(t, "mine\n", sh("less"), "what the image has stays")
		require.Contains(t, sh("python -m pip list"), "six")
		require.Regexp(t, `^pip \d`, sh("pip --version"))
		installed := run(t, debug, testenv.RunOptions{
			User: "root", Entrypoint: []string{"sh", "-c", "pip install --no-index --find-links=" + env.Fixtures.Wheels() + " idna && python -c 'import idna'"},
		})
		require.Contains(t, installed, "Successfully installed idna")
		require.Regexp(t, `^pip \d.* from /tmp/venv/`, sh("python -m venv /tmp/venv && /tmp/venv/bin/pip --version"))
		require.Contains(t, sh(`python -c "import inspect, json; print(inspect.getsource(json.loads))"`), "def loads(s, *")
	})
}

// runPython runs a program by the interpreter of an image that has another entrypoint.
func runPython(t *testing.T, img *testenv.Image, program string) string {
	t.Helper()
	return run(t, img, testenv.RunOptions{Entrypoint: []string{"python"}, Args: []string{"-c", program}})
}

// requireOneMoreLayer checks that an image is another one and a layer that only adds to it, but
// for the list of what is installed, and ensurepip.
func requireOneMoreLayer(t *testing.T, final, debug *testenv.Image) {
	t.Helper()
	require.Equal(t, final.Config.RootFS.DiffIDs, debug.Config.RootFS.DiffIDs[:len(final.Config.RootFS.DiffIDs)])
	require.Len(t, debug.Layers, len(final.Layers)+1)
	require.Equal(t, final.Config.Config, debug.Config.Config)
	before, after := filesOf(t, final), filesOf(t, debug)
	changed := map[string]bool{}
	for path, file := range before {
		now, ok := after[path]
		require.True(t, ok, "%s is gone", path)
		if file.Mode.IsDir() {
			require.Equal(t, []any{file.Mode, file.UID, file.GID}, []any{now.Mode, now.UID, now.GID}, path)
			continue
		}
		now.Layer = file.Layer
		if file != now {
			changed[path] = true
		}
	}
	delete(changed, "/lib/apk/db/triggers") // not every busybox has some
	require.Equal(t, []string{"/etc/apk/world", "/lib/apk/db/installed", "/lib/apk/db/scripts.tar", stdlibZip}, slices.Sorted(maps.Keys(changed)))
	require.Contains(t, after, "/usr/local/lib/python3.13/json/decoder.py")
	require.NotContains(t, after, "/usr/local/lib/python3.13/unittest/case.py")
	require.NotContains(t, after, "/usr/local/lib/python3.13/test/support/__init__.py")
	for path, file := range after {
		if file.Mode&fs.ModeType == 0 && strings.HasPrefix(path, "/usr/local/lib/python3.13/site-packages/pip/") {
			require.Equal(t, len(final.Layers), file.Layer, path)
		}
	}
}

// What trim left out is there again, over the layers of the trimmed image.
func TestIntegrationDebugOfATrimmedImage(t *testing.T) {
	b := build{spec: minimal + "trim: {run: [[python, -c, pass]]}\n"}
	final := b.must(t).Image
	b.Target = "debug"
	debug := b.must(t).Image
	require.Equal(t, final.Config.RootFS.DiffIDs, debug.Config.RootFS.DiffIDs[:len(final.Config.RootFS.DiffIDs)])
	require.Len(t, debug.Layers, len(final.Layers)+1)
	requirePackagesWhole(t, debug, apkDatabase(t, debug))
	requireNoPhantoms(t, debug, apkDatabase(t, debug))

	sh := func(script string) string {
		return run(t, debug, testenv.RunOptions{Entrypoint: []string{"sh", "-c", script}})
	}
	require.Regexp(t, `^pip \d`, sh("pip --version"))
	require.Contains(t, sh("pip install --no-index --find-links="+shared.Env(t).Fixtures.Wheels()+" idna"), "Successfully installed idna")
	require.Equal(t, "0", python(t, debug, "import calendar, ctypes, encodings.koi8_r, pdb, sqlite3, sys; print(sum('trim' in name for name in sys.modules))"))
	require.Contains(t, sh(`python -c "import calendar, inspect; print(inspect.getsource(calendar.isleap))"`), "def isleap(year)")
}

// For a platform that the daemon cannot execute, the tools are of that platform.
func TestIntegrationDebugOfAnotherPlatform(t *testing.T) {
	foreign := shared.Env(t).RequireForeign(t)
	b := build{spec: minimal, BuildRequest: testenv.BuildRequest{Platforms: []string{foreign.Platform}}}
	final := b.must(t).Image
	b.Target = "debug"
	debug := b.must(t).Image
	require.Equal(t, final.Config.RootFS.DiffIDs, debug.Config.RootFS.DiffIDs[:len(final.Config.RootFS.DiffIDs)])
	requirePackagesWhole(t, debug, apkDatabase(t, debug))
	require.Equal(t, "tools\n", runForeign(t, foreign, debug, testenv.RunOptions{Entrypoint: []string{"/bin/busybox", "echo", "tools"}}))
	require.Contains(t, runForeign(t, foreign, debug, testenv.RunOptions{Args: []string{"-m", "pip", "--version"}}), "pip ")
}
