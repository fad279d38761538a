package testenv

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"time"

	"github.com/containerd/containerd/v2/core/mount"
	"github.com/containerd/continuity/fs"
	"github.com/moby/buildkit/identity"
	"golang.org/x/sys/unix"
)

const (
	containerPoll = 2 * time.Millisecond
	// containerStopTimeout is how long Docker waits as well before it kills.
	containerStopTimeout = 10 * time.Second
	// outputDelay bounds the wait for output, and input, once the container is gone.
	outputDelay = 2 * time.Second
)

// Container is a container that was started.
type Container struct {
	id         string
	runc       string
	root       string // of runc's state
	bundle     string
	stopSignal string
	process    *process
	started    time.Time
	stdout     lockedBuffer
	stderr     lockedBuffer

	done   chan struct{} // closed when ended and cleaned up; result and err are set then
	result RunResult
	err    error
}

// Start runs the image in a container, like Run, and returns as soon as its
// process exists. Stop or Wait must be called.
func (i *Image) Start(ctx context.Context, opts RunOptions) (*Container, error) {
	runc, err := Binary("runc")
	if err != nil {
		return nil, err
	}
	rootfs, err := i.Rootfs(ctx)
	if err != nil {
		return nil, err
	}
	bundle, err := i.workspace.mkdirTemp("run", "")
	if err != nil {
		return nil, err
	}
	c := &Container{
		id:         "distroless-" + identity.NewID(),
		runc:       runc,
		root:       filepath.Join(i.workspace.dir, runcRoot),
		bundle:     bundle,
		stopSignal: i.Config.Config.StopSignal,
		done:       make(chan struct{}),
	}
	if err := c.prepare(ctx, i, rootfs, opts); err != nil {
		return nil, errors.Join(err, c.removeBundle())
	}
	if err := c.start(opts); err != nil {
		return nil, errors.Join(err, c.removeBundle())
	}
	go c.reap()
	if err := c.waitStarted(ctx); err != nil {
		return nil, err
	}
	return c, nil
}

// prepare makes the bundle: the root file system and config.json.
func (c *Container) prepare(ctx context.Context, image *Image, rootfs string, opts RunOptions) error {
	root := filepath.Join(c.bundle, "rootfs")
	if err := mountCopy(rootfs, c.bundle, root); err != nil {
		return fmt.Errorf("root file system of the container: %w", err)
	}
	spec, err := runtimeSpec(ctx, c.id, root, image.Config.Config, opts)
	if err != nil {
		return fmt.Errorf("container configuration: %w", err)
	}
	if err := makeWorkDir(root, spec.Process.Cwd); err != nil {
		return err
	}
	data, err := json.Marshal(spec)
	if err != nil {
		return err
	}
	return os.WriteFile(filepath.Join(c.bundle, "config.json"), data, 0o644)
}

// mountCopy makes target a copy of source that can be written to: an overlay, or
// a real copy where the file system below bundle cannot carry one.
func mountCopy(source, bundle, target string) error {
	upper, work := filepath.Join(bundle, "upper"), filepath.Join(bundle, "work")
	for _, dir := range []string{upper, work, target} {
		if err := os.Mkdir(dir, 0o755); err != nil {
			return err
		}
	}
	overlay := mount.Mount{
		Type:    "overlay",
		Source:  "overlay",
		Options: []string{"lowerdir=" + source, "upperdir=" + upper, "workdir=" + work},
	}
	if Rootless() {
		overlay.Options = append(overlay.Options, "userxattr")
	}
	if err := overlay.Mount(target); err == nil {
		return nil
	}
	return fs.CopyDir(target, source)
}

// makeWorkDir makes the working directory, as Docker does.
func makeWorkDir(root, dir string) error {
	resolved, err := fs.RootPath(root, dir)
	if err != nil {
		return err
	}
	return os.MkdirAll(resolved, 0o755)
}

func (c *Container) pidFile() string { return filepath.Join(c.bundle, "pid") }
func (c *Container) logFile() string { return filepath.Join(c.bundle, "runc.log") }

func (c *Container) start(opts RunOptions) error {
	cmd := exec.Command(c.runc,
		"--root", c.root, "--log", c.logFile(), "--log-format", "json",
		"run", "--bundle", c.bundle, "--pid-file", c.pidFile(), c.id)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = opts.Stdin, &c.stdout, &c.stderr
	cmd.WaitDelay = outputDelay
	c.started = time.Now()
	var err error
	c.process, err = startProcess(cmd)
	return err
}

