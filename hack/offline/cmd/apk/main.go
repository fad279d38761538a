// Apk stands in for Alpine's package manager in the base image that
// hack/offline makes.
package main

import (
	"context"
	"os"
	"os/signal"
	"syscall"

	"github.com/autumnjolitz/distroless-frontend/hack/offline/internal/apk"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	status := apk.Run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(status)
}
