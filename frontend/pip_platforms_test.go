package frontend_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
)

// nativeArch is what Alpine calls the daemon's own architecture.
func nativeArch(foreign testenv.Foreign) string {
	if foreign.Arch == "aarch64" {
		return "x86_64"
	}
	return "aarch64"
}

// taggedBackend is a build backend (PEP 517) that makes a wheel of one tag.
const taggedBackend = `
import os, zipfile
NAME, TAG = %q, %q
MODULE = 'answer = 42\n'
def build_wheel(directory, config_settings=None, metadata_directory=None):
    name = NAME + '-1.0-' + TAG + '.whl'
    info = NAME + '-1.0.dist-info/'
    with zipfile.ZipFile(os.path.join(directory, name), 'w') as wheel:
        wheel.writestr(NAME + '.py', MODULE)
        wheel.writestr(info + 'METADATA', 'Metadata-Version: 2.1\nName: ' + NAME + '\nVersion: 1.0\n')
        wheel.writestr(info + 'WHEEL', 'Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: ' + TAG + '\n')
        wheel.writestr(info + 'RECORD', '')
    return name
`

// taggedSdist is a source distribution that such a wheel is built of.
func taggedSdist(t *testing.T, name, tag string) (file, content string) {
	t.Helper()
	return sdist(t, name, "1.0", map[string]string{
		"pyproject.toml": "[build-system]\nrequires = []\nbuild-backend = 'backend'\nbackend-path = ['.']\n",
		"backend.py":     fmt.Sprintf(taggedBackend, name, tag),
	})
}

// forBoth builds for the daemon's platform and the other one.
func forBoth(t *testing.T, foreign testenv.Foreign, pip string, files map[string]string) (native, other *testenv.Image) {
	t.Helper()
	res := build{spec: minimal + pip, files: files, BuildRequest: testenv.BuildRequest{
		Platforms:   []string{foreign.Native, foreign.Platform},
		ExportAttrs: map[string]string{"rewrite-timestamp": "true"},
		BuildArgs:   map[string]string{"SOURCE_DATE_EPOCH": "0"},
	}}.must(t)
	require.Len(t, res.Images, 2)
	return res.Images[foreign.Native], res.Images[foreign.Platform]
}

// What is not for one platform is one layer for both, also if it is built here.
func TestIntegrationPipOfBothPlatforms(t *testing.T) {
	foreign := shared.Env(t).RequireForeign(t)
	file, content := taggedSdist(t, "pure", "py3-none-any")
	native, other := forBoth(t, foreign, "pip: {packages: [six, pure], find-links: [dist, "+shared.Env(t).Fixtures.Wheels()+"]}\n", map[string]string{"dist/" + file: content})
	const installed = sitePackages + "/six.py"
	require.Equal(t, layerOf(t, native, installed), layerOf(t, other, installed))
	require.Equal(t, "1.17.0 42\n", runForeign(t, foreign, other, testenv.RunOptions{
		Args: []string{"-c", "import six, pure; print(six.__version__, pure.answer)"},
	}))
}

// Wheels are taken by the tags of the platform they are for, and markers are true of it.
func TestIntegrationPipTakesTheWheelOfThePlatform(t *testing.T) {
	foreign := shared.Env(t).RequireForeign(t)
	files := map[string]string{}
	for _, arch := range []string{foreign.Arch, nativeArch(foreign)} {
		file, content := taggedWheel(t, "gear", "1.0", "cp313-cp313-musllinux_1_2_"+arch, map[string]string{"gear.py": fmt.Sprintf("machine = %q\n", arch)})
		files["dist/"+file] = content
	}
	pip := fmt.Sprintf("pip: {packages: [gear, 'six; platform_machine == %q', 'idna; platform_machine == %q'], find-links: [dist, %s]}\n",
		nativeArch(foreign), foreign.Arch, shared.Env(t).Fixtures.Wheels())
	native, other := forBoth(t, foreign, pip, files)
	require.Equal(t, []string{"gear==1.0", "six==1.17.0"}, versions(t, native))
	require.Equal(t, nativeArch(foreign), python(t, native, "import gear; print(gear.machine)"))
	require.Equal(t, foreign.Arch+"\n", runForeign(t, foreign, other, testenv.RunOptions{Args: []string{"-c", "import gear, idna; print(gear.machine)"}}))
	require.NotContains(t, filesOf(t, other), sitePackages+"/six.py")
}

