package main

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"text/tabwriter"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
)

// startTimeout is how long a server may take until it answers.
const startTimeout = 15 * time.Second

// show runs the image: a server is asked for its first page, of anything else the output is
// printed.
func (d *demo) show(ctx context.Context, built *testenv.BuildResult) error {
	ports := built.Image.Config.Config.ExposedPorts
	if len(ports) == 0 {
		step("running the image")
		res, err := built.Image.Run(ctx, testenv.RunOptions{Stdin: strings.NewReader("")})
		if err != nil {
			return fmt.Errorf("run the image: %w", err)
		}
		printf(os.Stdout, "%s%s    exit status %d\n", indent(res.Stdout), indent(res.Stderr), res.ExitCode)
		return nil
	}
	port, err := freePort()
	if err != nil {
		return err
	}
	step("running the image and asking it /")
	// The container is on the network of this machine, where its own port may be taken.
	server, err := built.Image.Start(ctx, testenv.RunOptions{Env: []string{"FLASK_RUN_PORT=" + port, "PORT=" + port}})
	if err != nil {
		return fmt.Errorf("run the image: %w", err)
	}
	defer server.Stop()
	answer, err := ask(ctx, "http://127.0.0.1:"+port+"/", server.Done())
	if err != nil {
		stdout, stderr := server.Output()
		return fmt.Errorf("ask the image: %w\n%s%s", err, stdout, stderr)
	}
	printf(os.Stdout, "%s", indent(answer))
	return nil
}

// ask repeats a request until it is answered.
func ask(ctx context.Context, url string, ended <-chan struct{}) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, startTimeout)
	defer cancel()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			return "", err
		}
		res, err := http.DefaultClient.Do(req)
		if err == nil {
			defer res.Body.Close()
			body, err := io.ReadAll(res.Body)
			return res.Status + "\n" + string(body), err
		}
		select {
		case <-ctx.Done():
			return "", err
		case <-ended:
			return "", fmt.Errorf("the container ended: %w", err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func freePort() (string, error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", err
	}
	defer l.Close()
	_, port, err := net.SplitHostPort(l.Addr().String())
	return port, err
}

// startUps is how often the start-up is timed.
const startUps = 3

// printTable compares the images.
func printTable(ctx context.Context, all images) error {
	step("comparing the images")
	if err := prepare(ctx, all.base.Image, all.final.Image, all.buildroot.Image); err != nil {
		return err
	}
	w := tabwriter.NewWriter(os.Stdout, 2, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "image\ton disk\tpulled\tlayers\tpackages\tstart-up\t")
	for _, row := range []struct {
		name string
		img  *testenv.Image
	}{{"base", all.base.Image}, {"final", all.final.Image}, {"buildroot", all.buildroot.Image}} {
		root, err := row.img.Rootfs(ctx)
		if err != nil {
			return err
		}
		disk, err := diskSize(root)
		if err != nil {
			return err
		}
		packages, err := packages(root)
		if err != nil {
			return err
		}
		startUp, err := startUp(ctx, row.img)
		if err != nil {
			return err
		}
		fmt.Fprintf(w, "%s\t%.1f MB\t%.1f MiB\t%d\t%d\t%d ms\t\n", row.name, float64(disk)/1e6,
			float64(row.img.PulledSize())/(1<<20), len(row.img.Layers), packages, startUp.Milliseconds())
	}
	return w.Flush()
}

// prepare unpacks images, which they remember, all at once: the times to be taken of them are
// taken after that.
func prepare(ctx context.Context, imgs ...*testenv.Image) error {
	group, ctx := errgroup.WithContext(ctx)
	for _, img := range imgs {
		group.Go(func() error { _, err := img.Rootfs(ctx); return err })
	}
	return group.Wait()
}

// diskSize is the sum of the sizes of the regular files, each counted once.
func diskSize(root string) (size int64, err error) {
	seen := map[uint64]bool{}
	err = filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		info, err := entry.Info()
		if err != nil {
			return err
		}
		if stat, ok := info.Sys().(*syscall.Stat_t); ok && !seen[stat.Ino] {
			seen[stat.Ino] = true
			size += info.Size()
		}
		return nil
	})
	return size, err
}

// packages counts the packages of Alpine and of Python.
func packages(root string) (int, error) {
	installed, err := os.ReadFile(filepath.Join(root, "lib/apk/db/installed"))
	if err != nil {
		return 0, err
	}
	ofPython, err := filepath.Glob(filepath.Join(root, "usr/local/lib/python*/site-packages/*.dist-info/METADATA"))
	return strings.Count("\n"+string(installed), "\nP:") + len(ofPython), err
}

// startUp is the median time of a container that starts Python and ends.
func startUp(ctx context.Context, img *testenv.Image) (time.Duration, error) {
	var times []time.Duration
	for range startUps {
		res, err := img.Run(ctx, testenv.RunOptions{Entrypoint: []string{"/usr/local/bin/python"}, Args: []string{"-I", "-c", "pass"}})
		if err != nil {
			return 0, err
		}
		times = append(times, res.Took)
	}
	slices.Sort(times)
	return times[len(times)/2], nil
}

// keep leaves the images where a user finds them, and says what can be done with them.
func (d *demo) keep(all images, spec string) error {
	for name, built := range map[string]*testenv.BuildResult{"final": all.final, "buildroot": all.buildroot} {
		dir := filepath.Join(d.out, name)
		if err := os.RemoveAll(dir); err != nil {
			return err
		}
		if err := os.Rename(built.Layout, dir); err != nil {
			return fmt.Errorf("keep the image: %w", err)
		}
	}
	fmt.Printf(`
The images are OCI layouts in %s/final and %[1]s/buildroot. Next:
  edit %[2]s and run this again: only what depends on the change is built
  make demo SPEC=path/to/your/spec   the same for a spec of your own
  docker build -t hello %[3]s   where there is Docker
`, d.shown(), spec, filepath.Dir(spec))
	return nil
}

// shown is the folder of what stays as a user names it.
func (d *demo) shown() string {
	if relative, err := filepath.Rel(d.root, d.out); err == nil && filepath.IsLocal(relative) {
		return relative
	}
	return d.out
}

func indent(text string) string {
	if text = strings.TrimRight(text, "\n"); text == "" {
		return ""
	}
	return "    " + strings.ReplaceAll(text, "\n", "\n    ") + "\n"
}

func printf(w io.Writer, format string, args ...any) { _, _ = fmt.Fprintf(w, format, args...) }

// internal tells the steps that BuildKit's own frontends do not name for users either.
func internal(name string) bool { return strings.HasPrefix(name, "[internal]") }
