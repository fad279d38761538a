package main

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"

	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
)

// frontendName is what the #syntax line of every example says; the daemon finds it in the
// registry that stands for docker.io here.
const frontendName = "autumnjolitz/distroless-frontend"

// publishFrontend builds the frontend's image and puts it where the #syntax line finds it.
func (d *demo) publishFrontend(ctx context.Context) error {
	step("building the frontend's image")
	layout := filepath.Join(d.out, "frontend")
	cmd := exec.CommandContext(ctx, "go", "run", "./hack/frontend-image", "-platform", "linux/"+runtime.GOARCH,
		"-o", layout, "-binaries", filepath.Join(d.out, "binaries"))
	cmd.Dir = d.root
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("build the frontend's image: %w\n%s", err, out)
	}
	if err := d.env.Registry.PushLayout(ctx, layout, frontendName+":latest"); err != nil {
		return fmt.Errorf("publish the frontend's image: %w", err)
	}
	return nil
}

// images are those that the table compares.
type images struct {
	base, final, buildroot *testenv.BuildResult
}

func (d *demo) buildAll(ctx context.Context, spec string) (images, error) {
	var all images
	var err error
	step("building %s into the distroless image", spec)
	if all.final, err = d.build(ctx, spec, "final"); err != nil {
		return all, err
	}
	step("building its companion, the buildroot image")
	if all.buildroot, err = d.build(ctx, spec, "buildroot"); err != nil {
		return all, err
	}
	all.base, err = d.env.Build(ctx, testenv.BuildRequest{
		DockerfileInline: "FROM " + all.final.Image.Config.Config.Labels["distroless.base-image"] + "\n",
	})
	return all, err
}

// build builds a target the way docker does: the daemon follows the #syntax line. Where to
// find packages is said from outside, as behind a company's mirror.
func (d *demo) build(ctx context.Context, spec, target string) (*testenv.BuildResult, error) {
	show := newProgress(os.Stdout)
	defer show.done()
	res, err := d.env.Build(ctx, testenv.BuildRequest{
		Dir:           filepath.Dir(spec),
		Dockerfile:    filepath.Base(spec),
		Target:        target,
		BuildArgs:     d.mirror(),
		NamedContexts: map[string]string{"apk-keys": filepath.Dir(d.env.Fixtures.APKKey())},
		OnStatus:      show.status,
	})
	if err != nil {
		return nil, fmt.Errorf("build %s: %w\n%s%s", spec, err, testenv.SourceExcerpt(err), res.Log())
	}
	return res, nil
}

// packagesHost is a name for the server of packages, which has another port each time.
const packagesHost = "packages.test"

// mirror says where packages come from. An op is found in the cache by the URLs it downloads
// from, but not by its proxy: so the URLs stay the same, and the server is their proxy.
func (d *demo) mirror() map[string]string {
	server := d.env.Fixtures
	stable := func(url string) string {
		return strings.Replace(url, server.URL(), "http://"+packagesHost, 1)
	}
	return map[string]string{
		"http_proxy":       server.URL(),
		"APK_REPOSITORIES": stable(server.APKRepository()),
		"PIP_FIND_LINKS":   stable(server.Wheels()),
		"PIP_TRUSTED_HOST": packagesHost,
		"PIP_NO_INDEX":     "1",
	}
}
