package standin

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"time"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/autumnjolitz/distroless-frontend/hack/offline/internal/apkfile"
)

// Options say what to make, and where.
type Options struct {
	Out    string   // the folder to make; replaced at the end, all at once
	Cache  string   // what is worth keeping for the next time: downloads and the key
	Module string   // the folder of this Go module
	Arches []string // as Go calls them; that of this machine has to be among them
	Say    func(format string, args ...any)
}

// keyName is the name of the key; the public one has .pub at its end.
const keyName = "stand-in@distroless.rsa"

// Make makes the folder.
func Make(ctx context.Context, o Options) error {
	if !slices.Contains(o.Arches, runtime.GOARCH) {
		return fmt.Errorf("the architectures %v have to include this machine's, %s", o.Arches, runtime.GOARCH)
	}
	// First this machine's: its busybox is asked for the names of the applets.
	slices.SortStableFunc(o.Arches, func(a, b string) int {
		return strings.Compare(fmt.Sprint(a != runtime.GOARCH), fmt.Sprint(b != runtime.GOARCH))
	})
	if err := os.MkdirAll(filepath.Dir(o.Out), 0o755); err != nil {
		return err
	}
	work, err := os.MkdirTemp(filepath.Dir(o.Out), ".offline-")
	if err != nil {
		return err
	}
	defer os.RemoveAll(work)
	key, err := apkfile.LoadKey(filepath.Join(o.Cache, "keys", keyName))
	if err != nil {
		return fmt.Errorf("making a key: %w", err)
	}
	out := filepath.Join(work, "out")
	if err := makeAll(ctx, o, work, out, key); err != nil {
		return err
	}
	if err := os.RemoveAll(o.Out); err != nil {
		return err
	}
	return os.Rename(out, o.Out)
}

func makeAll(ctx context.Context, o Options, work, out string, key apkfile.Key) error {
	var bases []v1.Image
	apks := filepath.Join(out, "alpine", "v"+alpineBranch, "main")
	for _, arch := range o.Arches {
		m := &maker{ctx: ctx, module: o.Module, cache: o.Cache, work: work, out: out, apks: apks, arch: arch, key: key}
		base, err := m.all(o.Say)
		if err != nil {
			return fmt.Errorf("%s: %w", arch, err)
		}
		bases = append(bases, base)
	}
	tag := pythonXY + "-alpine" + alpineBranch
	return errors.Join(
		writeLayout(filepath.Join(out, "python-"+tag), tag, bases),
		copyTree(key.Public(), filepath.Join(out, "alpine", filepath.Base(key.Public()))),
		write(out, "STAND-IN", Notice, 0o644),
	)
}

// all makes everything there is for one architecture, and returns the base image.
func (m *maker) all(say func(string, ...any)) (v1.Image, error) {
	var base v1.Image
	steps := []struct {
		name string
		skip bool
		do   func() error
	}{
		{name: "download Debian packages", do: func() error { return m.fetch(debs()) }},
		{name: "make apk packages", do: func() error {
			return m.repackage(slices.Concat(m.libraryRecipes(), recipes), "stand-in for Alpine "+alpineBranch)
		}},
		{name: "make wheels", skip: !m.isHost(), do: m.wheels},
		{name: "make the Go image", skip: !m.isHost(), do: m.golang},
		{name: "make the base image", do: func() (err error) { base, err = m.base(); return err }},
	}
	for _, step := range steps {
		if step.skip {
			continue
		}
		start := time.Now()
		if err := step.do(); err != nil {
			return nil, fmt.Errorf("%s: %w", step.name, err)
		}
		say("%s: %s (%.1fs)", m.arch, step.name, time.Since(start).Seconds())
	}
	return base, nil
}
