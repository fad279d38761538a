// Command testsummary reads what `go test -json` prints, from files or standard
// input, and tells people what it means: the output of what failed, every skipped
// test with its reason, and the counts as the last line.
//
//	go test -json ./... | go run ./hack/testsummary -save out/test/unit.json
//	go run ./hack/testsummary out/test/*.json
//
// It exits 1 if a test or a package failed, or if there was nothing to read.
package main

import (
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
)

func main() {
	save := flag.String("save", "", "`file` to keep what was read in")
	verbose := flag.Bool("v", false, "name every test that ran")
	base := flag.Bool("base", false, "say which base image the tests built on")
	flag.Parse()
	if *base {
		fmt.Println("base image:", testenv.DescribeBase())
	}
	passed, err := run(*save, *verbose, flag.Args())
	if err != nil {
		fmt.Fprintln(os.Stderr, "testsummary:", err)
	}
	if err != nil || !passed {
		os.Exit(1)
	}
}

// run summarises the files, or standard input, and tells whether all passed.
func run(save string, verbose bool, files []string) (bool, error) {
	s := newSummary(os.Stdout, verbose)
	if len(files) == 0 {
		if err := readSaving(s, os.Stdin, save); err != nil {
			return false, err
		}
	}
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			return false, err
		}
		err = s.read(f)
		f.Close()
		if err != nil {
			return false, fmt.Errorf("%s: %w", name, err)
		}
	}
	return s.close(), nil
}

// readSaving reads from r and keeps a copy in a file unless its name is empty.
func readSaving(s *summary, r io.Reader, save string) (err error) {
	if save == "" {
		return s.read(r)
	}
	if err := os.MkdirAll(filepath.Dir(save), 0o755); err != nil {
		return err
	}
	f, err := os.Create(save)
	if err != nil {
		return err
	}
	defer func() {
		if closeErr := f.Close(); err == nil {
			err = closeErr
		}
	}()
	return s.read(io.TeeReader(r, f))
}
