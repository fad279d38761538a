package frontend_test

import (
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
)

// orphan leaves a process that ends after its parent has: whoever is the first process gets it.
const orphan = `
import os, signal, subprocess, sys, time

def states():
    for pid in filter(str.isdecimal, os.listdir("/proc")):
        try:
            yield pid, open(f"/proc/{pid}/stat").read().rpartition(")")[2].split()[0]
        except OSError:
            pass

subprocess.run(["/bin/sh", "-c", "python -c 'import time; time.sleep(.2)' &"])
time.sleep(3)
print("pid", os.getpid(), "zombies", [pid for pid, state in states() if state == "Z"] != [], flush=True)
`

// waiting prints that it has started, and waits for a signal. Python handles SIGINT only.
const waiting = "\nprint('started', flush=True)\ntime.sleep(60)\n"

// handling ends by SIGTERM with an exit code of its own.
const handling = "\nsignal.signal(signal.SIGTERM, lambda *_: sys.exit(7))" + waiting

// started returns a container of the image that has said it has started.
func started(t *testing.T, img *testenv.Image, program string) *testenv.Container {
	t.Helper()
	container, err := img.Start(t.Context(), testenv.RunOptions{
		Args: []string{"-c", program}, ReadOnly: true, NoNewPrivileges: true, CapDrop: []string{"ALL"},
	})
	require.NoError(t, err)
	require.Eventually(t, func() bool {
		stdout, _ := container.Output()
		return strings.Contains(stdout, "started")
	}, 60*time.Second, 20*time.Millisecond)
	return container
}

// What docs/running.rst says of Python as the first process.
func TestIntegrationPythonIsTheFirstProcess(t *testing.T) {
	img := finalOf(t, minimal+"user: nonroot\n")
	t.Run("it ignores SIGTERM", func(t *testing.T) {
		container := started(t, img, "import time"+waiting)
		require.NoError(t, container.Signal("SIGTERM"))
		select {
		case <-container.Done():
			t.Fatal("it ended")
		case <-time.After(2 * time.Second):
		}
		require.NoError(t, container.Signal("SIGKILL"))
		<-container.Done()
	})
	t.Run("it heeds SIGINT, by KeyboardInterrupt", func(t *testing.T) {
		img := finalOf(t, minimal+"user: nonroot\nstopsignal: SIGINT\n")
		res, err := started(t, img, "import time"+waiting).Stop()
		require.NoError(t, err)
		require.Contains(t, res.Stderr, "KeyboardInterrupt")
		require.Equal(t, 130, res.ExitCode)
	})
	t.Run("it may handle SIGTERM", func(t *testing.T) {
		res, err := started(t, img, "import signal, sys, time"+handling).Stop()
		require.NoError(t, err)
		require.Equal(t, 7, res.ExitCode)
	})
	t.Run("it keeps zombies", func(t *testing.T) {
		require.Contains(t, run(t, img, testenv.RunOptions{Args: []string{"-c", orphan}}), "pid 1 zombies True")
	})
	t.Run("a shell keeps signals to itself unless it is replaced", func(t *testing.T) {
		img := build{spec: minimal + "entrypoint: exec python -c \"$PROGRAM\"\nenv: {PROGRAM: 'import os; print(os.getpid())'}\n"}.must(t).Image
		require.Equal(t, "1\n", run(t, img, testenv.RunOptions{}))
	})
}

func TestIntegrationInit(t *testing.T) {
	tini := extraPackage(t, "tini")
	img := build{spec: minimal + "init: true\nuser: nonroot\n"}.withPackages(t, tini).must(t).Image
	require.Equal(t, []string{"/sbin/tini", "--", "/usr/local/bin/python"}, img.Config.Config.Entrypoint)
	database, err := img.ReadFile(t.Context(), "/lib/apk/db/installed")
	require.NoError(t, err)
	require.Contains(t, string(database), "\nP:tini\n")

	t.Run("zombies are reaped", func(t *testing.T) {
		out := run(t, img, testenv.RunOptions{Args: []string{"-c", orphan}})
		require.Regexp(t, `^pid [2-9]\d* zombies False\n$`, out)
	})
	t.Run("SIGTERM ends what does not handle it", func(t *testing.T) {
		res, err := started(t, img, "import time"+waiting).Stop()
		require.NoError(t, err)
		require.Equal(t, 128+15, res.ExitCode)
	})
	t.Run("SIGTERM reaches what handles it, and its exit code is kept", func(t *testing.T) {
		res, err := started(t, img, "import signal, sys, time"+handling).Stop()
		require.NoError(t, err)
		require.Equal(t, 7, res.ExitCode)
	})
	t.Run("a package of the spec leaves it cached", func(t *testing.T) {
		res := build{spec: minimal + "init: true\npackages: [zip]\n"}.withPackages(t, tini).must(t)
		require.Equal(t, []string{stepLook, stepMerge, "[root] install zip"}, ran(res))
	})
	t.Run("a command without an entrypoint", func(t *testing.T) {
		img := build{spec: minimal + "init: true\nentrypoint: []\ncmd: echo $0 and exit\n"}.withPackages(t, tini).must(t).Image
		require.Equal(t, []string{"/sbin/tini", "--"}, img.Config.Config.Entrypoint)
		require.Equal(t, "/usr/bin/dash and exit\n", run(t, img, testenv.RunOptions{}))
	})
}

// The base's own list of repositories has the init; a mirror may have none.
func TestIntegrationInitOfNoRepository(t *testing.T) {
	testenv.RequireAlpine(t)
	log, err := build{spec: minimal + "init: true\n"}.fails(t)
	require.Contains(t, log, "tini (no such package)")
	require.Contains(t, testenv.SourceExcerpt(err), "   4 | >>> init: true")
}
