// Package makes a repository of one package, for where no mirror has it.
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"syscall"

	"github.com/autumnjolitz/distroless-frontend/hack/offline/internal/standin"
)

func main() {
	slog.SetDefault(slog.New(slog.DiscardHandler)) // the libraries' progress is not ours
	out := flag.String("o", "", "`folder` to make, by its absolute path")
	cache := flag.String("cache", "", "`folder` of downloads, kept for the next time, by its absolute path")
	flag.Usage = func() {
		fmt.Fprintln(flag.CommandLine.Output(), "Usage: package -o FOLDER -cache FOLDER NAME")
		flag.PrintDefaults()
	}
	flag.Parse()
	if flag.NArg() != 1 {
		flag.Usage()
		os.Exit(2)
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := standin.MakePackage(ctx, flag.Arg(0), *out, *cache)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "package:", err)
		os.Exit(1)
	}
}
