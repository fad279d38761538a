package testenv

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// enginesEnv must be 1 for tests that start Docker Engines to run: they take minutes.
const enginesEnv = "DISTROLESS_ENGINES"

// dockerStartTimeout is how long a part of an engine may take until it answers.
const dockerStartTimeout = 30 * time.Second

// Docker is a Docker Engine of the tests' own, and the command line to use it with.
type Docker struct {
	// Version is the engine's, ClientVersion the command line's.
	Version, ClientVersion string

	engine     engine
	workspace  *workspace
	containerd *process
	dockerd    *process
	runDir     string // for what has to have a short path
	config     string // of the command line
	env        []string
}

// RequireDocker starts the Docker Engine that is installed, which sees the environment's
// registry as Docker Hub. It skips the test, with the reason, where there is none.
func (e *Env) RequireDocker(tb testing.TB) *Docker {
	tb.Helper()
	return e.requireEngine(tb, systemEngine, "needs a Docker Engine to start (Debian: apt-get install docker.io)")
}

// RequireMoby starts a current Docker Engine with containerd's image store, and is like
// RequireDocker else.
func (e *Env) RequireMoby(tb testing.TB) *Docker {
	tb.Helper()
	return e.requireEngine(tb, mobyEngine, "needs a current Docker Engine to start (run `hack/moby.sh`)")
}

func (e *Env) requireEngine(tb testing.TB, find func() (engine, error), needs string) *Docker {
	tb.Helper()
	if os.Getenv(enginesEnv) != "1" {
		tb.Skipf("%s is not 1: not asked for Docker Engines, as `make test-docker` does", enginesEnv)
	}
	if Rootless() {
		tb.Skip("dockerd needs root outside of a user namespace as well")
	}
	engine, err := find()
	if err != nil {
		tb.Skipf("%s: %v", needs, err)
	}
	docker, err := e.startDocker(tb.Context(), engine)
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

func (e *Env) startDocker(ctx context.Context, engine engine) (_ *Docker, err error) {
	ws, err := newWorkspace("")
	if err != nil {
		return nil, err
	}
	d := &Docker{engine: engine, workspace: ws}
	defer func() {
		if err != nil {
			err = errors.Join(err, d.close())
		}
	}()
	if d.runDir, err = ws.shortDir(); err != nil {
		return nil, err
	}
	if err := d.configure(); err != nil {
		return nil, err
	}
	return d, d.start(ctx, "--registry-mirror", "http://"+e.Registry.Host())
}

func (d *Docker) socket() string { return "unix://" + filepath.Join(d.runDir, "docker.sock") }

// start starts the engine's programs and waits until the engine answers.
func (d *Docker) start(ctx context.Context, args ...string) (err error) {
	// Without a bridge of its own, the engine changes nothing of this machine's network.
	args = append(args, "--host", d.socket(),
		"--bridge", "none", "--iptables=false", "--ip-forward=false", "--userland-proxy=false",
		"--data-root", filepath.Join(d.workspace.dir, "data"), "--exec-root", filepath.Join(d.runDir, "exec"),
		"--pidfile", filepath.Join(d.workspace.dir, "docker.pid"))
	if d.engine.containerd != "" {
		var socket string
		if d.containerd, socket, err = d.engine.startContainerd(ctx, d.workspace, d.runDir); err != nil {
			return err
		}
		args = append(args, "--containerd", socket)
	}
	var log string
	if d.dockerd, log, err = d.engine.startLogged(d.workspace, d.engine.dockerd, args...); err != nil {
		return err
	}
	return d.dockerd.waitFor(ctx, log, func(ctx context.Context) error {
		versions, err := d.Command(ctx, "version", "--format", "{{.Server.Version}} {{.Client.Version}}").Output()
		if err == nil {
			_, err = fmt.Sscan(string(versions), &d.Version, &d.ClientVersion)
		}
		return err
	})
}

// configure gives the command line a folder of its own, with buildx in it, which is what
// `docker build` stands for in old releases as well.
func (d *Docker) configure() error {
	buildx, err := Binary("buildx")
	if err != nil {
		return err
	}
	if d.config, err = d.workspace.mkdir("config"); err != nil {
		return err
	}
	d.env = append(os.Environ(), "DOCKER_HOST="+d.socket(), "DOCKER_CONFIG="+d.config, "BUILDKIT_HOST=", "BUILDX_BUILDER=", "BUILDX_CONFIG=")
	plugins, err := d.workspace.mkdir("config/cli-plugins")
	if err != nil {
		return err
	}
	aliases := []byte(`{"aliases": {"builder": "buildx"}}`)
	return errors.Join(
		os.Symlink(buildx, filepath.Join(plugins, "docker-buildx")),
		os.WriteFile(filepath.Join(d.config, "config.json"), aliases, 0o644),
	)
}

// Command returns a docker command for this engine.
func (d *Docker) Command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, d.engine.docker, args...)
	cmd.Env = d.env
	return cmd
}

// CommandWithoutBuildx returns a docker command of someone who has no buildx: builds go through
// the BuildKit client that the command line had in itself until release 23.
func (d *Docker) CommandWithoutBuildx(ctx context.Context, args ...string) *exec.Cmd {
	cmd := d.Command(ctx, args...)
	cmd.Env = append(cmd.Env, "DOCKER_CONFIG="+filepath.Join(d.runDir, "no-config"), "DOCKER_BUILDKIT=1")
	return cmd
}

// run runs a docker command and returns its standard output.
func (d *Docker) run(ctx context.Context, args ...string) (string, error) {
	var stderr strings.Builder
	cmd := d.Command(ctx, args...)
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if err != nil {
		return "", fmt.Errorf("docker %s: %w: %s", args[0], err, stderr.String())
	}
	return string(out), nil
}

func (d *Docker) close() error {
	for _, p := range []*process{d.dockerd, d.containerd} { // in the order they depend on one another
		if p != nil {
			p.stop(daemonStopTimeout)
		}
	}
	return d.workspace.Close()
}
