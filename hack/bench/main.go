// Command bench measures what the frontend's builds cost, against honest peers on the
// same daemon, and what the images weigh. It prints one table.
//
//	go run ./hack/bench [-rounds 5] [-only minimal,platforms,flask,reinstall,libraries,size,trim,start-up,packaged,dockerfile,matrix] [-steps]
//
// Candidate and peer take turns, and the figures are medians. It needs what the
// integration tests need: root, and `make setup`.
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"runtime"
	"slices"
	"strings"
	"syscall"

	"github.com/sirupsen/logrus"

	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
)

func main() {
	rounds := flag.Int("rounds", 5, "how `often` each cold build is measured")
	only := flag.String("only", "", "comma-separated `list` of the sections to run: "+strings.Join(sectionNames(), ", "))
	steps := flag.Bool("steps", false, "show the steps of every build that is measured, on standard error")
	flag.Parse()
	// The libraries warn of what this file system cannot do.
	logrus.SetLevel(logrus.ErrorLevel)

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, *rounds, *steps, *only); err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// A section measures one thing and adds rows to the table.
type section struct {
	name string
	run  func(*bench, context.Context) error
}

func sections() []section {
	return []section{
		{"minimal", (*bench).minimal},
		{"platforms", (*bench).platforms},
		{"flask", (*bench).flask},
		{"reinstall", (*bench).reinstall},
		{"libraries", (*bench).libraries},
		{"size", (*bench).size},
		{"trim", (*bench).trim},
		{"start-up", (*bench).startUp},
		{"health-check", (*bench).healthcheck},
		{"packaged", (*bench).packaged},
		{"dockerfile", (*bench).dockerfile},
		{"matrix", (*bench).matrix},
	}
}

func sectionNames() []string {
	var names []string
	for _, s := range sections() {
		names = append(names, s.name)
	}
	return names
}

// selected returns the sections that the list names, or all.
func selected(only string) ([]section, error) {
	all := sections()
	if only == "" {
		return all, nil
	}
	names := strings.Split(only, ",")
	for _, name := range names {
		if !slices.Contains(sectionNames(), name) {
			return nil, fmt.Errorf("no section is named %q: there are %s", name, strings.Join(sectionNames(), ", "))
		}
	}
	return slices.DeleteFunc(all, func(s section) bool { return !slices.Contains(names, s.name) }), nil
}

// run measures and prints. A limit that is not met is a figure and no error.
func run(ctx context.Context, rounds int, steps bool, only string) (err error) {
	if rounds < 1 {
		return errors.New("-rounds must be at least 1")
	}
	chosen, err := selected(only)
	if err != nil {
		return err
	}
	b, err := newBench(ctx, rounds, steps)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, b.close()) }()
	before := loadAverage()
	for _, s := range chosen {
		fmt.Fprintf(os.Stderr, "bench: %s\n", s.name)
		if err := s.run(b, ctx); err != nil {
			if ctx.Err() != nil {
				return context.Cause(ctx)
			}
			fmt.Fprintf(os.Stderr, "bench: %s: %v\n%s", s.name, err, testenv.SourceExcerpt(err))
			b.table.failed(s.name)
		}
	}
	fmt.Printf("medians of %d rounds on %d processors; load before %s, after %s\n\n", rounds, runtime.NumCPU(), before, loadAverage())
	fmt.Print(&b.table)
	return nil
}

// loadAverage is the machine's, over one minute: the figures of a busy one are noise.
func loadAverage() string {
	data, err := os.ReadFile("/proc/loadavg")
	if err != nil {
		return "unknown"
	}
	minute, _, _ := strings.Cut(string(data), " ")
	return minute
}
