// Offline makes out/offline: what the tests need of a container registry, an Alpine
// mirror and a Python package index, where none of these can be reached. It is made
// of packages of the Debian archive and says so wherever it can. `make offline`
// runs it.
package main

import (
	"context"
	"flag"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/autumnjolitz/distroless-frontend/hack/offline/internal/standin"
)

func main() {
	slog.SetDefault(slog.New(slog.DiscardHandler)) // the libraries' progress is not ours
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx)
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "offline:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context) error {
	out := flag.String("o", "../../out/offline", "`folder` to make")
	cache := flag.String("cache", "../../out/.offline", "`folder` of downloads, kept for the next time")
	arches := flag.String("arch", "amd64,arm64", "architectures, with commas between them")
	flag.Parse()

	o := standin.Options{
		Arches: strings.Split(*arches, ","),
		Say:    func(format string, args ...any) { fmt.Printf("offline: "+format+"\n", args...) },
	}
	var err error
	for _, path := range []struct {
		to   *string
		from string
	}{{&o.Out, *out}, {&o.Cache, *cache}, {&o.Module, "."}} {
		if *path.to, err = filepath.Abs(path.from); err != nil {
			return err
		}
	}
	return standin.Make(ctx, o)
}
