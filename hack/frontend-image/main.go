// Command frontend-image builds the frontend's image without Docker and without a
// registry: it cross-compiles cmd/frontend and writes an OCI layout, the same to
// the byte for the same sources, Go and arguments.
//
//	go run ./hack/frontend-image -platform linux/amd64,linux/arm64 -o out/frontend
//
// Labels and entrypoint come from the last stage of Dockerfile.frontend.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/containerd/platforms"
)

func main() {
	opts := options{buildArgs: map[string]string{}}
	flag.StringVar(&opts.dockerfile, "f", "Dockerfile.frontend", "the `file` whose last stage describes the image")
	flag.StringVar(&opts.output, "o", filepath.Join("out", "frontend"), "`folder` of the OCI layout; replaced")
	flag.StringVar(&opts.pkg, "package", "./cmd/frontend", "the main `package`")
	flag.StringVar(&opts.binaries, "binaries", "", "`folder` to keep the binaries in, so that the next time those that are up to date are not linked again")
	flag.StringVar(&opts.tag, "tag", "latest", "`name` of the image in the layout")
	platformList := flag.String("platform", "linux/amd64,linux/arm64", "comma-separated `list` of platforms")
	flag.Func("build-arg", "`NAME=VALUE` for an ARG of the last stage; may be repeated", opts.addBuildArg)
	flag.Parse()

	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, opts, *platformList); err != nil {
		fmt.Fprintln(os.Stderr, "frontend-image:", err)
		os.Exit(1)
	}
}

type options struct {
	dockerfile string
	output     string
	pkg        string
	binaries   string
	tag        string
	buildArgs  map[string]string
}

func (o *options) addBuildArg(arg string) error {
	name, value, ok := strings.Cut(arg, "=")
	if !ok {
		return fmt.Errorf("%q is not NAME=VALUE", arg)
	}
	o.buildArgs[name] = value
	return nil
}

func run(ctx context.Context, opts options, platformList string) error {
	targets, err := platforms.ParseAll(strings.Split(platformList, ","))
	if err != nil {
		return err
	}
	description, err := readDescription(opts.dockerfile, opts.buildArgs)
	if err != nil {
		return err
	}
	index, err := buildIndex(ctx, opts, description, targets)
	if err != nil {
		return err
	}
	if err := writeLayout(opts.output, opts.tag, index); err != nil {
		return fmt.Errorf("writing %s: %w", opts.output, err)
	}
	digest, err := index.Digest()
	if err != nil {
		return err
	}
	fmt.Printf("%s@%s\n", opts.output, digest)
	return nil
}

// epoch is the time of all files and images: $SOURCE_DATE_EPOCH, or 1970.
func epoch() (time.Time, error) {
	value := os.Getenv("SOURCE_DATE_EPOCH")
	if value == "" {
		return time.Unix(0, 0).UTC(), nil
	}
	seconds, err := strconv.ParseInt(value, 10, 64)
	if err != nil {
		return time.Time{}, fmt.Errorf("SOURCE_DATE_EPOCH=%q is not a number of seconds: %w", value, err)
	}
	return time.Unix(seconds, 0).UTC(), nil
}
