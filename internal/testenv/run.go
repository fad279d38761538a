package testenv

import (
	"context"
	"io"
	"time"
)

// RunOptions are options of `docker run`. The zero value runs the image as its
// configuration says.
type RunOptions struct {
	// Entrypoint replaces the image's, and drops its command.
	Entrypoint []string
	// Args replaces the image's command.
	Args []string
	// Env adds to the image's environment, as NAME=VALUE.
	Env     []string
	User    string
	WorkDir string
	Stdin   io.Reader
	Mounts  []Mount
	// ReadOnly mounts the root file system read-only; nothing else is writable
	// then but /dev/shm and what Mounts has.
	ReadOnly        bool
	NoNewPrivileges bool
	// CapAdd and CapDrop change Docker's default capabilities: "NET_ADMIN", "ALL".
	CapAdd  []string
	CapDrop []string
}

// Mount is a bind mount or, without a Source, an empty tmpfs.
type Mount struct {
	Source   string
	Target   string
	ReadOnly bool
}

// RunResult is what a container did.
type RunResult struct {
	Stdout   string
	Stderr   string
	ExitCode int
	// Took is the time from asking runc to run the container to its end.
	Took time.Duration
}

// Run runs the image in a container with Docker's defaults but on the host's
// network, on a copy of its files, and waits for its end. An exit code other than
// 0 is no error; that the container could not be started is one. When ctx ends,
// the container is killed.
func (i *Image) Run(ctx context.Context, opts RunOptions) (RunResult, error) {
	c, err := i.Start(ctx, opts)
	if err != nil {
		return RunResult{}, err
	}
	return c.Wait(ctx)
}
