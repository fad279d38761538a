package testenv

import (
	"fmt"
	"os/exec"
	"syscall"
	"testing"
)

// machines are the numbers by which the ELF headers of programs tell architectures.
var machines = map[string]string{"aarch64": `\xb7`, "x86_64": `\x3e`}

// emulateScript registers its first argument with binfmt_misc and executes the others.
// Since Linux 6.7 a user namespace has handlers of its own.
const emulateScript = `set -eu
mount -t binfmt_misc binfmt_misc /proc/sys/fs/binfmt_misc
printf %s "$1" >/proc/sys/fs/binfmt_misc/register
shift
exec "$@"`

// maxID is the highest user and group that a daemon that emulates has in its namespace.
const maxID = 1 << 16

// emulated changes the command that starts a daemon such that the kernel has QEMU execute
// programs of the platform for it, and for nobody else on this machine.
func (f Foreign) emulated(cmd *exec.Cmd) *exec.Cmd {
	wrapped := exec.Command("/bin/sh", append([]string{"-c", emulateScript, "sh", f.handler()}, cmd.Args...)...)
	// What the kernel allows no user namespace, BuildKit's rootless mode goes without.
	wrapped.Args = append(wrapped.Args, "--oci-worker-rootless")
	wrapped.Env = cmd.Env
	same := []syscall.SysProcIDMap{{Size: maxID}}
	wrapped.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags:                 syscall.CLONE_NEWUSER | syscall.CLONE_NEWNS,
		UidMappings:                same,
		GidMappings:                same,
		GidMappingsEnableSetgroups: true,
	}
	return wrapped
}

// handler is the line that registers QEMU:
// https://docs.kernel.org/admin-guide/binfmt-misc.html has its format. F opens it at once, so
// that it works in containers as well.
func (f Foreign) handler() string {
	const (
		zeros = `\x00\x00\x00\x00\x00\x00\x00\x00\x00`
		ones  = `\xff\xff\xff\xff\xff\xff\xff\xff`
	)
	magic := `\x7fELF\x02\x01\x01` + zeros + `\x02\x00` + machines[f.Arch] + `\x00`
	mask := `\xff\xff\xff\xff\xff\xff\xff\x00` + ones + `\xfe\xff\xff\xff`
	return fmt.Sprintf(":qemu-%s:M::%s:%s:%s:F", f.Arch, magic, mask, f.qemu)
}

// NewEmulating starts a daemon that emulates a platform, on the environment's registry, and
// closes it with the test. It skips the test, with the reason, where no daemon can have a
// handler to itself: one for the whole machine would change what other tests see.
func (e *Env) NewEmulating(tb testing.TB, f Foreign) *Daemon {
	tb.Helper()
	probe := f.emulated(exec.Command("true"))
	if out, err := probe.CombinedOutput(); err != nil {
		tb.Skipf("no handler for programs of %s can be registered in a user namespace, which takes Linux 6.7: %v: %s", f.Platform, err, out)
	}
	opts := e.options.Daemon
	opts.Registry, opts.Emulates = e.Registry, &f
	d, err := StartDaemon(tb.Context(), opts)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := d.Close(); err != nil {
			tb.Error(err)
		}
	})
	return d
}