// waitStarted waits until the container's process exists, or existed.
func (c *Container) waitStarted(ctx context.Context) error {
	for {
		if _, err := os.Stat(c.pidFile()); err == nil {
			return nil
		}
		select {
		case <-c.done:
			return c.err
		case <-ctx.Done():
			c.process.stop(0)
			<-c.done
			return context.Cause(ctx)
		case <-time.After(containerPoll):
		}
	}
}

// reap waits for the end of the container and cleans up after it.
func (c *Container) reap() {
	defer close(c.done)
	<-c.process.done
	c.result = RunResult{
		Stdout:   c.stdout.String(),
		Stderr:   c.stderr.String(),
		ExitCode: c.process.cmd.ProcessState.ExitCode(),
		Took:     time.Since(c.started),
	}
	c.err = errors.Join(c.failure(), c.removeBundle())
}

// failure tells why the container did not run: runc reports its own errors in its
// log, and a container's failure by the exit code only.
func (c *Container) failure() error {
	if c.process.err == nil || errors.Is(c.process.err, exec.ErrWaitDelay) {
		return nil
	}
	var exit *exec.ExitError
	if !errors.As(c.process.err, &exit) {
		return c.process.err
	}
	if msg := runcError(c.logFile()); msg != "" {
		return fmt.Errorf("runc: %s", msg)
	}
	if !exit.Exited() {
		return fmt.Errorf("runc: %w", exit)
	}
	return nil
}

func runcError(path string) string {
	data, err := os.ReadFile(path)
	if err != nil {
		return ""
	}
	var msgs []string
	for line := range bytes.Lines(data) {
		var entry struct{ Level, Msg string }
		if json.Unmarshal(line, &entry) == nil && entry.Level == "error" {
			msgs = append(msgs, entry.Msg)
		}
	}
	return strings.Join(msgs, "; ")
}

func (c *Container) removeBundle() error {
	// runc removes what it started, unless it was killed itself.
	_ = exec.Command(c.runc, "--root", c.root, "delete", "--force", c.id).Run()
	if err := mount.UnmountRecursive(filepath.Join(c.bundle, "rootfs"), unix.MNT_DETACH); err != nil {
		return err
	}
	return os.RemoveAll(c.bundle)
}

// Output returns what the container has printed so far.
func (c *Container) Output() (stdout, stderr string) {
	return c.stdout.String(), c.stderr.String()
}

// Done is closed when the container has ended.
func (c *Container) Done() <-chan struct{} { return c.done }

// Wait waits for the end of the container, and kills it when ctx ends first.
func (c *Container) Wait(ctx context.Context) (RunResult, error) {
	select {
	case <-c.done:
		return c.result, c.err
	case <-ctx.Done():
		err := c.kill()
		return c.result, errors.Join(context.Cause(ctx), err)
	}
}

// Stop does what `docker stop` does: the image's stop signal, SIGTERM by default,
// and SIGKILL after ten seconds.
func (c *Container) Stop() (RunResult, error) {
	signal := c.stopSignal
	if signal == "" {
		signal = "SIGTERM"
	}
	if err := c.Signal(signal); err != nil {
		return c.result, errors.Join(err, c.kill())
	}
	select {
	case <-c.done:
		return c.result, c.err
	case <-time.After(containerStopTimeout):
		return c.result, c.kill()
	}
}

// Signal sends the container's first process a signal, such as "SIGINT".
func (c *Container) Signal(signal string) error {
	out, err := exec.Command(c.runc, "--root", c.root, "kill", c.id, signal).CombinedOutput()
	select {
	case <-c.done:
		return nil
	default:
	}
	if err != nil && !c.process.exited() {
		return fmt.Errorf("signalling the container: %w: %s", err, out)
	}
	return nil
}

// kill ends the container at once and waits until it is gone.
func (c *Container) kill() error {
	err := c.Signal("SIGKILL")
	if err != nil {
		c.process.stop(0)
	}
	<-c.done
	return errors.Join(err, c.err)
}

// lockedBuffer is a buffer to read from while a process writes to it.
type lockedBuffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (b *lockedBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

func (b *lockedBuffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}
