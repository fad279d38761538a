package frontend_test

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/moby/buildkit/frontend/gateway/client"
	"github.com/stretchr/testify/require"

	"github.com/autumnjolitz/distroless-frontend/frontend"
	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
)

// served is a server that says in which surroundings it is, and can be slow to start.
const served = `
import http.server, os, sys, time
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/broken":
            self.send_response(500)
        elif self.path == "/starting" and time.monotonic() - started < 1:
            self.send_response(503)
        else:
            self.send_response(200)
        self.end_headers()
        if self.path == "/dribble":
            for _ in range(10000):
                self.wfile.write(b".")
                time.sleep(0.002)
        self.wfile.write(f"user {os.getuid()} in {os.getcwd()} with {os.environ['GREETING']}".encode())
started = time.monotonic()
time.sleep(float(os.environ.get("DELAY", "0")))
print("listening on", *sys.argv[1:], flush=True)
http.server.ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
`

// surroundings prints what a test finds around itself.
const surroundings = `
import os, socket, sys
def can(what, *args):
    try:
        what(*args)
        return "yes"
    except OSError as error:
        return error.strerror or str(error)
def listen():
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname()).close()
def write(path):
    with open(path, "w") as file:
        file.write("x")
print("user", os.getuid(), os.getgid(), os.getcwd(), os.environ.get("HOME"))
print("root", can(write, "/app/new"), can(write, "/etc/passwd"))
print("tmp", can(write, "/tmp/new"), "data", can(write, "/data/new"), can(write, "/data/old"))
print("loopback", can(listen))
print("interfaces", [name for _, name in socket.if_nameindex() if name != "lo"] != [])
print("environment", sorted(name for name in os.environ if name not in ("HOME", "HOSTNAME")))
print("left", os.path.exists("/distroless"), os.path.exists("/tmp/left"), os.path.exists("/data/left"))
write("/tmp/left")
`

func gatedApp(tests string) build {
	return build{
		spec: minimal + `
files:
  - {from: [probe.py, served.py], to: /app/}
  - {from: data, to: /data/, chown: nonroot}
user: nonroot
workdir: /app
env: {GREETING: hello}
expose: [8080]
volumes: [/data]
writable: [/var/lib/app]
entrypoint: [python, served.py]
cmd: ["8080"]
` + tests,
		files: map[string]string{"probe.py": surroundings, "served.py": served, "data/old": "old"},
	}
}

const passing = `
tests:
  - name: surroundings
    run: [python, probe.py]
    stdout:
      contains: ["root Read-only file system Read-only file system\ntmp yes data yes yes\nloopback yes\ninterfaces False\n"]
      matches:
        - '^user 65532 65532 /app /home/nonroot$'
        - "^environment \\['ALPINE_VERSION', 'BUILD_ROOT', 'GREETING', 'LANG', 'PATH', 'PYTHONDONTWRITEBYTECODE', 'PYTHON_VERSION'\\]$"
        - '^left False False False$'
  - name: surroundings of another user
    run: [python, /app/probe.py]
    user: root
    workdir: /tmp
    env: {DEBUG: "1"}
    stdout: {contains: ["user 0 0 /tmp /root\n", "'DEBUG'", "root Read-only file system", "left False False False"]}
  - name: with a network
    run: [python, probe.py]
    network: true
    stdout: {contains: [interfaces True]}
  - run: echo kept >/var/lib/app/state && read state </var/lib/app/state && echo "$state"
    stdout: {contains: [kept]}
  - run: echo out; echo err >&2; exit 3
    exit-code: 3
    stdout: {matches: ['^out$']}
    stderr: {matches: ['^err$']}
  - exists: [/app/served.py, /usr/local/bin/python, "/usr/local/lib/python*.zip"]
    absent: [/bin/busybox, /app/missing, "/usr/local/lib/python*/site-packages/pip"]
  - http: /
    status: 200
    body: {contains: [user 65532 in /app with hello]}
  - name: slow to start
    http: :9090/starting
    run: [python, served.py, "9090"]
    env: {DELAY: "0.3"}
  - tcp: 8080
`

