// Command catalogue keeps the list of the published images, and writes it into documents.
//
//	catalogue collect -metadata FILE [-metadata FILE…] [-keep] [-o docs/images.json]
//	catalogue collect -repository NAME [-repository NAME…] [-keep] [-o docs/images.json]
//	catalogue render [-images docs/images.json] [-template docs/README.rst.tmpl] [-o README.rst]
//
// The first takes the names and digests of images from what `docker buildx bake
// --metadata-file` wrote, the second asks a registry for all tags of a repository; both ask
// the registry how large the images are. The list is JSON: see Image. A template is Jinja's:
// see Render.
//
// It is a module of its own for its dependencies: `make readme` builds it into out/bin, and
// renders README.rst.
package main

import (
	"bytes"
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"path/filepath"
	"syscall"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "catalogue:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, stdout io.Writer) error {
	if len(args) > 0 {
		switch args[0] {
		case "collect":
			return runCollect(ctx, args[1:], stdout)
		case "render":
			return runRender(args[1:], stdout)
		}
	}
	return errors.New("expected collect or render as the first argument")
}

func runCollect(ctx context.Context, args []string, stdout io.Writer) error {
	flags := flag.NewFlagSet("collect", flag.ContinueOnError)
	var c collector
	flags.Func("metadata", "`file` that bake's --metadata-file wrote; may be repeated", appendTo(&c.metadata))
	flags.Func("repository", "`name` of a repository to list, such as ghcr.io/me/image; may be repeated", appendTo(&c.repositories))
	flags.StringVar(&c.source, "source", "https://github.com/autumnjolitz/distroless-frontend", "`URL` of the GitHub repository that packages belong to")
	output := flags.String("o", "docs/images.json", "`file` to write the list to; - for standard output")
	keep := flags.Bool("keep", false, "keep what the file lists and was not found now")
	if err := parse(flags, args); err != nil {
		return err
	}
	if len(c.metadata)+len(c.repositories) == 0 {
		return errors.New("collect: expected -metadata or -repository")
	}
	images, err := c.collect(ctx)
	if err != nil {
		return err
	}
	if *keep && *output != "-" {
		old, err := readImages(*output)
		if err != nil && !errors.Is(err, os.ErrNotExist) {
			return err
		}
		images = merge(old, images)
	}
	text, err := encodeImages(images)
	if err != nil {
		return err
	}
	return write(*output, text, stdout)
}

func runRender(args []string, stdout io.Writer) error {
	flags := flag.NewFlagSet("render", flag.ContinueOnError)
	images := flags.String("images", "docs/images.json", "`file` of the list")
	template := flags.String("template", "docs/README.rst.tmpl", "`file` of the template")
	output := flags.String("o", "README.rst", "`file` to write; - for standard output")
	keepNewline := flags.Bool("keep-trailing-newline", false, "keep the template's last newline, which Jinja drops when it is not told otherwise")
	if err := parse(flags, args); err != nil {
		return err
	}
	data, err := os.ReadFile(*images)
	if err != nil {
		return err
	}
	variables, err := decodeVariables(data)
	if err != nil {
		return fmt.Errorf("%s: %w", *images, err)
	}
	source, err := os.ReadFile(*template)
	if err != nil {
		return err
	}
	text, err := Render(string(source), variables, *keepNewline)
	if err != nil {
		return fmt.Errorf("%s: %w", *template, err)
	}
	return write(*output, []byte(text), stdout)
}

func parse(flags *flag.FlagSet, args []string) error {
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("%s: unexpected argument %q", flags.Name(), flags.Arg(0))
	}
	return nil
}

func appendTo(list *[]string) func(string) error {
	return func(value string) error {
		*list = append(*list, value)
		return nil
	}
}

// write replaces a file at once, and leaves it alone when it says the same already.
func write(path string, text []byte, stdout io.Writer) error {
	if path == "-" {
		_, err := stdout.Write(text)
		return err
	}
	if old, err := os.ReadFile(path); err == nil && bytes.Equal(old, text) {
		return nil
	}
	next, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+".")
	if err != nil {
		return err
	}
	defer os.Remove(next.Name()) // gone when all went well
	_, err = next.Write(text)
	if err := errors.Join(err, next.Chmod(0o644), next.Close()); err != nil {
		return fmt.Errorf("writing %s: %w", path, err)
	}
	return os.Rename(next.Name(), path)
}
