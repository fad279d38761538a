// Command testshards runs the integration tests of packages in several processes at once, each
// with daemons of its own, and prints what their `go test -json` print. A test waits for daemons
// most of the time, and all of a package share one: within a process they run one by one.
//
//	go run ./hack/testshards -n 2 -run '^TestIntegration' -timeout 60m ./...
//
// Every event has one more field, Shard, the number of its process.
package main

import (
	"bufio"
	"bytes"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

func main() {
	count := flag.Int("n", 2, "`number` of processes")
	pattern := flag.String("run", "^TestIntegration", "`regexp` of the tests, as that of go test -list")
	timeout := flag.Duration("timeout", time.Hour, "`time` that a process may take for a package")
	flag.Parse()
	if err := run(os.Stdout, *count, *pattern, *timeout, flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "testshards:", err)
		os.Exit(1)
	}
}

// run tests the packages and writes the events of all processes to out, line by line. It waits
// for all, and its error is that of the first that failed.
func run(out io.Writer, count int, pattern string, timeout time.Duration, packages []string) error {
	tests, err := list(pattern, packages)
	if err != nil {
		return err
	}
	var (
		group errgroup.Group
		mu    sync.Mutex
	)
	for i, s := range deal(tests, count) {
		args := []string{"test", "-json", "-count=1", "-p=1", "-timeout=" + timeout.String(), "-run=" + s.pattern()}
		group.Go(func() error {
			return start(append(args, s.packages...), func(line []byte) error {
				mu.Lock()
				defer mu.Unlock()
				_, err := out.Write(tagged(line, i+1))
				return err
			})
		})
	}
	return group.Wait()
}

// start runs go and hands over what it prints, line by line.
func start(args []string, each func(line []byte) error) error {
	cmd := exec.Command("go", args...)
	cmd.Stderr = os.Stderr
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	lines := bufio.NewReader(stdout)
	for {
		line, err := lines.ReadBytes('\n')
		if len(line) > 0 {
			if err := each(line); err != nil {
				return err
			}
		}
		if err != nil { // io.EOF: it has ended, as Wait tells
			return cmd.Wait()
		}
	}
}

// tagged adds the number of its process to an event. What is no event stays as it is.
func tagged(line []byte, shard int) []byte {
	rest, isEvent := bytes.CutPrefix(line, []byte("{"))
	if !isEvent {
		return line
	}
	return append(fmt.Appendf(nil, `{"Shard":%d,`, shard), rest...)
}
