package testenv

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/moby/buildkit/client"
)

// buildxBuilder is the name that buildx has for the daemon.
const buildxBuilder = "test"

// Buildx is the client that users have, as a process, with a daemon and a configuration of
// its own.
type Buildx struct {
	daemon *Daemon
	binary string
	config string
}

// BuildxCommand is one command line of buildx.
type BuildxCommand struct {
	// Name is "build" or "bake".
	Name string
	Args []string
	// Dir is where it runs.
	Dir   string
	Stdin io.Reader
	// Env adds to the environment, as NAME=VALUE.
	Env []string
	// NoLayout is for a command whose Args say what comes of the result. Otherwise it is
	// exported as an OCI layout, as by Daemon.Build.
	NoLayout bool
}

// BuildxResult is what a command gave.
type BuildxResult struct {
	BuildResult
	// Stdout is what it printed there.
	Stdout string
	// Stderr is what it printed there and is not progress: errors and excerpts.
	Stderr string
	// MetadataFile is what it wrote for --metadata-file.
	MetadataFile map[string]json.RawMessage
}

// Buildx returns the client for the daemon. Its configuration goes with the daemon.
func (d *Daemon) Buildx(ctx context.Context) (*Buildx, error) {
	binary, err := Binary("buildx")
	if err != nil {
		return nil, err
	}
	config, err := d.workspace.mkdirTemp("buildx", "")
	if err != nil {
		return nil, err
	}
	x := &Buildx{daemon: d, binary: binary, config: config}
	out, err := x.command(ctx, "create", "--name", buildxBuilder, "--driver", "remote", d.Address).CombinedOutput()
	if err != nil {
		return nil, fmt.Errorf("buildx create: %w\n%s", err, out)
	}
	return x, nil
}

func (x *Buildx) command(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, x.binary, args...)
	// What a person has set for their own builds has no say in the test's.
	for _, kv := range os.Environ() {
		if !strings.HasPrefix(kv, "BUILDX_") && !strings.HasPrefix(kv, "SOURCE_DATE_EPOCH=") {
			cmd.Env = append(cmd.Env, kv)
		}
	}
	cmd.Env = append(cmd.Env, "BUILDX_CONFIG="+x.config, "DOCKER_CONFIG="+x.config, "BUILDX_BAKE_ENTITLEMENTS_FS=0")
	return cmd
}

// Run runs a command. The result is never nil; what it has after an error is what went on
// before.
func (x *Buildx) Run(ctx context.Context, c BuildxCommand) (*BuildxResult, error) {
	res := &BuildxResult{}
	dir, err := x.daemon.workspace.mkdirTemp("builds", "")
	if err != nil {
		return res, err
	}
	metadata, layout := filepath.Join(dir, "metadata.json"), filepath.Join(dir, exportDir)
	args := []string{c.Name, "--builder", buildxBuilder, "--progress", "rawjson", "--metadata-file", metadata}
	if !c.NoLayout {
		args = append(args, c.output("type=oci,tar=false,dest="+layout)...)
	}
	cmd := x.command(ctx, append(args, c.Args...)...)
	cmd.Dir, cmd.Stdin, cmd.Env = c.Dir, c.Stdin, append(cmd.Env, c.Env...)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	failed := cmd.Run()
	res.Stdout = stdout.String()
	if err := res.readProgress(&stderr); err != nil {
		return res, err
	}
	if failed != nil {
		return res, fmt.Errorf("buildx %s: %w\n%s", c.Name, failed, res.Stderr)
	}
	if err := res.readMetadata(metadata); err != nil {
		return res, err
	}
	if c.NoLayout {
		return res, nil
	}
	res.Layout = layout
	if res.Images, err = openLayout(layout, x.daemon.workspace); err != nil {
		return res, fmt.Errorf("reading the exported image: %w", err)
	}
	res.Image = pickImage(res.Images)
	return res, nil
}

// output returns the options by which the command takes an exporter.
func (c BuildxCommand) output(exporter string) []string {
	if c.Name == "bake" {
		return []string{"--set", "*.output=" + exporter}
	}
	return []string{"--output", exporter}
}

// readProgress parts the progress, a JSON object in each line, from the rest.
func (r *BuildxResult) readProgress(stderr io.Reader) error {
	progress := newProgress()
	lines := bufio.NewReader(stderr)
	for {
		line, err := lines.ReadBytes('\n')
		var status client.SolveStatus
		if bytes.HasPrefix(line, []byte("{")) && json.Unmarshal(line, &status) == nil {
			progress.add(&status)
		} else {
			r.Stderr += string(line)
		}
		if err == io.EOF {
			r.Vertices, r.Warnings = progress.vertices, progress.warnings
			return nil
		}
		if err != nil {
			return err
		}
	}
}

func (r *BuildxResult) readMetadata(path string) error {
	data, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		return nil // a subrequest has none
	}
	if err != nil {
		return err
	}
	return json.Unmarshal(data, &r.MetadataFile)
}
