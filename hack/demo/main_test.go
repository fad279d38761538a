package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/moby/sys/mountinfo"
	"github.com/stretchr/testify/require"

	"github.com/autumnjolitz/distroless-frontend/internal/leftovers"
	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
)

// grace is what processes get that are about to end.
const grace = 10 * time.Second

// someSpec is of someone's own: it is not among the examples.
const someSpec = `#syntax=autumnjolitz/distroless-frontend
python: "3.13"
alpine: "3.20"
pip: {packages: [six]}
entrypoint: [python, -c, "import six; print('six', six.__version__)"]
`

// ran finds the steps that are shown with how long they took, but for what only looks things up.
var ran = regexp.MustCompile(`(?m)^    \[(root|python|pip|files|final|buildroot)\] .* \([\d.]+ s\)$`)

// TestIntegrationDemo shows a spec that is not among the examples, twice. Before, in between
// and after that it is stopped: in the middle of a build or while a container runs.
func TestIntegrationDemo(t *testing.T) {
	testenv.Require(t)
	require.NoError(t, leftovers.Adopt())
	program, spec, out := filepath.Join(t.TempDir(), "demo"), filepath.Join(t.TempDir(), "Dockerfile"), t.TempDir()
	built, err := exec.Command("go", "build", "-o", program, ".").CombinedOutput()
	require.NoError(t, err, "%s", built)
	require.NoError(t, os.WriteFile(spec, []byte(someSpec), 0o644))
	demo := func() *exec.Cmd { return exec.CommandContext(t.Context(), program, "-spec", spec, "-o", out) }

	stop(t, demo(), out, "==> starting", syscall.SIGHUP)
	stop(t, demo(), out, "    [base] ", syscall.SIGINT)

	first, err := demo().CombinedOutput()
	require.NoError(t, err, "%s", first)
	require.Contains(t, string(first), "    six 1.17.0\n    exit status 0\n")
	require.Regexp(t, `(?m)^ +final +\d+\.\d MB +\d+\.\d MiB +\d+ +\d+ +\d+ ms *$`, string(first))
	require.Contains(t, string(first), "The images are OCI layouts in "+out+"/final and "+out+"/buildroot.")
	for _, name := range []string{"final", "buildroot"} {
		require.FileExists(t, filepath.Join(out, name, "index.json"))
	}
	require.NotEmpty(t, ran.FindAllString(string(first), -1))
	requireNothingLeft(t, out)

	second, err := demo().CombinedOutput()
	require.NoError(t, err, "%s", second)
	for _, step := range ran.FindAllString(string(second), -1) {
		require.Contains(t, step, "trust the keys", "the daemon kept the rest:\n%s", second)
	}

	stop(t, demo(), out, "==> running", syscall.SIGTERM)
}

// stop starts a demonstration and, when it has printed a line that begins so, sends it a
// signal: it has to end and to leave nothing.
func stop(t *testing.T, cmd *exec.Cmd, out, at string, signal syscall.Signal) {
	t.Helper()
	// As a shell does with what runs on a terminal, whose Ctrl-C goes to the group.
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	stdout, err := cmd.StdoutPipe()
	require.NoError(t, err)
	require.NoError(t, cmd.Start())
	require.NoError(t, waitFor(stdout, at))
	require.NoError(t, syscall.Kill(-cmd.Process.Pid, signal))
	_, err = io.Copy(io.Discard, stdout)
	require.NoError(t, err)
	require.EqualError(t, cmd.Wait(), "exit status 1")
	require.Equal(t, "demo: stopped\n", stderr.String())
	requireNothingLeft(t, out)
}

// waitFor reads until a line begins so.
func waitFor(r io.Reader, begins string) error {
	var read strings.Builder
	lines := bufio.NewReader(r)
	for {
		line, err := lines.ReadString('\n')
		read.WriteString(line)
		if strings.HasPrefix(line, begins) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("no line begins %q: %w\n%s", begins, err, read.String())
		}
	}
}

// requireNothingLeft looks for processes, for mounts and for what is not to stay.
func requireNothingLeft(t *testing.T, out string) {
	t.Helper()
	processes, err := leftovers.Processes(grace)
	require.NoError(t, err)
	require.Empty(t, processes)
	mounts, err := mountinfo.GetMounts(mountinfo.PrefixFilter(out))
	require.NoError(t, err)
	require.Empty(t, mounts)
	work, err := filepath.Glob(filepath.Join(out, workFolder, "env*"))
	require.NoError(t, err)
	require.Empty(t, work)
}
