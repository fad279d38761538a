package frontend_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
)

func TestIntegrationEnsurepipAnswers(t *testing.T) {
	const program = "import ensurepip; print(ensurepip.version())"
	want := python(t, baseImage(t), program)
	require.Regexp(t, `^\d+\.\d`, want)
	img := finalOf(t, minimal)
	require.Equal(t, want, python(t, img, program))
	require.Equal(t, "pip "+want+"\n", run(t, img, testenv.RunOptions{Args: []string{"-m", "ensurepip", "--version"}}))
	require.Empty(t, run(t, img, testenv.RunOptions{Args: []string{"-m", "ensurepip._uninstall"}}))
	require.Empty(t, python(t, img, "import ensurepip; ensurepip.bootstrap(root='/tmp', upgrade=True, default_pip=True)"))
}

func TestIntegrationEnsurepipSaysHowToAddPackages(t *testing.T) {
	img := finalOf(t, minimal)
	for _, options := range [][]string{nil, {"--upgrade", "--default-pip"}, {"--user", "-v"}, {"--root", "/tmp/root"}} {
		// On a root that cannot be written, anything it installed would be an error.
		for _, user := range []string{"0", "65532"} {
			res, err := img.Run(t.Context(), testenv.RunOptions{
				Args:     append([]string{"-m", "ensurepip"}, options...),
				User:     user,
				ReadOnly: true,
			})
			require.NoError(t, err)
			require.Zero(t, res.ExitCode, res.Stderr)
			require.Empty(t, res.Stdout)
			for _, words := range []string{"pip is not part of it", "pip.packages or pip.requirements", "-buildroot"} {
				require.Contains(t, res.Stderr, words)
			}
			require.NotContains(t, res.Stderr, "Traceback")
		}
	}
}

func TestIntegrationEnsurepipInstallsNothing(t *testing.T) {
	out := python(t, finalOf(t, minimal), `
import os, subprocess, sys
def listing():
    return {os.path.join(d, f) for top in ('/usr', '/root', '/home', '/var', '/etc') for d, _, fs in os.walk(top) for f in fs}
before = listing()
subprocess.run([sys.executable, '-m', 'ensurepip', '--upgrade'], check=True, stderr=subprocess.DEVNULL)
print(sorted(listing() ^ before))
`)
	require.Equal(t, "[]", out)
}

// A script for dash, which makes a virtual environment in $1 and uses it.
const useVenv = `
set -eu
dir=$1
shift
python -m venv "$@" "$dir"
for script in activate activate.csh activate.fish Activate.ps1; do
    python - "$dir/bin/$script" <<'END'
import os, sys
text = open(sys.argv[1]).read()
if "__VENV_" in text: sys.exit(sys.argv[1] + " has a placeholder left")
if not sys.argv[1].endswith(".ps1") and os.path.dirname(os.path.dirname(sys.argv[1])) not in text:
    sys.exit(sys.argv[1] + " does not name the environment")
END
done
. "$dir/bin/activate"
python -c 'import json, ssl, sys; print(sys.prefix, sys.executable, sys.base_prefix)'
"$dir/bin/python3.13" -I -c 'import json, ssl, sys; print(sys.prefix)'
python -c 'import sys; print([p for p in sys.path if "site-packages" in p])'
deactivate
python -c 'import sys; print(sys.prefix)'
`

const venvPrints = `/tmp/env /tmp/env/bin/python /usr/local
/tmp/env
['/tmp/env/lib/python3.13/site-packages']
/usr/local
`

func TestIntegrationVenv(t *testing.T) {
	img := finalOf(t, minimal)
	for name, options := range map[string][]string{
		"plain":       nil,
		"without pip": {"--without-pip"},
		"copies":      {"--copies"},
		"cleared":     {"--clear", "--prompt", "it's a \"prompt\""},
	} {
		for _, who := range []testenv.RunOptions{
			{},
			{User: "65532"},
			{User: "nonroot:nonroot", ReadOnly: true},
			{ReadOnly: true},
		} {
			if name == "copies" && who.ReadOnly {
				continue // a tmpfs of Docker's runs no executables
			}
			t.Run(fmt.Sprintf("%s/user=%s/readonly=%t", name, who.User, who.ReadOnly), func(t *testing.T) {
				who.Entrypoint = append([]string{"dash", "-c", useVenv, "dash", "/tmp/env"}, options...)
				if who.ReadOnly {
					who.Mounts = []testenv.Mount{{Target: "/tmp"}}
				}
				res, err := img.Run(t.Context(), who)
				require.NoError(t, err)
				require.Zero(t, res.ExitCode, res.Stderr)
				require.Equal(t, venvPrints, res.Stdout)
				require.NotContains(t, res.Stderr, "Traceback")
			})
		}
	}
}

// The files of an environment are those that the base makes, but for pip.
func TestIntegrationVenvIsThatOfTheBase(t *testing.T) {
	const program = `
import hashlib, os, subprocess, sys
subprocess.run([sys.executable, '-m', 'venv', '--without-pip', '/tmp/env'], check=True)
for folder, folders, files in os.walk('/tmp/env'):
    folders.sort()
    for file in sorted(files + [f for f in folders if os.path.islink(os.path.join(folder, f))]):
        path = os.path.join(folder, file)
        content = os.readlink(path) if os.path.islink(path) else hashlib.sha256(open(path, 'rb').read()).hexdigest()
        print(path, oct(os.lstat(path).st_mode), content)
`
	want := python(t, baseImage(t), program)
	require.Contains(t, want, "/tmp/env/bin/activate ")
	require.Equal(t, want, python(t, finalOf(t, minimal), program))
}

func TestIntegrationVenvByName(t *testing.T) {
	out := python(t, finalOf(t, minimal), `
import subprocess, venv
venv.create('/tmp/a b', with_pip=True, symlinks=True)
print(subprocess.check_output(['/tmp/a b/bin/python', '-c', 'import sys; print(sys.prefix)'], text=True))
`)
	require.Equal(t, "/tmp/a b", out)
}
