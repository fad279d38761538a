// Command leftovers runs a command and fails if it leaves anything behind: a process, a
// mount, or a file where those of a machine are that no package put there.
//
//	go run ./hack/leftovers -ignore /run/runc -- make test
//
// The command's TMPDIR is a folder of its own, so that whatever is left there is known to be
// the command's. The folders that all programs share, it should have to itself: what others
// leave there at the same time is taken for the command's.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"syscall"
	"time"

	"github.com/autumnjolitz/distroless-frontend/internal/leftovers"
)

// shared are the folders for the temporary, and for the state of daemons; cgroups are two
// levels deep where each controller has a hierarchy.
var shared = []string{"/tmp", "/var/tmp", "/dev/shm", "/run", "/var/lib", "/sys/fs/cgroup"}

// depth is how far into them to look.
const depth = 2

// grace is what processes get that are about to end.
const grace = 10 * time.Second

func main() {
	var ignore []string
	flag.Func("ignore", "`pattern` of paths that may be new, with all below them; may be repeated", func(path string) error {
		ignore = append(ignore, path)
		return nil
	})
	flag.Parse()
	found, err := run(flag.Args(), ignore)
	for _, name := range found {
		fmt.Fprintln(os.Stderr, "leftovers:", name)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "leftovers:", err)
	}
	if err != nil || len(found) > 0 {
		os.Exit(1)
	}
	fmt.Println("leftovers: none: no process, no mount, no file")
}

// run runs the command and returns what it left.
func run(args, ignore []string) (found []string, err error) {
	if len(args) == 0 {
		return nil, errors.New("usage: leftovers [-ignore PATTERN]... -- COMMAND [ARGUMENT...]")
	}
	if err := leftovers.Adopt(); err != nil {
		return nil, err
	}
	tmp, err := os.MkdirTemp("", "leftovers")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(tmp)) }()
	before, err := leftovers.Take(depth, shared...)
	if err != nil {
		return nil, err
	}
	// Ctrl-C is for the command, and we look at what it left. To ignore the signal would have
	// the command ignore it as well.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGINT)
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = append(os.Environ(), "TMPDIR="+tmp)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	failure := cmd.Run()

	processes, err := leftovers.Processes(grace)
	if err != nil {
		return nil, err
	}
	for _, process := range processes {
		found = append(found, "process "+process)
	}
	after, err := leftovers.Take(depth, append(shared, tmp)...)
	if err != nil {
		return nil, err
	}
	return append(found, after.Since(before, ignore...)...), failure
}