// extension makes a tagged backend one whose wheel is for the machine that builds it, as those of
// C extensions are. It requires a wheel that there is for either machine.
const extension = `
import gauge  # a requirement of the build, for this machine
MACHINE = os.uname().machine
assert gauge.machine == MACHINE, (gauge.machine, MACHINE)
assert os.getuid() == 65534, os.getuid()
TAG += MACHINE
MODULE = 'machine = %r\n' % MACHINE
`

// A daemon that emulates the other platform builds on it what there is no wheel of, with what
// that requires there, and nothing else.
func TestIntegrationPipBuildsUnderEmulation(t *testing.T) {
	env := shared.Env(t)
	foreign := env.RequireForeign(t)
	file, content := sdist(t, "gear", "1.0", map[string]string{
		"pyproject.toml": "[build-system]\nrequires = ['gauge']\nbuild-backend = 'backend'\nbackend-path = ['.']\n",
		"backend.py":     fmt.Sprintf(taggedBackend, "gear", "cp313-cp313-linux_") + extension,
	})
	files := map[string]string{"dist/" + file: content}
	for _, arch := range []string{foreign.Arch, nativeArch(foreign)} {
		file, content := taggedWheel(t, "gauge", "1.0", "cp313-cp313-musllinux_1_2_"+arch, map[string]string{"gauge.py": fmt.Sprintf("machine = %q\n", arch)})
		files["dist/"+file] = content
	}
	daemon := env.NewEmulating(t, foreign)
	install := func(name string) *testenv.BuildResult {
		res, err := daemon.Build(t.Context(), build{
			spec:         minimal + "pip: {packages: [" + name + "], find-links: [dist]}\n",
			files:        files,
			BuildRequest: testenv.BuildRequest{Platforms: []string{foreign.Native, foreign.Platform}},
		}.on(t, env))
		require.NoError(t, err, "%s\n%s", testenv.SourceExcerpt(err), res.Log())
		return res
	}
	const emulated = "build source distributions under emulation"
	res := install("gear")
	require.NotNil(t, res.Vertex(emulated))
	require.Equal(t, nativeArch(foreign), python(t, res.Images[foreign.Native], "import gear; print(gear.machine)"))
	require.Equal(t, foreign.Arch+"\n", runForeign(t, foreign, res.Images[foreign.Platform], testenv.RunOptions{
		Args: []string{"-c", "import gear; print(gear.machine)"},
	}))
	require.Nil(t, install("gauge").Vertex(emulated), "of it there are wheels")
}

// What cannot be had for the other platform is an error that names it and the tag.
func TestIntegrationPipForeignFailures(t *testing.T) {
	foreign := shared.Env(t).RequireForeign(t)
	nativeTag := "cp313-cp313-musllinux_1_2_" + nativeArch(foreign)
	distribution := func(file, content string) map[string]string { return map[string]string{"dist/" + file: content} }
	for name, test := range map[string]struct {
		files map[string]string
		words string
	}{
		"wheel of another platform": {
			distribution(taggedWheel(t, "gear", "1.0", nativeTag, nil)),
			"there is no wheel of gear for " + foreign.Platform + ", tag cp313-musllinux_1_2_" + foreign.Arch + ", nor a source distribution",
		},
		"source distribution of an extension": {
			distribution(taggedSdist(t, "gear", "cp313-cp313-linux_"+nativeArch(foreign))),
			"there is no wheel of gear==1.0 for " + foreign.Platform + ", and its source distribution builds one that is for linux_" +
				nativeArch(foreign) + " only: choose a version that has a wheel for musllinux_1_2_" + foreign.Arch,
		},
	} {
		t.Run(name, func(t *testing.T) {
			const line = "pip: {packages: [gear], find-links: [dist]}"
			log, err := build{spec: minimal + line + "\n", files: test.files, BuildRequest: testenv.BuildRequest{Platforms: []string{foreign.Platform}}}.fails(t)
			require.Contains(t, log, test.words)
			require.Contains(t, testenv.SourceExcerpt(err), ">>> "+line)
		})
	}
}
