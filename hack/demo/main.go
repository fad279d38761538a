// Command demo shows the main job on a machine without Docker: it starts a BuildKit daemon
// and a registry of its own, builds the frontend's image, builds an example with it by its
// #syntax line, runs the result and asks it something.
//
//	go run ./hack/demo [-spec FILE] [-o FOLDER]
//
// The images stay in the folder, and so does the daemon's cache, so that a second run is quick.
// What it starts ends with it, also on Ctrl-C.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"github.com/sirupsen/logrus"
	"golang.org/x/sys/unix"

	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
)

func main() {
	logrus.SetLevel(logrus.ErrorLevel) // libraries warn of what is of no matter here
	spec := flag.String("spec", filepath.Join("examples", "simple-flask", "Dockerfile"), "the `file` to build; its folder is the context")
	out := flag.String("o", filepath.Join("out", "demo"), "`folder` of what stays")
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM, syscall.SIGHUP)
	defer stop()
	start := time.Now()
	if err := run(ctx, *spec, *out); err != nil {
		if ctx.Err() != nil {
			err = errors.New("stopped")
		}
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(1)
	}
	fmt.Printf("done in %.1f s\n", time.Since(start).Seconds())
}

// run is the demonstration, step by step.
func run(ctx context.Context, spec, out string) (err error) {
	if info, statErr := os.Stat(spec); statErr != nil {
		return statErr
	} else if info.IsDir() {
		spec = filepath.Join(spec, "Dockerfile")
	}
	d, err := start(ctx, out)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, d.close()) }()

	if err := d.publishFrontend(ctx); err != nil {
		return err
	}
	images, err := d.buildAll(ctx, spec)
	if err != nil {
		return err
	}
	if err := d.show(ctx, images.final); err != nil {
		return err
	}
	if err := printTable(ctx, images); err != nil {
		return err
	}
	return d.keep(images, spec)
}

// workFolder is for what goes with the demonstration. The go command passes over its name.
const workFolder = "_work"

// A demo is the environment that the demonstration runs in.
type demo struct {
	env  *testenv.Env
	root string   // of the repository
	out  string   // folder of what stays
	lock *os.File // held while the folder is in use
}

func start(ctx context.Context, out string) (_ *demo, err error) {
	step("starting a BuildKit daemon")
	d := &demo{}
	if d.root, err = testenv.RepoRoot(); err != nil {
		return nil, err
	}
	if d.out, err = filepath.Abs(out); err != nil {
		return nil, err
	}
	if d.lock, err = lock(d.out); err != nil {
		return nil, err
	}
	d.env, err = testenv.Start(ctx, testenv.Options{Daemon: testenv.DaemonOptions{
		Root: filepath.Join(d.out, "buildkit"),
		Dir:  filepath.Join(d.out, workFolder),
	}})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("start a BuildKit daemon: %w", err), d.lock.Close())
	}
	return d, nil
}

// lock makes the folder and keeps others from using it: only one daemon can have the cache.
func lock(dir string) (*os.File, error) {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	f, err := os.Create(filepath.Join(dir, "lock"))
	if err != nil {
		return nil, err
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		return nil, errors.Join(fmt.Errorf("another demo is at work in %s: wait for its end", dir), f.Close())
	}
	return f, nil
}

func (d *demo) close() error { return errors.Join(d.env.Close(), d.lock.Close()) }

func step(format string, args ...any) {
	fmt.Printf("==> "+format+"\n", args...)
}
