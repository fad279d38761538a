package testenv

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"time"
)

// runcFailure is the exit code of `runc exec` where the program did not run.
const runcFailure = 255

// Exec runs another program in the container, as `docker exec` and health checks do: with the
// user, the environment and the privileges of its first process.
func (c *Container) Exec(ctx context.Context, args ...string) (RunResult, error) {
	cmd := exec.CommandContext(ctx, c.runc, append([]string{"--root", c.root, "exec", c.id}, args...)...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	cmd.WaitDelay = outputDelay
	start := time.Now()
	err := cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.Exited() && exit.ExitCode() != runcFailure {
		err = nil
	}
	if err != nil {
		err = fmt.Errorf("running %q in the container: %w: %s", args, err, stderr.String())
	}
	return RunResult{
		Stdout: stdout.String(), Stderr: stderr.String(), ExitCode: cmd.ProcessState.ExitCode(), Took: time.Since(start),
	}, err
}
