package testenv

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"github.com/moby/buildkit/client"
)

const (
	daemonStartTimeout = time.Minute
	daemonStopTimeout  = 20 * time.Second

	// longestSocket is the longest name below its temporary folder that buildkitd gives to a
	// socket: that of a client's SSH agent, whose folder ends with a random 32-bit number.
	longestSocket = ".buildkit-ssh-sock4294967295/ssh_auth_sock"
)

// DaemonOptions configures a daemon. The zero value is a daemon with an empty
// cache that reaches no registry but those on loopback.
type DaemonOptions struct {
	// Registry stands for docker.io when the daemon pulls; nil for none.
	Registry *Registry
	// Dir is where the daemon's temporary folder is made; out/_testenv when empty.
	Dir string
	// Root is where the daemon keeps its cache from one start to the next. Only one
	// daemon at a time can use it. When empty, the cache goes when the daemon does.
	Root string
	// Entitlements are what clients may ask for, such as "network.host".
	Entitlements []string
	// Config is TOML to go at the end of the daemon's configuration.
	Config string
	// Emulates is a platform whose programs the daemon can execute next to the machine's own:
	// see NewEmulating. nil for none.
	Emulates *Foreign
	// Debug makes the log verbose.
	Debug bool
}

// Daemon is a running buildkitd with a temporary root of its own.
type Daemon struct {
	// Address is what BUILDKIT_HOST takes.
	Address string
	// LogFile is where the daemon's log goes.
	LogFile string

	opts      DaemonOptions
	binary    string
	workspace *workspace
	// tmp is the daemon's temporary folder, which its sockets are in.
	tmp     string
	process *process
}

// StartDaemon starts a daemon and waits until it answers.
func StartDaemon(ctx context.Context, opts DaemonOptions) (_ *Daemon, err error) {
	if err := requireRoot(); err != nil {
		return nil, err
	}
	binary, err := Binary("buildkitd")
	if err != nil {
		return nil, err
	}
	runc, err := Binary("runc")
	if err != nil {
		return nil, err
	}
	ws, err := newWorkspace(opts.Dir)
	if err != nil {
		return nil, err
	}
	d := &Daemon{
		LogFile:   filepath.Join(ws.dir, "buildkitd.log"),
		opts:      opts,
		binary:    binary,
		workspace: ws,
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.Close())
		}
	}()
	if err := d.configure(runc); err != nil {
		return nil, err
	}
	if err := d.start(ctx); err != nil {
		return nil, err
	}
	return d, nil
}

// configure picks the socket and writes the configuration file.
func (d *Daemon) configure(runc string) (err error) {
	if d.tmp, err = d.workspace.tmpDir(len(longestSocket)); err != nil {
		return err
	}
	d.Address = "unix://" + filepath.Join(d.tmp, "buildkitd.sock")
	root := d.opts.Root
	if root == "" {
		root = filepath.Join(d.workspace.dir, daemonRoot)
	}
	config := daemonConfig{
		Root:         root,
		Address:      d.Address,
		TraceSocket:  filepath.Join(d.tmp, "otel.sock"),
		Runc:         runc,
		Rootless:     Rootless(),
		Cgroup:       d.cgroup(),
		Entitlements: d.opts.Entitlements,
		Extra:        d.opts.Config,
	}
	if d.opts.Registry != nil {
		config.Mirror = d.opts.Registry.Host()
	}
	return os.WriteFile(d.configFile(), config.toml(), 0o644)
}

// cgroup is the parent of the cgroups of the daemon's ops, which no other daemon uses.
func (d *Daemon) cgroup() string { return "distroless-" + filepath.Base(d.workspace.dir) }

func (d *Daemon) configFile() string { return filepath.Join(d.workspace.dir, "buildkitd.toml") }

// start runs the daemon on its root and waits until it answers.
func (d *Daemon) start(ctx context.Context) error {
	logFile, err := os.OpenFile(d.LogFile, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	defer logFile.Close() // the child has its own

	cmd := exec.Command(d.binary, "--config", d.configFile())
	if d.opts.Debug {
		cmd.Args = append(cmd.Args, "--debug")
	}
	// In a user namespace, runc keeps its state in the latter folder.
	cmd.Env = append(os.Environ(), "TMPDIR="+d.tmp, "XDG_RUNTIME_DIR="+d.tmp)
	if d.opts.Emulates != nil {
		cmd = d.opts.Emulates.emulated(cmd)
	}
	cmd.Stdout, cmd.Stderr = logFile, logFile
	if d.process, err = startProcess(cmd); err != nil {
		return fmt.Errorf("starting buildkitd: %w", err)
	}
	ctx, cancel := context.WithTimeout(ctx, daemonStartTimeout)
	defer cancel()
	if err := d.waitReady(ctx); err != nil {
		return fmt.Errorf("buildkitd does not answer: %w; its log ends with:\n%s", err, d.logTail(20))
	}
	return nil
}

func (d *Daemon) waitReady(ctx context.Context) error {
	c, err := d.Client(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	for {
		if _, err = c.ListWorkers(ctx); err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return errors.Join(context.Cause(ctx), err)
		case <-d.process.done:
			return fmt.Errorf("it exited: %w", d.process.err)
		case <-time.After(20 * time.Millisecond):
		}
	}
}

// Client connects to the daemon. The caller closes the client.
func (d *Daemon) Client(ctx context.Context) (*client.Client, error) {
	return client.New(ctx, d.Address)
}

// Prune empties the daemon's cache, cache mounts included.
func (d *Daemon) Prune(ctx context.Context) error {
	c, err := d.Client(ctx)
	if err != nil {
		return err
	}
	defer c.Close()
	return c.Prune(ctx, nil, client.PruneAll)
}

// Kill kills the daemon with SIGKILL, in the middle of whatever it does. Restart starts it
// again.
func (d *Daemon) Kill() error {
	err := d.process.cmd.Process.Kill()
	<-d.process.done
	return err
}

// Restart stops the daemon and starts it again on the same root: what it cached
// is still there.
func (d *Daemon) Restart(ctx context.Context) error {
	d.process.stop(daemonStopTimeout)
	return d.start(ctx)
}

// Close stops the daemon and removes all it made, including what builds exported.
func (d *Daemon) Close() error {
	if d.workspace == nil {
		return nil
	}
	if d.process != nil {
		d.process.stop(daemonStopTimeout)
	}
	err := errors.Join(d.workspace.Close(), removeCgroup(d.cgroup()))
	d.workspace = nil
	return err
}

// logTail returns the last lines of the daemon's log.
func (d *Daemon) logTail(n int) string {
	data, err := os.ReadFile(d.LogFile)
	if err != nil {
		return err.Error()
	}
	lines := strings.Split(strings.TrimSpace(string(data)), "\n")
	return strings.Join(lines[max(0, len(lines)-n):], "\n")
}
