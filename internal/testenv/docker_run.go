package testenv

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/google/go-containerregistry/pkg/v1/tarball"
)

// Run does `docker run` of an image with the engine, on the host's network, and waits for its
// end. It is like Image.Run else.
func (d *Docker) Run(ctx context.Context, image string, opts RunOptions) (RunResult, error) {
	args := append([]string{"run", "--rm"}, dockerRunArgs(image, opts)...)
	cmd := d.Command(ctx, args...)
	var stdout, stderr bytes.Buffer
	cmd.Stdin, cmd.Stdout, cmd.Stderr = opts.Stdin, &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.ExitCode() != dockerFailure {
		err = nil
	}
	if err != nil {
		err = fmt.Errorf("docker run: %w: %s", err, stderr.String())
	}
	return RunResult{Stdout: stdout.String(), Stderr: stderr.String(), ExitCode: cmd.ProcessState.ExitCode()}, err
}

// dockerFailure is the exit code of `docker run` where no container ran.
const dockerFailure = 125

// dockerRunArgs writes options as `docker run` takes them, with the image and its arguments.
func dockerRunArgs(image string, opts RunOptions) []string {
	args := []string{"--network", "host"}
	option := func(name string, values ...string) {
		for _, value := range values {
			args = append(args, name+"="+value)
		}
	}
	option("--env", opts.Env...)
	option("--cap-add", opts.CapAdd...)
	option("--cap-drop", opts.CapDrop...)
	if opts.User != "" {
		option("--user", opts.User)
	}
	if opts.WorkDir != "" {
		option("--workdir", opts.WorkDir)
	}
	if opts.ReadOnly {
		option("--read-only", "true")
	}
	if opts.NoNewPrivileges {
		option("--security-opt", "no-new-privileges")
	}
	if opts.Stdin != nil {
		option("--interactive", "true")
	}
	for _, m := range opts.Mounts {
		if m.Source == "" {
			option("--tmpfs", m.Target)
			continue
		}
		option("--mount", fmt.Sprintf("type=bind,source=%s,target=%s,readonly=%t", m.Source, m.Target, m.ReadOnly))
	}
	var rest []string
	if len(opts.Entrypoint) > 0 {
		option("--entrypoint", opts.Entrypoint[0])
		rest = opts.Entrypoint[1:]
	}
	args = append(args, image)
	return append(append(args, rest...), opts.Args...)
}

// DockerContainer is a container that an engine runs.
type DockerContainer struct {
	docker *Docker
	id     string
}

// Start does `docker run --detach` of an image. The health check, if there is one, is made
// every second. Remove must be called.
func (d *Docker) Start(ctx context.Context, image string, opts RunOptions) (*DockerContainer, error) {
	args := append([]string{"run", "--detach", "--health-interval=1s"}, dockerRunArgs(image, opts)...)
	id, err := d.run(ctx, args...)
	return &DockerContainer{docker: d, id: strings.TrimSpace(id)}, err
}

// Health is the state of the health check, such as "healthy", or "none" without one.
func (c *DockerContainer) Health(ctx context.Context) (string, error) {
	state, err := c.docker.run(ctx, "inspect", "--format", "{{if .State.Health}}{{.State.Health.Status}}{{else}}none{{end}}", c.id)
	return strings.TrimSpace(state), err
}

// Output returns what the container has printed so far, or why that is not known.
func (c *DockerContainer) Output() (stdout, stderr string) {
	var out, errOut bytes.Buffer
	cmd := c.docker.Command(context.Background(), "logs", c.id)
	cmd.Stdout, cmd.Stderr = &out, &errOut
	if err := cmd.Run(); err != nil {
		fmt.Fprintln(&errOut, err)
	}
	return out.String(), errOut.String()
}

// Stop does `docker stop` and returns the exit code.
func (c *DockerContainer) Stop(ctx context.Context) (exitCode int, err error) {
	if _, err := c.docker.run(ctx, "stop", c.id); err != nil {
		return 0, err
	}
	code, err := c.docker.run(ctx, "inspect", "--format", "{{.State.ExitCode}}", c.id)
	if err == nil {
		_, err = fmt.Sscan(code, &exitCode)
	}
	return exitCode, err
}

// Remove removes the container, running or not.
func (c *DockerContainer) Remove(ctx context.Context) error {
	_, err := c.docker.run(ctx, "rm", "--force", c.id)
	return err
}

// Image returns an image that the engine has, by `docker save`.
func (d *Docker) Image(ctx context.Context, name string) (*Image, error) {
	dir, err := d.workspace.mkdirTemp("saved", "")
	if err != nil {
		return nil, err
	}
	archive := filepath.Join(dir, "image.tar")
	if _, err := d.run(ctx, "save", "--output", archive, name); err != nil {
		return nil, err
	}
	image, err := tarball.ImageFromPath(archive, nil)
	if err != nil {
		return nil, fmt.Errorf("reading what docker saved of %s: %w", name, err)
	}
	return newImage(image, d.workspace)
}

// UseRemoteBuilder has `docker build` build on a BuildKit daemon through buildx's remote
// driver, and load what comes of it into the engine.
func (d *Docker) UseRemoteBuilder(ctx context.Context, daemon *Daemon) error {
	_, err := d.run(ctx, "buildx", "create", "--use", "--driver", "remote", "--driver-opt", "default-load=true", daemon.Address)
	return err
}
