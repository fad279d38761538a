// Online makes out/online: what the tests need of a container registry and of an Alpine
// mirror, out of those that can be reached. `hack/online.sh` runs it.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"

	"github.com/autumnjolitz/distroless-frontend/hack/offline/internal/online"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := online.Make(ctx, options())
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "online:", err)
		os.Exit(1)
	}
}

func options() online.Options {
	o := online.Options{Python: "3.13", Branch: "3.20"}
	flag.StringVar(&o.Out, "o", "../../out/online", "`folder` to make")
	flag.StringVar(&o.StandIn, "stand-in", "../../out/offline", "`folder` of the stand-in")
	flag.StringVar(&o.Key, "key", "../../out/.offline/keys/stand-in@distroless.rsa", "`file` of the stand-in's key")
	flag.StringVar(&o.Registry, "registry", "docker.io", "`host` of the registry")
	flag.StringVar(&o.Alpine, "alpine", "https://dl-cdn.alpinelinux.org/alpine", "`URL` of Alpine's mirror")
	arches := flag.String("arch", "amd64,arm64", "architectures, with commas between them")
	flag.Parse()
	o.Arches = strings.Split(*arches, ",")
	o.Alpine = strings.TrimSuffix(o.Alpine, "/")
	return o
}
