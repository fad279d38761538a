package frontend_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
)

// helper runs a command in the buildroot image.
func helper(t *testing.T, env []string, command ...string) testenv.RunResult {
	t.Helper()
	fixtures := shared.Env(t).Fixtures
	res, err := publish(t).Run(t.Context(), testenv.RunOptions{
		Entrypoint: command,
		Env:        append([]string{"PIP_FIND_LINKS=" + fixtures.Wheels(), "PIP_NO_INDEX=1"}, env...),
		WorkDir:    "/tmp",
	})
	require.NoError(t, err)
	return res
}

// script runs a script for busybox's shell in the buildroot image. $1… are args.
func script(t *testing.T, env []string, text string, args ...string) testenv.RunResult {
	t.Helper()
	return helper(t, env, append([]string{"sh", "-euc", listing + text, "sh"}, args...)...)
}

// mustScript returns what a script prints, which has to work.
func mustScript(t *testing.T, text string, args ...string) string {
	t.Helper()
	res := script(t, nil, text, args...)
	require.Zero(t, res.ExitCode, "%s\n%s", res.Stdout, res.Stderr)
	return res.Stdout
}

// listing is a function that prints all there is in the root but times.
const listing = `
listing() {
    (cd "$BUILD_ROOT" && find . ! -type f -exec stat -c '%N %a %u:%g' {} + && find . -type f -exec stat -c '%n %a %u:%g' {} + &&
        find . -type f -exec sha256sum {} +) | sort
}
`

// awkward are arguments that a careless script breaks.
var awkward = []string{
	"a b", " lead", "trail ", "it's", `a "quote"`, "*", "[a-z]*", "?", "~", "$HOME", "$(id)", "`id`", `back\slash`, `\n`,
	"two\nlines", "ends\n", "\n", "", "--", "-n", "-e", "NAME=value", "=", "é☃", "a;b", "a&b", "a|b", ">out", "#no", "!x", "{a,b}", "%s",
}

func TestIntegrationChrootExecPassesArguments(t *testing.T) {
	const program = "import json, os, sys; print(json.dumps([sys.argv[1:], os.environ['ODD'], os.environ.get('E', 'unset'), os.getcwd()]))"
	odd := "a 'b' \"c\" *\n$HOME"
	res := helper(t, nil, append([]string{"chroot-exec", "ODD=" + odd, "E=", "python", "-c", program}, awkward...)...)
	require.Zero(t, res.ExitCode, res.Stderr)
	var got []any
	require.NoError(t, json.Unmarshal([]byte(res.Stdout), &got), res.Stdout)
	want := make([]any, 0, len(awkward))
	for _, arg := range awkward {
		want = append(want, arg)
	}
	require.Equal(t, []any{want, odd, "", "/"}, got)
}

func TestIntegrationChrootExecRunsWhatTheImageHas(t *testing.T) {
	for name, test := range map[string]struct {
		command []string
		out     string
	}{
		"interpreter": {[]string{"chroot-exec", "python", "-c", "import sys; print(sys.path[1])"}, "/usr/local/lib/python313.zip\n"},
		"assignments only for the command": {
			[]string{"chroot-exec", "PATH=/nowhere", "/usr/bin/dash", "-c", "echo $PATH"}, "/nowhere\n",
		},
		"not a shell of the builder": {[]string{"chroot-exec", "dash", "-c", "type ls || :"}, "ls: not found\n"},
		"variable of the image":      {[]string{"chroot-exec", "dash", "-c", "echo $PYTHON_VERSION $LANG"}, "3.13 C.UTF-8\n"},
		"standard input":             {[]string{"sh", "-c", "echo given | chroot-exec dash -c 'read -r x; echo $x'"}, "given\n"},
		"null device":                {[]string{"chroot-exec", "dash", "-c", "echo gone >/dev/null && echo kept"}, "kept\n"},
	} {
		t.Run(name, func(t *testing.T) {
			res := helper(t, nil, test.command...)
			require.Zero(t, res.ExitCode, res.Stderr)
			require.Equal(t, test.out, res.Stdout)
		})
	}
}

