// Tini makes a repository of Alpine's init, for where no mirror has it.
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
	flag.Parse()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := standin.MakeTini(ctx, *out, *cache)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "tini:", err)
		os.Exit(1)
	}
}
