package testenv

import (
	"cmp"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"time"
)

// mobyDir, below the repository's root, is where hack/moby.sh puts a current engine.
const mobyDir = "out/bin/moby"

// An engine is the programs of a Docker Engine.
type engine struct {
	dockerd string
	// docker is the command line.
	docker string
	// containerd is what dockerd uses; when empty, it starts the one of its own release.
	containerd string
	// path is where these find their helpers, before $PATH.
	path string
}

// systemEngine finds the engine that is installed. Its command line is the one it came with,
// unless there is none beside it.
func systemEngine() (engine, error) {
	dockerd, err := Binary("dockerd")
	if err != nil {
		return engine{}, err
	}
	docker := filepath.Join(filepath.Dir(filepath.Dir(dockerd)), "bin", "docker")
	if _, err := os.Stat(docker); err != nil {
		if docker, err = Binary("docker"); err != nil {
			return engine{}, err
		}
	}
	return engine{dockerd: dockerd, docker: docker}, nil
}

// mobyEngine finds the current engine. It brings no command line: any can talk to it.
func mobyEngine() (engine, error) {
	root, err := RepoRoot()
	if err != nil {
		return engine{}, err
	}
	dir := filepath.Join(root, mobyDir)
	for _, name := range []string{"dockerd", "containerd", "containerd-shim-runc-v2", "runc"} {
		if _, err := exec.LookPath(filepath.Join(dir, name)); err != nil {
			return engine{}, err
		}
	}
	docker, err := Binary("docker")
	return engine{
		dockerd:    filepath.Join(dir, "dockerd"),
		docker:     docker,
		containerd: filepath.Join(dir, "containerd"),
		path:       dir,
	}, err
}

// environ is this process's environment with the engine's programs first.
func (e engine) environ() []string {
	if e.path == "" {
		return os.Environ()
	}
	return append(os.Environ(), "PATH="+e.path+string(os.PathListSeparator)+os.Getenv("PATH"))
}

// containerdConfig keeps all that containerd writes below one folder.
const containerdConfig = `version = 3
root = %q
state = %q
[grpc]
address = %q
[ttrpc]
address = %q
`

// startContainerd starts the engine's containerd, with its socket in the folder run, and waits
// until it listens.
func (e engine) startContainerd(ctx context.Context, ws *workspace, run string) (*process, string, error) {
	socket := filepath.Join(run, "containerd.sock")
	config := filepath.Join(ws.dir, "containerd.toml")
	text := fmt.Sprintf(containerdConfig, filepath.Join(ws.dir, "containerd"), filepath.Join(run, "containerd"), socket, socket+".ttrpc")
	if err := os.WriteFile(config, []byte(text), 0o644); err != nil {
		return nil, "", err
	}
	p, log, err := e.startLogged(ws, e.containerd, "--config", config)
	if err != nil {
		return nil, "", err
	}
	err = p.waitFor(ctx, log, func(context.Context) error {
		_, err := os.Stat(socket)
		return err
	})
	return p, socket, err
}

// startLogged starts a program with its log in the workspace, and returns the log's path.
func (e engine) startLogged(ws *workspace, program string, args ...string) (*process, string, error) {
	log, err := os.Create(filepath.Join(ws.dir, filepath.Base(program)+".log"))
	if err != nil {
		return nil, "", err
	}
	defer log.Close() // the child has its own
	cmd := exec.Command(program, args...)
	cmd.Env = e.environ()
	cmd.Stdout, cmd.Stderr = log, log
	p, err := startProcess(cmd)
	return p, log.Name(), err
}

// waitFor waits until ready gives no error, or the process has ended.
func (p *process) waitFor(ctx context.Context, log string, ready func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, dockerStartTimeout)
	defer cancel()
	program := filepath.Base(p.cmd.Path)
	for {
		err := ready(ctx)
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("%s does not answer; see %s: %w", program, log, err)
		case <-p.done:
			text, _ := os.ReadFile(log)
			return fmt.Errorf("%s exited: %w\n%s", program, cmp.Or(p.err, err), text)
		case <-time.After(50 * time.Millisecond):
		}
	}
}
