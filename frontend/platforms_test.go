package frontend_test

import (
	"bytes"
	"path"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
)

// runForeign runs an image of the other platform and returns what it printed, which it must
// do with exit status 0.
func runForeign(t *testing.T, f testenv.Foreign, img *testenv.Image, opts testenv.RunOptions) string {
	t.Helper()
	res, err := f.Run(t.Context(), img, opts)
	require.NoError(t, err)
	require.Zero(t, res.ExitCode, "%s\n%s", res.Stdout, res.Stderr)
	return res.Stdout
}

// onePlatform are the files that are there for one platform only, by their names or contents.
func onePlatform(file string) bool {
	base := path.Base(file)
	switch {
	case strings.HasPrefix(file, "/etc/apk/"), strings.HasPrefix(file, "/lib/apk/db/"):
		return true // of other architectures, names and keys
	case strings.HasPrefix(base, "ld-musl-"), strings.HasPrefix(base, "libc.musl-"):
		return true
	}
	return strings.HasPrefix(base, "_sysconfigdata_") || strings.HasPrefix(file, "/usr/local/lib/python3.13/lib-dynload/")
}

// requireSameButPrograms checks that two images differ in nothing but what a machine executes
// and what names its architecture.
func requireSameButPrograms(t *testing.T, native, foreign *testenv.Image) {
	t.Helper()
	ours, theirs := filesOf(t, native), filesOf(t, foreign)
	common := func(paths []string) []string { return slices.DeleteFunc(paths, onePlatform) }
	require.Equal(t, common(ours.Paths()), common(theirs.Paths()))
	for _, name := range common(theirs.Paths()) {
		one, other := ours[name], theirs[name]
		one.Layer, other.Layer = 0, 0
		if one.SHA256 != other.SHA256 {
			for _, img := range []*testenv.Image{native, foreign} {
				data, err := img.ReadFile(t.Context(), name)
				require.NoError(t, err)
				require.True(t, bytes.HasPrefix(data, []byte("\x7fELF")), "%s differs and is no program", name)
			}
			one.SHA256, one.Size = other.SHA256, other.Size
		}
		require.Equal(t, one, other)
	}
}

// layerOf returns the layer that a file comes from.
func layerOf(t *testing.T, img *testenv.Image, file string) testenv.Layer {
	t.Helper()
	files := filesOf(t, img)
	require.Contains(t, files, file)
	return img.Layers[files[file].Layer]
}

// What the image for the other platform is asked, by the user it is for.
const lookAround = `
import bz2, ctypes, lzma, os, platform, sqlite3, ssl, sys, sysconfig, zlib, zoneinfo
print(platform.machine(), os.getuid(), os.getcwd(), os.environ["GREETING"], sys.flags.isolated)
print(sysconfig.get_config_var("MULTIARCH"), sysconfig.get_path("stdlib"))
print(ssl.create_default_context().cert_store_stats()["x509_ca"] > 100)
print(zoneinfo.ZoneInfo("Europe/Paris"), sqlite3.connect(":memory:").execute("select 1 + 1").fetchone()[0])
print(open("data.txt").read(), ssl.__file__)
`

// Both platforms at once, on a daemon that executes one of them.
func TestIntegrationPlatforms(t *testing.T) {
	env := shared.Env(t)
	foreign := env.RequireForeign(t)
	res := build{
		spec: minimal + `
packages: [tzdata, zip]
files: [{from: data.txt, to: ./, chown: nonroot}, {from: look.py, to: /usr/local/lib/look/}]
env: {GREETING: hello}
user: nonroot
workdir: /srv/data
entrypoint: [/usr/local/bin/python, -I, /usr/local/lib/look/look.py]
`,
		files: map[string]string{"data.txt": "42", "look.py": lookAround},
		BuildRequest: testenv.BuildRequest{
			Platforms:   []string{foreign.Native, foreign.Platform},
			ExportAttrs: map[string]string{"rewrite-timestamp": "true"},
			BuildArgs:   map[string]string{"SOURCE_DATE_EPOCH": "0"},
		},
	}.must(t)
	require.Len(t, res.Images, 2)
	native, other := res.Images[foreign.Native], res.Images[foreign.Platform]

	t.Run("what is pure Python has one digest", func(t *testing.T) {
		for _, file := range []string{"/usr/local/lib/python313.zip", "/usr/local/lib/python3.13/os.pyc", "/usr/local/lib/look/look.py"} {
			require.Equal(t, layerOf(t, native, file), layerOf(t, other, file), file)
		}
		require.NotEqual(t, layerOf(t, native, "/usr/local/bin/python3.13"), layerOf(t, other, "/usr/local/bin/python3.13"))
		var compiled int
		for _, vertex := range res.Vertices {
			if strings.Contains(vertex.Name, "compile the standard library") {
				compiled++
				require.Contains(t, vertex.Name, foreign.Native)
			}
		}
		require.Equal(t, 1, compiled)
	})
	t.Run("the images differ in programs alone", func(t *testing.T) {
		requireSameButPrograms(t, native, other)
	})
	t.Run("database and files agree", func(t *testing.T) {
		db := apkDatabase(t, other)
		requirePackagesWhole(t, other, db)
		requireNoPhantoms(t, other, db)
		arch, err := other.ReadFile(t.Context(), "/etc/apk/arch")
		require.NoError(t, err)
		require.Equal(t, foreign.Arch, strings.TrimSpace(string(arch)))
	})
	t.Run("runs", func(t *testing.T) {
		require.Equal(t, strings.Join([]string{
			foreign.Arch + " 65532 /srv/data hello 1",
			foreign.Arch + "-linux-musl /usr/local/lib/python3.13",
			"True",
			"Europe/Paris 2",
			"42 /usr/local/lib/python313.zip/ssl.pyc",
			"",
		}, "\n"), runForeign(t, foreign, other, testenv.RunOptions{ReadOnly: true, NoNewPrivileges: true}))
		require.Contains(t, runForeign(t, foreign, other, testenv.RunOptions{Entrypoint: []string{"/usr/bin/zip", "-v"}}), "This is Zip 3.0")
		require.Equal(t, "hello\n", runForeign(t, foreign, other, testenv.RunOptions{Entrypoint: []string{"/bin/sh", "-c", "echo $GREETING"}}))
	})
}

