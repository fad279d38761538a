// Command daemons runs a command with a test environment around it: a BuildKit
// daemon, a registry that stands for Docker Hub, and a mirror of packages.
//
//	go run ./hack/daemons -- buildctl build --frontend dockerfile.v0 …
//
// The command finds them by its environment:
//
//	BUILDKIT_HOST         the daemon's address, as buildctl and buildx take it
//	DISTROLESS_REGISTRY   host:port of the registry
//	DISTROLESS_MIRROR     URL of the apk repository
//	DISTROLESS_APK_KEY    file of the key that signs it
//	DISTROLESS_WHEELS     URL for pip's --find-links
//	DISTROLESS_BASE       folder of the base image's OCI layout
//
// and out/bin comes first on its PATH. All is stopped when the command ends, and
// the exit code is the command's; `go run` itself turns any but 0 into 1.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"

	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
)

// exitFailure is the exit code of a failure of our own, as of docker's and env's.
const exitFailure = 125

func main() {
	debug := flag.Bool("debug", false, "have buildkitd log in detail")
	push := flag.String("push", "", "put an OCI layout into the registry first: `DIR=NAME:TAG`")
	showLog := flag.Bool("log", false, "print buildkitd's log at the end")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "usage: daemons [flags] [--] COMMAND [ARGUMENT…]")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() == 0 {
		flag.Usage()
		os.Exit(exitFailure)
	}
	code, err := run(options{debug: *debug, push: *push, showLog: *showLog}, flag.Args())
	if err != nil {
		fmt.Fprintln(os.Stderr, "daemons:", err)
	}
	os.Exit(code)
}

type options struct {
	debug   bool
	push    string
	showLog bool
}

// run runs the command in an environment and returns its exit code.
func run(opts options, args []string) (code int, err error) {
	signals := make(chan os.Signal, 8)
	signal.Notify(signals, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP)
	ctx, cancel := context.WithCancelCause(context.Background())
	defer cancel(nil)

	started := make(chan *os.Process, 1)
	go relay(signals, started, cancel)

	env, err := testenv.Start(ctx, testenv.Options{Daemon: testenv.DaemonOptions{Debug: opts.debug}})
	if err != nil {
		return exitFailure, err
	}
	defer func() {
		if opts.showLog {
			err = errors.Join(err, printFile(env.Daemon.LogFile))
		}
		if closeErr := env.Close(); closeErr != nil {
			code, err = max(code, 1), errors.Join(err, closeErr)
		}
	}()
	if opts.push != "" {
		if err := pushLayout(ctx, env, opts.push); err != nil {
			return exitFailure, err
		}
	}
	cmd, err := command(env, args)
	if err != nil {
		return exitFailure, err
	}
	if err := cmd.Start(); err != nil {
		return exitFailure, err
	}
	started <- cmd.Process
	return exitCode(cmd.Wait())
}

// relay passes signals on to the command. Those that come before it runs cancel the
// start, and go to the command as well if that was too late.
func relay(signals <-chan os.Signal, started <-chan *os.Process, cancel context.CancelCauseFunc) {
	var process *os.Process
	var early []os.Signal
	for {
		select {
		case process = <-started:
			for _, s := range early {
				_ = process.Signal(s)
			}
		case s := <-signals:
			switch {
			case process == nil:
				early = append(early, s)
				cancel(fmt.Errorf("got %s", s))
			case s == syscall.SIGINT && onTerminal():
				// Ctrl-C reached the command as well: it is in our process group.
			default:
				_ = process.Signal(s)
			}
		}
	}
}

func onTerminal() bool {
	_, err := unix.IoctlGetTermios(int(os.Stdin.Fd()), unix.TCGETS)
	return err == nil
}

func command(env *testenv.Env, args []string) (*exec.Cmd, error) {
	root, err := testenv.RepoRoot()
	if err != nil {
		return nil, err
	}
	path := filepath.Join(root, "out", "bin") + string(os.PathListSeparator) + os.Getenv("PATH")
	if err := os.Setenv("PATH", path); err != nil { // where exec looks as well
		return nil, err
	}
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Stdin, cmd.Stdout, cmd.Stderr = os.Stdin, os.Stdout, os.Stderr
	cmd.Env = append(os.Environ(),
		"BUILDKIT_HOST="+env.Daemon.Address,
		"DISTROLESS_REGISTRY="+env.Registry.Host(),
		"DISTROLESS_MIRROR="+env.Fixtures.APKRepository(),
		"DISTROLESS_APK_KEY="+env.Fixtures.APKKey(),
		"DISTROLESS_WHEELS="+env.Fixtures.Wheels(),
		"DISTROLESS_BASE="+env.BaseLayout(),
	)
	return cmd, nil
}

// exitCode is the command's exit code, by a shell's convention for signals.
func exitCode(err error) (int, error) {
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		if err != nil {
			return exitFailure, err
		}
		return 0, nil
	}
	if status, ok := exit.Sys().(syscall.WaitStatus); ok && status.Signaled() {
		return 128 + int(status.Signal()), nil
	}
	return exit.ExitCode(), nil
}