// Whatever way a command ends, its status is the caller's and the root is as it was.
func TestIntegrationHelpersKeepTheExitStatus(t *testing.T) {
	for command, status := range map[string]int{
		"chroot-exec dash -c 'exit 37'":              37,
		"chroot-exec dash -c 'exit 0'":               0,
		"chroot-exec dash -c 'kill -9 $$'":           137,
		"chroot-exec no-such-command":                127,
		"chroot-exec /etc/passwd":                    126,
		"chroot-exec":                                64,
		"chroot-exec A=b":                            64,
		"chroot-apk add no-such-package":             1,
		"chroot-apk no-such-verb":                    1,
		"chroot-apk info -e dash":                    0,
		"chroot-apk info -e no-such-package":         1,
		"chroot-pip install no-such-package":         1,
		"chroot-pip no-such-verb":                    1,
		"chroot-pip show no-such-package":            1,
		"chroot-pip install --no-such-option":        2,
		"chroot-pip":                                 64,
		"chroot-pip -O":                              64,
		"chroot-pip optimize":                        64,
		"chroot-pip optimize no-such-package":        1,
		"chroot-ln -s target /no/such/folder/link":   1,
		"chroot-ln":                                  1,
		"chroot-ln -s python /usr/local/bin/python":  1,
		"remove-py-if-pyc-exists":                    64,
		"remove-py-if-pyc-exists /no/such/file.py":   1,
		"BUILD_ROOT= chroot-exec true":               78,
		"BUILD_ROOT=/ chroot-apk add hello-apk":      78,
		"BUILD_ROOT=/no/such/folder chroot-pip list": 78,
		"timeout -s TERM 1 chroot-exec python -c 'import time; time.sleep(2)'": 143,
	} {
		t.Run(command, func(t *testing.T) {
			t.Parallel()
			res := script(t, nil, `
listing >/tmp/before
status=0
sh -c "$1" || status=$?
listing >/tmp/after
diff /tmp/before /tmp/after >&2
echo "status $status"`, command)
			require.Zero(t, res.ExitCode, "the root is not as it was:\n%s", res.Stderr)
			require.Equal(t, fmt.Sprintf("status %d", status), lines(res.Stdout)[len(lines(res.Stdout))-1], res.Stderr)
		})
	}
}

func TestIntegrationChrootLn(t *testing.T) {
	out := mustScript(t, `
chroot-ln -s /usr/local/bin/python "/usr/bin/a snake"
chroot-ln -s 'it'\''s *' '/opt/two
lines'
chroot-ln -sf python3 /usr/local/bin/python
chroot-ln /usr/share/misc/../../bin/dash /usr/bin/hard
cd /tmp && chroot-ln -s relative /usr/bin/link
cd "$BUILD_ROOT"
for link in "usr/bin/a snake" 'opt/two
lines' usr/local/bin/python; do readlink "$link"; done
[ usr/bin/hard -ef usr/bin/dash ] && echo hard
readlink usr/bin/link
chroot-exec '/usr/bin/a snake' -c 'print("runs")'
ls -d .chroot dev/null 2>/dev/null || :`)
	hard := "hard\n"
	if testenv.Rootless() {
		hard = "" // an overlay of a user namespace gives each name of a file a number of its own
	}
	require.Equal(t, "/usr/local/bin/python\nit's *\npython3\n"+hard+"relative\nruns\n", out)
}

func TestIntegrationRemovePyIfPycExists(t *testing.T) {
	out := mustScript(t, `
mkdir /tmp/m && cd /tmp/m
for f in plain 'a b' '*' 'two
lines' -q; do echo "x = 1" >"./$f.py"; done
python -m compileall -q -b . && rm -rf __pycache__
echo 'x = 1' >lonely.py
echo 'x = 1' >broken.py; echo rubbish >broken.pyc
remove-py-if-pyc-exists plain.py lonely.py
remove-py-if-pyc-exists -q 'a b.py' '*.py' 'two
lines.py' broken.py lonely.py
remove-py-if-pyc-exists -- -q.py
ls -1 *.py
python -c 'import plain; print(plain.x)'`)
	require.Equal(t, "removed plain.py\nkept lonely.py\nremoved -q.py\nbroken.py\nlonely.py\n1\n", out)
}

func TestIntegrationHelpersTraceOnRequest(t *testing.T) {
	for variable, command := range map[string]string{
		"CHROOT_EXEC_DEBUG": "chroot-exec python -c pass",
		"CHROOT_LN_DEBUG":   "chroot-ln -s python /usr/local/bin/snake",
		"CHROOT_PIP_DEBUG":  "chroot-pip list",
		"CHROOT_APK_DEBUG":  "chroot-apk info",
	} {
		t.Run(variable, func(t *testing.T) {
			traced := helper(t, []string{variable + "=1"}, strings.Fields(command)...)
			require.Zero(t, traced.ExitCode)
			require.Regexp(t, `(?m)^\+ `, traced.Stderr)
			for _, env := range [][]string{nil, {variable + "=0"}, {"CHROOT_OTHER_DEBUG=1"}} {
				quiet := helper(t, env, strings.Fields(command)...)
				require.Zero(t, quiet.ExitCode)
				require.NotContains(t, quiet.Stderr, "+ ")
				require.Equal(t, traced.Stdout, quiet.Stdout, "a trace must not get into the output")
			}
		})
	}
}

func TestIntegrationSourceDateEpochOfHelpers(t *testing.T) {
	const program = "import os; print(os.environ.get('SOURCE_DATE_EPOCH'))"
	for value, want := range map[string]string{"-": "None\n", "123": "123\n", "0": "0\n"} {
		res := helper(t, []string{"SOURCE_DATE_EPOCH=" + value}, "chroot-exec", "python", "-c", program)
		require.Zero(t, res.ExitCode, res.Stderr)
		require.Equal(t, want, res.Stdout)
	}
	// "-" is no number: pip would fail to read it while it builds a wheel.
	res := helper(t, []string{"SOURCE_DATE_EPOCH=-"}, "chroot-pip", "install", "six")
	require.Zero(t, res.ExitCode, res.Stderr)
}
