package frontend_test

import (
	"maps"
	"os"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
)

// demoWheels writes two versions of a package: 1.0 has a module more than 2.0.
func demoWheels(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	require.NoError(t, os.Chmod(dir, 0o755))
	writeDemo(t, dir, "1.0", map[string]string{"demo/old.py": "", "demo_extra.py": ""})
	writeDemo(t, dir, "2.0", nil)
	return dir
}

// writeDemo writes a wheel of a project with a command.
func writeDemo(t *testing.T, dir, version string, more map[string]string) {
	t.Helper()
	files := map[string]string{
		"demo/__init__.py": "version = '" + version + "'\ndef main(): print('demo', version)\n",
		"demo-" + version + ".dist-info/entry_points.txt": "[console_scripts]\ndemo = demo:main\n",
	}
	maps.Copy(files, more)
	name, content := wheel(t, "demo", version, files)
	writeFiles(t, dir, map[string]string{name: content})
}

// withDemo runs a script in the buildroot image, for which the demo wheels are an index too.
func withDemo(t *testing.T, text string) string {
	t.Helper()
	res, err := publish(t).Run(t.Context(), testenv.RunOptions{
		Entrypoint: []string{"sh", "-euc", listing + text},
		Env:        []string{"PIP_FIND_LINKS=/demo " + shared.Env(t).Fixtures.Wheels(), "PIP_NO_INDEX=1"},
		Mounts:     []testenv.Mount{{Source: demoWheels(t), Target: "/demo", ReadOnly: true}},
	})
	require.NoError(t, err)
	require.Zero(t, res.ExitCode, "%s\n%s", res.Stdout, res.Stderr)
	return res.Stdout
}

func TestIntegrationChrootPipUpgradesAndUninstalls(t *testing.T) {
	out := withDemo(t, `
listing >/tmp/before
chroot-pip install -q demo==1.0
chroot-exec demo
head -n 1 "$BUILD_ROOT/usr/local/bin/demo"
chroot-exec python -c 'import demo_extra, demo.old'
chroot-pip install -q --upgrade demo
chroot-exec demo
cd "$BUILD_ROOT/usr/local/lib/python3.13/site-packages"
ls -d demo*
chroot-pip list --format=freeze
chroot-pip uninstall -q -y demo
listing >/tmp/after
diff /tmp/before /tmp/after`)
	require.Equal(t, "demo 1.0\n#!/usr/local/bin/python3.13\ndemo 2.0\ndemo\ndemo-2.0.dist-info\ndemo==2.0\n", out)
}

func TestIntegrationChrootPipOptimizes(t *testing.T) {
	const show = `
cd "$BUILD_ROOT/usr/local/lib/python3.13/site-packages"
find demo* idna -name '*.py*' | sort | head -n 6
chroot-exec python -c 'import demo, idna; print(demo.__file__, idna.encode("ö.de"))'
listing >&3`
	ways := map[string]string{
		"-O":              "chroot-pip -O install -q demo idna",
		"--optimize":      "chroot-pip --optimize install -q demo idna",
		"PIP_OPTIMIZE":    "PIP_OPTIMIZE=1 chroot-pip install -q demo idna",
		"afterwards":      "chroot-pip install -q demo idna; chroot-pip optimize idna Demo",
		"one by one":      "chroot-pip -O install -q idna; chroot-pip -O install -q demo",
		"upgrade":         "chroot-pip -O install -q demo==1.0 idna; chroot-pip -O install -q -U demo",
		"twice":           "chroot-pip -O install -q demo idna; chroot-pip optimize demo idna",
		"newly":           "chroot-pip -O install -q demo idna; chroot-pip -O install -q --force-reinstall demo idna",
		"by pip's prefix": `python -m pip install -q --no-compile --prefix "$BUILD_ROOT/usr/local" demo idna 2>/dev/null; chroot-pip optimize demo idna`,
	}
	roots := map[string]string{}
	for name, way := range ways {
		out := withDemo(t, "exec 3>/tmp/root\n"+way+show+"\necho ===; grep -v -e usr/local/bin/ -e dist-info/RECORD /tmp/root")
		shown, root, _ := strings.Cut(out, "===\n")
		require.Equal(t, "demo/__init__.pyc\nidna/__init__.pyc\nidna/codec.pyc\nidna/compat.pyc\nidna/core.pyc\nidna/idnadata.pyc\n"+
			"/usr/local/lib/python3.13/site-packages/demo/__init__.pyc b'xn--nda.de'\n", shown, name)
		roots[name] = root
	}
	for name, root := range roots {
		require.Equal(t, roots["-O"], root, name)
	}
}

func TestIntegrationChrootPipUninstallsWhatItOptimized(t *testing.T) {
	out := withDemo(t, `
listing >/tmp/before
chroot-pip -O install -q demo==1.0 httpie
chroot-exec http --version
chroot-pip -O install -q demo==2.0
chroot-pip list --format=freeze | cut -d= -f1 | xargs chroot-pip uninstall -q -y
listing >/tmp/after
diff /tmp/before /tmp/after`)
	require.Equal(t, "3.2.4\n", out)
}

func TestIntegrationOptimizeOff(t *testing.T) {
	for _, value := range []string{"0", "off"} {
		out := withDemo(t, "PIP_OPTIMIZE="+value+` chroot-pip install -q demo; ls "$BUILD_ROOT/usr/local/lib/python3.13/site-packages/demo"`)
		require.Equal(t, "__init__.py\n", out)
	}
}

// What the builder itself has installed is none of the root's business.
func TestIntegrationPackagesOfTheBuilderAreInstalledAllTheSame(t *testing.T) {
	for name, install := range map[string]string{
		"chroot-pip": "chroot-pip install -q requests",
		"prefix":     `python -m pip install -q --prefix "$BUILD_ROOT/usr/local" requests`,
		"pip":        `pip install -q --prefix="$BUILD_ROOT/usr/local" requests`,
	} {
		t.Run(name, func(t *testing.T) {
			out := withDemo(t, "pip install -q requests pip setuptools\n"+install+`
chroot-exec python -c 'import requests, urllib3, idna; print(requests.__version__, requests.__file__)'
pip show -q requests && echo still in the builder
chroot-pip install -q pip && chroot-exec python -m pip --version`)
			require.Equal(t, "2.32.3 /usr/local/lib/python3.13/site-packages/requests/__init__.py\nstill in the builder\n"+
				"pip 25.1.1 from /usr/local/lib/python3.13/site-packages/pip (python 3.13)\n", out)
		})
	}
}

func TestIntegrationChrootPipReadsRequirements(t *testing.T) {
	out := withDemo(t, `
printf 'demo<2 # old\n' >"/tmp/it's a \"list\" *.txt"
cd /tmp && chroot-pip install -q -r "it's a \"list\" *.txt"
chroot-pip freeze
chroot-pip check`)
	require.Equal(t, "demo==1.0\nNo broken requirements found.\n", out)
}