// What passes adds nothing, and does not run again.
func TestIntegrationGatesPass(t *testing.T) {
	plain := gatedApp("").must(t)
	res := gatedApp(passing).must(t)
	require.Equal(t, plain.Image.Layers, res.Image.Layers)
	var tests []string
	for _, v := range res.Vertices {
		if strings.HasPrefix(v.Name, "[test] ") {
			require.True(t, v.Ran(), v.Name)
			tests = append(tests, v.Name)
		}
	}
	require.ElementsMatch(t, []string{
		"[test] surroundings", "[test] surroundings of another user", "[test] with a network",
		`[test] echo kept >/var/lib/app/state && read state </var/lib/app/state && echo "$state"`,
		"[test] echo out; echo err >&2; exit 3",
		"[test] /app/served.py, /usr/local/bin/python, /usr/local/lib/python*.zip, no /bin/busybox, no /app/…",
		"[test] http :8080/", "[test] slow to start", "[test] tcp 8080",
	}, tests)
	require.Empty(t, ran(gatedApp(passing).must(t)), "a test that passed has to be cached")

	again := gatedApp(strings.Replace(passing, "exit 3\n", "exit 4\n", 1))
	again.spec = strings.Replace(again.spec, "exit-code: 3", "exit-code: 4", 1)
	require.Equal(t, []string{"[test] echo out; echo err >&2; exit 4"}, ran(again.must(t)), "what was edited runs, and nothing else")
}

// evaluations counts what a frontend has a daemon do before the image is exported.
type evaluations struct {
	client.Client
	count *atomic.Int32
}

func (e evaluations) Solve(ctx context.Context, req client.SolveRequest) (*client.Result, error) {
	if req.Evaluate {
		e.count.Add(1)
	}
	return e.Client.Solve(ctx, req)
}

// The tests need the image, for which the frontend has found out already what it needs.
func TestIntegrationGatesFindNothingOutAgain(t *testing.T) {
	env := shared.Env(t)
	evaluated := func(tests string) int32 {
		var count atomic.Int32
		req := gatedApp(tests).on(t, env)
		req.Frontend = func(ctx context.Context, c client.Client) (*client.Result, error) {
			return frontend.Build(ctx, evaluations{c, &count})
		}
		res, err := env.Build(t.Context(), req)
		require.NoError(t, err, res.Log())
		return count.Load()
	}
	require.Equal(t, evaluated("")+1, evaluated("tests: [{exists: [/app]}]\n"))
}

func TestIntegrationGatesReproduce(t *testing.T) {
	created := map[string]string{"SOURCE_DATE_EPOCH": "0"}
	plain, tested := gatedApp(""), gatedApp(passing)
	plain.BuildArgs, tested.BuildArgs = created, created
	require.Equal(t, plain.must(t).Image.Digest, tested.must(t).Image.Digest)
}

func TestIntegrationGatesFail(t *testing.T) {
	failing := []struct {
		test    string
		name    string   // that the step and the error have
		marked  string   // in the line that is shown
		printed []string // in the log
	}{
		{
			`run: [python, -c, "print('look here'); raise SystemExit(3)"]`, "python -c print('look here'); raise SystemExit(3)", "look here",
			[]string{"look here\n", "FAILED: the command ended with exit status 3, expected 0"},
		},
		{
			`{name: says hello, run: [python, -V], stdout: {contains: [hello], matches: ["^Perl"]}}`, "says hello", "hello",
			[]string{"FAILED: stdout does not contain 'hello'", "FAILED: nothing in stdout matches '^Perl'"},
		},
		{
			`{name: half a group, run: [python, -V], stdout: {matches: ["("]}}`, "half a group", "matches",
			[]string{"FAILED: stdout.matches: '(' is not a regular expression: missing ), unterminated subpattern"},
		},
		{
			`run: [no-such-program]`, "no-such-program", "no-such-program",
			[]string{"cannot run no-such-program: No such file or directory", "exit status 127"},
		},
		{
			`{name: killed, run: [python, -c, "import os; os.kill(os.getpid(), 9)"]}`, "killed", "os.kill",
			[]string{"FAILED: the command was killed by signal 9, expected 0"},
		},
		{
			`{name: sleeps, run: [sh, -c, "echo sleeping; exec python -c 'import time; time.sleep(1000)'"], timeout: 3s}`, "sleeps", "sleeping",
			[]string{"sleeping\n", "FAILED: the command had not ended after 3 s"},
		},
		{
			`exists: [/app, /app/missing.py]`, "/app, /app/missing.py", "missing.py",
			[]string{"FAILED: /app/missing.py is not in the image"},
		},
		{
			`absent: [/app/*.py]`, "no /app/*.py", "absent", []string{"FAILED: /app/probe.py is in the image, which absent: /app/*.py forbids"},
		},
		{
			`http: /broken`, "http :8080/broken", "/broken",
			[]string{"user 65532 in /app", "FAILED: the answer to /broken has status 500, expected 200 to 399"},
		},
		{
			`{name: greets, http: /, body: {matches: ["^goodbye"]}}`, "greets", "goodbye", []string{"FAILED: nothing in body matches '^goodbye'"},
		},
		{
			`{tcp: 8081, timeout: 5s}`, "tcp 8081", "8081", []string{"listening on 8080", "FAILED: nothing answers on port 8081", "after 5 s"},
		},
		{
			`{name: dribbles, http: /dribble, timeout: 5s}`, "dribbles", "dribble", []string{"FAILED: no answer to /dribble (timed out) after 5 s"},
		},
		{
			`{name: database, http: /, run: [python, -c, "raise SystemExit('no database')"]}`, "database", "no database",
			[]string{"no database\n", "the server ended with exit status 1"},
		},
	}
	for _, test := range failing {
		t.Run(test.name, func(t *testing.T) {
			log, err := gatedApp("tests:\n  - {name: passes, run: [python, -V]}\n  - " + test.test + "\n").fails(t)
			require.Contains(t, marked(err), test.marked)
			requireOneLine(t, err, "test failed, see its output: "+test.name)
			require.Contains(t, log, "--- [test] "+test.name+"\n")
			for _, printed := range test.printed {
				require.Contains(t, log, printed)
			}
		})
	}
}

