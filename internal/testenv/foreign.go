package testenv

import (
	"context"
	"runtime"
	"testing"

	"github.com/containerd/platforms"
)

// Foreign is a platform that neither this machine nor its daemons execute: that of the base
// image's other architecture.
type Foreign struct {
	// Native is the machine's own platform and Platform the other, as in "linux/arm64".
	Native, Platform string
	// Arch is what Alpine and QEMU call the other architecture.
	Arch string

	qemu string
}

// foreigns has the other platform of the base image by the architecture of the machine.
var foreigns = map[string]Foreign{
	"amd64": {Native: "linux/amd64", Platform: "linux/arm64", Arch: "aarch64"},
	"arm64": {Native: "linux/arm64", Platform: "linux/amd64", Arch: "x86_64"},
}

// inContainer is where a container of another platform has the emulator.
const inContainer = "/.qemu"

// RequireForeign returns the other platform of the base image. It skips the test, with the
// reason, where that is none, where it would be emulated, or where there is no QEMU to run
// results with.
func (e *Env) RequireForeign(tb testing.TB) Foreign {
	tb.Helper()
	RequireAlpine(tb)
	f, ok := foreigns[runtime.GOARCH]
	if !ok {
		tb.Skipf("the base image has no other platform than linux/%s that could be told from it", runtime.GOARCH)
	}
	if emulated, err := e.Daemon.supports(tb.Context(), f.Platform); err != nil {
		tb.Fatal(err)
	} else if emulated {
		tb.Skipf("this machine executes programs for %s (see /proc/sys/fs/binfmt_misc): nothing would show that a build does not", f.Platform)
	}
	var err error
	if f.qemu, err = Binary("qemu-" + f.Arch + "-static"); err != nil {
		tb.Skip(err.Error())
	}
	return f
}

// supports says whether the daemon executes programs of a platform.
func (d *Daemon) supports(ctx context.Context, platform string) (bool, error) {
	wanted, err := platforms.Parse(platform)
	if err != nil {
		return false, err
	}
	c, err := d.Client(ctx)
	if err != nil {
		return false, err
	}
	defer c.Close()
	workers, err := c.ListWorkers(ctx)
	if err != nil {
		return false, err
	}
	for _, worker := range workers {
		if platforms.Any(worker.Platforms...).Match(wanted) {
			return true, nil
		}
	}
	return false, nil
}

// Run runs an image of the platform in a container, like Image.Run, by QEMU. The program must be
// named by its absolute path, and cannot start another.
func (f Foreign) Run(ctx context.Context, img *Image, opts RunOptions) (RunResult, error) {
	if opts.Entrypoint == nil {
		opts.Entrypoint = img.Config.Config.Entrypoint
		if opts.Args == nil {
			opts.Args = img.Config.Config.Cmd
		}
	}
	opts.Entrypoint = append([]string{inContainer}, opts.Entrypoint...)
	opts.Mounts = append(opts.Mounts, f.Mount())
	return img.Run(ctx, opts)
}

// Mount is the emulator, to be mounted into a container.
func (f Foreign) Mount() Mount {
	return Mount{Source: f.qemu, Target: inContainer, ReadOnly: true}
}
