// Command leftovers runs a command and fails if it leaves anything behind: a process, a
// mount, or a file where those of a machine are that no package put there.
//
//	go run ./hack/leftovers -ignore /run/runc -- make test
//
// The command's TMPDIR is a folder of its own, so that whatever is left there is known to be
// the command's. In the folders that all programs share, and among the mounts, what is new may
// be another program's: it is a failure only with -alone, and else shown.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"strings"
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
	alone := flag.Bool("alone", false, "nothing else runs on this machine, so all that is new is the command's")
	flag.Func("ignore", "`pattern` of paths that may be new, with all below them; may be repeated", func(path string) error {
		ignore = append(ignore, path)
		return nil
	})
	flag.Parse()
	ours, others, err := run(flag.Args(), ignore)
	if *alone {
		ours, others = append(ours, others...), nil
	}
	for _, name := range ours {
		fmt.Fprintln(os.Stderr, "leftovers:", name)
	}
	for _, name := range others {
		fmt.Fprintln(os.Stderr, "leftovers: new, perhaps of another program:", name)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "leftovers:", err)
	}
	if err != nil || len(ours) > 0 {
		os.Exit(1)
	}
	fmt.Println("leftovers: none: no process, no mount, no file")
}

// run runs the command and returns what it left for certain, and what is new where others
// may have put it.
func run(args, ignore []string) (ours, others []string, err error) {
	if len(args) == 0 {
		return nil, nil, errors.New("usage: leftovers [-alone] [-ignore PATTERN]... -- COMMAND [ARGUMENT...]")
	}
	if err := leftovers.Adopt(); err != nil {
		return nil, nil, err
	}
	tmp, err := os.MkdirTemp("", "leftovers")
	if err != nil {
		return nil, nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(tmp)) }()
	before, err := leftovers.Take(depth, shared...)
	if err != nil {
		return nil, nil, err
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
		return nil, nil, err
	}
	for _, process := range processes {
		ours = append(ours, "process "+process)
	}
	after, err := leftovers.Take(depth, append(shared, tmp)...)
	if err != nil {
		return nil, nil, err
	}
	for _, name := range after.Since(before, ignore...) {
		if strings.Contains(name, " "+tmp+"/") {
			ours = append(ours, name)
		} else {
			others = append(others, name)
		}
	}
	return ours, others, failure
}