// requireOneLine checks that an error is one line, which ends like that, and shows one of the spec.
func requireOneLine(t *testing.T, err error, end string) {
	t.Helper()
	require.Regexp(t, regexp.QuoteMeta(end)+"$", err.Error())
	require.NotContains(t, err.Error(), "\n")
	require.NotContains(t, marked(err), "\n")
}

// A test that cannot be run has not failed: what is said is why it cannot.
func TestIntegrationGatesOfAnUnknownUser(t *testing.T) {
	_, err := gatedApp("tests:\n  - {run: [python, -V], user: stranger}\n").fails(t)
	require.ErrorContains(t, err, "stranger")
	require.NotContains(t, err.Error(), "test failed")
	require.Contains(t, marked(err), "stranger")
}

// An image may come without what asks a server.
func TestIntegrationGatesOfAnImageWithoutSockets(t *testing.T) {
	log, err := build{spec: minimal + "trim: {run: [[python, -c, pass]]}\ntests: [{tcp: 8080, run: [python, -c, 'import time; time.sleep(60)']}]\n"}.fails(t)
	require.ErrorContains(t, err, "test failed, see its output: tcp 8080")
	require.Contains(t, log, "FAILED: a test of a server needs the module _socket, and the image is without: ")
	require.NotContains(t, log, "Traceback")
}

// What is wrong with the image itself is no failure of a test.
func TestIntegrationGatesOfABrokenImage(t *testing.T) {
	_, err := build{spec: minimal + "packages: [no-such-package]\ntests:\n  - run: [python, -V]\n"}.fails(t)
	require.Equal(t, "packages: [no-such-package]", marked(err))
	require.NotContains(t, err.Error(), "test failed")
}

// Patterns reach all depths, and what must not be there cannot hide behind a dot or in a circle of links.
func TestIntegrationGatesLookAtAllDepths(t *testing.T) {
	of := func(tests string) build {
		b := gatedApp("tests:\n  - " + tests + "\n")
		for _, name := range []string{"data/a/b/deep.txt", "data/.git/config", "data/a/.env"} {
			b.files[name] = ""
		}
		b.spec = strings.Replace(b.spec, "files:\n", "files:\n  - {from: data, to: /srv/}\n", 1)
		b.Dir = contextDir(t, b.files)
		for _, link := range []string{"one", "other"} {
			require.NoError(t, os.Symlink(".", filepath.Join(b.Dir, "data", link)))
		}
		return b
	}
	of(`{exists: ["/srv/**/deep.txt", "/**/b/*", "/srv/.git/*", "/srv/.g*", "/srv/**/old"], absent: ["/srv/**/*.pyc", "/srv/**/old/*"]}`).must(t)
	for tests, want := range map[string]string{
		`absent: ["/srv/**/*.txt"]`:  "/srv/a/b/deep.txt is in the image, which absent: /srv/**/*.txt forbids",
		`absent: ["/srv/*/config"]`:  "/srv/.git/config is in the image",
		`absent: ["/srv/**"]`:        "/srv/a/.env is in the image",
		`exists: ["/srv/**/config"]`: "/srv/**/config is not in the image",
		`exists: ["/srv/**/*.env"]`:  "/srv/**/*.env is not in the image",
		`absent: ["/srv/**/b/**/*"]`: "/srv/a/b/deep.txt is in the image",
	} {
		log, err := of(tests).fails(t)
		require.ErrorContains(t, err, "test failed", tests)
		require.Contains(t, log, "FAILED: "+want)
	}
}

