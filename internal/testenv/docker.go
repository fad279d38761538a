package testenv

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
)

// dockerStartTimeout is how long an engine may take until it answers.
const dockerStartTimeout = 30 * time.Second

// Docker is a Docker Engine of the tests' own, and the command line to use it with.
type Docker struct {
	// Version is the engine's.
	Version string

	workspace *workspace
	process   *process
	socketDir string
	env       []string
}

// RequireDocker starts an engine that sees the environment's registry as Docker Hub, or
// skips the test, with the reason, where there is none to be started.
func (e *Env) RequireDocker(tb testing.TB) *Docker {
	tb.Helper()
	if Rootless() {
		tb.Skip("dockerd needs root outside of a user namespace as well")
	}
	for _, name := range []string{"dockerd", "docker", "buildx"} {
		if _, err := Binary(name); err != nil {
			tb.Skipf("needs a Docker Engine to start (Debian: apt-get install docker.io): %v", err)
		}
	}
	docker, err := e.startDocker(tb.Context())
	if err != nil {
		tb.Skipf("a Docker Engine does not start here: %v", err)
	}
	tb.Cleanup(func() {
		if err := docker.close(); err != nil {
			tb.Errorf("stopping the Docker Engine: %v", err)
		}
	})
	return docker
}

func (e *Env) startDocker(ctx context.Context) (_ *Docker, err error) {
	ws, err := newWorkspace("")
	if err != nil {
		return nil, err
	}
	d := &Docker{workspace: ws}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.close())
		}
	}()
	if d.socketDir, err = os.MkdirTemp("", "docker"); err != nil {
		return nil, err
	}
	socket := "unix://" + filepath.Join(d.socketDir, "docker.sock")
	if err := d.configure(socket); err != nil {
		return nil, err
	}
	binary, err := Binary("dockerd")
	if err != nil {
		return nil, err
	}
	log, err := os.Create(filepath.Join(ws.dir, "dockerd.log"))
	if err != nil {
		return nil, err
	}
	defer log.Close()
	// Without a bridge of its own, the engine changes nothing of this machine's network.
	cmd := exec.Command(binary, "--host", socket, "--bridge", "none", "--iptables=false", "--ip-forward=false",
		"--data-root", filepath.Join(ws.dir, "data"), "--exec-root", filepath.Join(d.socketDir, "exec"),
		"--pidfile", filepath.Join(ws.dir, "docker.pid"), "--registry-mirror", "http://"+e.Registry.Host())
	cmd.Stdout, cmd.Stderr = log, log
	if d.process, err = startProcess(cmd); err != nil {
		return nil, err
	}
	return d, d.waitReady(ctx, log.Name())
}

// configure gives the command line a folder of its own, with buildx in it.
func (d *Docker) configure(socket string) error {
	buildx, err := Binary("buildx")
	if err != nil {
		return err
	}
	plugins, err := d.workspace.mkdir("config/cli-plugins")
	if err != nil {
		return err
	}
	d.env = append(os.Environ(), "DOCKER_HOST="+socket, "DOCKER_CONFIG="+filepath.Dir(plugins), "BUILDKIT_HOST=", "BUILDX_BUILDER=")
	return os.Symlink(buildx, filepath.Join(plugins, "docker-buildx"))
}

func (d *Docker) waitReady(ctx context.Context, log string) error {
	ctx, cancel := context.WithTimeout(ctx, dockerStartTimeout)
	defer cancel()
	for {
		version, err := d.Command(ctx, "version", "--format", "{{.Server.Version}}").Output()
		if err == nil {
			d.Version = string(version[:len(version)-1])
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("it does not answer; see %s: %w", log, err)
		case <-d.process.done:
			text, _ := os.ReadFile(log)
			return fmt.Errorf("it exited: %w\n%s", d.process.err, text)
		case <-time.After(100 * time.Millisecond):
		}
	}
}

// Command returns a docker command for this engine.
func (d *Docker) Command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, "docker", args...)
	cmd.Env = d.env
	return cmd
}

func (d *Docker) close() error {
	if d.process != nil {
		d.process.stop(daemonStopTimeout)
	}
	err := d.workspace.Close()
	if d.socketDir != "" {
		err = errors.Join(err, removeWorkspace(d.socketDir))
	}
	return err
}
