package standin

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"

	"github.com/autumnjolitz/distroless-frontend/hack/offline/internal/apk"
	"github.com/autumnjolitz/distroless-frontend/hack/offline/internal/apkfile"
)

// alpine installs packages into a new root, with the applets of busybox as links.
func (m *maker) alpine(root string, world []string) error {
	if err := os.MkdirAll(root, 0o755); err != nil {
		return err
	}
	if err := m.apk(root, append([]string{"--initdb", "add"}, world...)...); err != nil {
		return err
	}
	if err := os.RemoveAll(filepath.Join(root, "dev")); err != nil { // device nodes
		return err
	}
	if err := os.Mkdir(filepath.Join(root, "dev"), 0o755); err != nil {
		return err
	}
	repositories := fmt.Sprintf("https://dl-cdn.alpinelinux.org/alpine/v%[1]s/main\nhttps://dl-cdn.alpinelinux.org/alpine/v%[1]s/community\n", alpineBranch)
	if err := write(root, "etc/apk/repositories", repositories, 0o644); err != nil {
		return err
	}
	if err := write(root, "STAND-IN", Notice, 0o644); err != nil {
		return err
	}
	return m.applets(root)
}

// apk runs our apk on a root, without scripts: the root may be of another
// architecture, and nobody is asked to be the superuser.
func (m *maker) apk(root string, args ...string) error {
	var log bytes.Buffer
	options := []string{
		"--root", root, "--arch", apk.Arch(m.arch), "--no-scripts", "--no-chown", "--no-cache",
		"--repositories-file", os.DevNull, "--repository", m.apks, "--keys-dir", filepath.Dir(m.key.Private),
	}
	if status := apk.Run(m.ctx, append(options, args...), &log, &log); status != 0 {
		return fmt.Errorf("apk %s: exit status %d\n%s", strings.Join(args, " "), status, log.Bytes())
	}
	return nil
}

// applets links the applets as busybox's own script would.
func (m *maker) applets(root string) error {
	names, err := m.appletPaths()
	if err != nil {
		return err
	}
	for _, name := range names {
		name = moved(name)
		if _, err := os.Lstat(filepath.Join(root, name)); err == nil {
			continue
		}
		if err := symlink(root, name, "/bin/busybox"); err != nil {
			return err
		}
	}
	return nil
}

// base makes the image of the interpreter.
func (m *maker) base() (v1.Image, error) {
	root := filepath.Join(m.work, m.arch, "root")
	python := filepath.Join(m.work, m.arch, "python")
	if err := m.python(python); err != nil {
		return nil, err
	}
	dependencies, err := rundeps(python)
	if err != nil {
		return nil, err
	}
	if err := m.alpine(root, baseWorld); err != nil {
		return nil, err
	}
	// As far as apk's clock goes, too, all of this was made at one time.
	if err := os.Setenv("SOURCE_DATE_EPOCH", strconv.FormatInt(apkfile.Epoch.Unix(), 10)); err != nil {
		return nil, err
	}
	if err := m.apk(root, append([]string{"add", "--virtual", ".python-rundeps"}, dependencies...)...); err != nil {
		return nil, err
	}
	version := m.pythonVersion()
	return makeImage(m.arch, v1.Config{
		Env: []string{
			"PATH=/usr/local/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
			"LANG=C.UTF-8", "PYTHON_VERSION=" + version,
		},
		Cmd: []string{"python3"},
		Labels: map[string]string{
			"org.opencontainers.image.title":       "stand-in for python:" + pythonXY + "-alpine" + alpineBranch,
			"org.opencontainers.image.description": strings.ReplaceAll(strings.TrimSpace(Notice), "\n", " "),
			Label:                                  "true",
		},
	}, []layerSource{
		{root, "Debian " + suite + " packages in the layout of Alpine " + alpineBranch},
		{python, "Debian " + suite + "'s Python " + version + " in /usr/local"},
	})
}

// Label marks the images that stand in for others.
const Label = "distroless.stand-in"