// On the network of the host, which is that of the daemon of these tests, another program's
// answer is not the server's.
func TestIntegrationGatesTakeNoAnswerOfAnother(t *testing.T) {
	other, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer other.Close()
	_, port, err := net.SplitHostPort(other.Addr().String())
	require.NoError(t, err)
	of := func(network string) build {
		return gatedApp(fmt.Sprintf("tests: [{tcp: %s, run: [python, served.py, %q], network: %s}]\n", port, port, network))
	}
	log, err := of("true").fails(t)
	require.ErrorContains(t, err, "test failed")
	require.Contains(t, log, "FAILED: something answers on port "+port+" before the server is started")
	require.NotContains(t, log, "listening on")

	of("false").must(t) // where nobody else is
}

// A process that a test leaves behind, with the output in its hands, holds nothing up.
func TestIntegrationGatesDoNotWaitForWhatTheyLeave(t *testing.T) {
	const leave = `import os, time; os.fork() or (os.setsid(), os.fork() or time.sleep(1000), time.sleep(1000)); print('left')`
	b := gatedApp(fmt.Sprintf("tests:\n  - run: [python, -c, %q]\n    stdout: {contains: [left]}\n", leave))
	res := b.must(t)
	require.Less(t, res.Vertex("[test] ").Took().Seconds(), 20.0)
}

func TestIntegrationTargetTest(t *testing.T) {
	b := gatedApp(passing)
	b.Target = "test"
	img := b.must(t).Image
	require.Empty(t, img.Layers)
	require.Empty(t, filesOf(t, img))

	failing := gatedApp("tests: [{exists: [/missing]}]\n")
	failing.Target = "test"
	_, err := failing.fails(t)
	require.ErrorContains(t, err, "test failed, see its output: /missing")

	without := gatedApp("")
	without.Target = "test"
	_, err = without.fails(t)
	require.ErrorContains(t, err, "there is nothing to test: the spec has no tests; add for example tests: [{run: [python, -V]}]")

	// The companion image is for builds, and is there whatever the tests say.
	failing.Target = "buildroot"
	failing.must(t)
}

// What would have to be executed for another platform is not tested, and said not to be.
func TestIntegrationGatesOfAnotherPlatform(t *testing.T) {
	foreign := shared.Env(t).RequireForeign(t)
	const tests = "tests:\n  - exists: [/app/served.py]\n  - run: [python, -c, 'raise SystemExit(1)']\n"
	b := gatedApp(tests)
	b.Platforms = []string{foreign.Platform}
	res := b.must(t)
	require.True(t, res.Vertex("test] /app/served.py").Ran())
	require.Nil(t, res.Vertex("test] python"))
	var warnings []string
	for _, w := range res.Warnings {
		warnings = append(warnings, string(w.Short))
	}
	require.Contains(t, strings.Join(warnings, "\n"), "tests that run a command or a server cannot be run for "+foreign.Platform)

	b.Target = "test"
	_, err := b.fails(t)
	require.ErrorContains(t, err, "cannot be run for "+foreign.Platform)
	require.Contains(t, marked(err), "raise SystemExit(1)")

	// For the daemon's own platform they are run, whatever else is built.
	b.Target, b.Platforms = "", []string{foreign.Native, foreign.Platform}
	log, err := b.fails(t)
	require.ErrorContains(t, err, "test failed")
	require.Contains(t, log, "exit status 1")
	b = gatedApp("tests: [{absent: [/app/served.py]}]\n")
	b.Platforms = []string{foreign.Platform}
	_, err = b.fails(t)
	require.ErrorContains(t, err, "test failed")
}

// Where the other platform is emulated, its tests are run as any.
func TestIntegrationGatesUnderEmulation(t *testing.T) {
	env := shared.Env(t)
	foreign := env.RequireForeign(t)
	daemon := env.NewEmulating(t, foreign)
	b := gatedApp("tests: [{run: [python, -c, 'import os; print(os.uname().machine)'], stdout: {contains: [" + foreign.Arch + "]}}, {http: /}]\n")
	b.Platforms, b.Target = []string{foreign.Platform}, "test"
	res, err := daemon.Build(t.Context(), b.on(t, env))
	require.NoError(t, err, "%s\n%s", testenv.SourceExcerpt(err), res.Log())
	require.True(t, res.Vertex("test] http").Ran())
}