// Whatever a script would have done is missing: so the build must fail, and say for which packages.
func TestIntegrationForeignScriptsAreErrors(t *testing.T) {
	foreign := shared.Env(t).RequireForeign(t)
	for name, test := range map[string]struct {
		target, keys, line string
		words              []string
	}{
		"package": {
			keys: "packages: [hello-apk, hello-service]\n", line: "packages: [hello-apk, hello-service]",
			words: []string{"hello-service: post-install, pre-install, trigger"},
		},
		"to build with": {
			target: "buildroot",
			keys:   "apk:\n  build: [hello-service]\n", line: "  build: [hello-service]",
			words: []string{"hello-service: post-install, pre-install"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			log, err := build{spec: minimal + test.keys, BuildRequest: testenv.BuildRequest{
				Target: test.target, Platforms: []string{foreign.Platform},
			}}.fails(t)
			require.Contains(t, testenv.SourceExcerpt(err), ">>> "+test.line)
			require.Contains(t, log, "packages for "+foreign.Platform+" have scripts that must run when they are installed:")
			require.NotContains(t, log, "hello-apk:")
			require.NotContains(t, log, "busybox:")
			for _, words := range append(test.words, "tonistiigi/binfmt --install "+strings.TrimPrefix(foreign.Platform, "linux/")) {
				require.Contains(t, log, words)
			}
		})
	}
}

// The companion image for the other platform: what it has is of that platform, and nothing
// of it ran.
func TestIntegrationForeignBuildroot(t *testing.T) {
	foreign := shared.Env(t).RequireForeign(t)
	img := build{spec: minimal + "apk: {build: [zip]}\n", BuildRequest: testenv.BuildRequest{
		Target: "buildroot", Platforms: []string{foreign.Platform},
	}}.must(t).Image
	require.Equal(t, foreign.Platform, "linux/"+img.Config.Architecture)
	files := filesOf(t, img)
	for _, name := range []string{"/usr/local/bin/chroot-apk", "/d/usr/local/lib/python313.zip", "/d/usr/bin/dash", "/usr/bin/zip"} {
		require.Contains(t, files, name)
	}
	require.Contains(t, apkDatabase(t, img), "zip")
	require.Contains(t, runForeign(t, foreign, img, testenv.RunOptions{Entrypoint: []string{"/usr/bin/zip", "-v"}}), "This is Zip 3.0")
	for _, python := range []string{"/usr/local/bin/python", "/d/usr/local/bin/python"} {
		out := runForeign(t, foreign, img, testenv.RunOptions{
			Entrypoint: []string{python, "-c", "import os, pip; print(os.uname().machine)"},
			Env:        []string{"PYTHONPATH=/usr/local/lib/python3.13/site-packages"},
		})
		require.Equal(t, foreign.Arch+"\n", out)
	}
}

// The images that a Dockerfile names are made for its platforms.
func TestIntegrationDockerfileForPlatforms(t *testing.T) {
	env := shared.Env(t)
	foreign := env.RequireForeign(t)
	res := build{
		spec:  "#syntax=autumnjolitz/distroless-frontend\nFROM " + published + "\nCOPY hello.py /\nCMD [\"/hello.py\"]\n",
		files: map[string]string{"hello.py": "import os\nprint(os.uname().machine)\n"},
		BuildRequest: testenv.BuildRequest{
			Platforms: []string{foreign.Native, foreign.Platform},
		},
	}.must(t)
	require.Equal(t, foreign.Arch+"\n", runForeign(t, foreign, res.Images[foreign.Platform], testenv.RunOptions{}))
	run(t, res.Images[foreign.Native], testenv.RunOptions{})
}

// As docs/platforms.rst has it: pip runs for the build platform, and what it installs is for all.
func TestIntegrationDockerfileInstallsOnTheBuildPlatform(t *testing.T) {
	env := shared.Env(t)
	foreign := env.RequireForeign(t)
	res := build{
		spec: `#syntax=autumnjolitz/distroless-frontend
FROM --platform=$BUILDPLATFORM ` + published + `-buildroot AS buildroot
ARG PIP_FIND_LINKS PIP_NO_INDEX
RUN chroot-pip install httpie

FROM ` + published + `
COPY --from=buildroot /d/usr/local/lib/python3.13/site-packages /usr/local/lib/python3.13/site-packages
`,
		BuildRequest: testenv.BuildRequest{Platforms: []string{foreign.Native, foreign.Platform}},
	}.must(t)
	native, other := res.Images[foreign.Native], res.Images[foreign.Platform]
	const httpie = "/usr/local/lib/python3.13/site-packages/httpie/__init__.py"
	require.Equal(t, layerOf(t, native, httpie), layerOf(t, other, httpie))
	require.Equal(t, "3.2.4\n", runForeign(t, foreign, other, testenv.RunOptions{Args: []string{"-m", "httpie", "--version"}}))
}
