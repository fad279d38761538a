package standin

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"

	v1 "github.com/google/go-containerregistry/pkg/v1"
)

// golangTag is the tag of the golang image that Dockerfile.frontend builds with.
func (m *maker) golangTag() (string, error) {
	dockerfile, err := os.ReadFile(filepath.Join(m.module, "../..", "Dockerfile.frontend"))
	if err != nil {
		return "", err
	}
	value := func(name string) string {
		match := regexp.MustCompile(`(?m)^ARG ` + name + `=(\S+)$`).FindSubmatch(dockerfile)
		if match == nil {
			return ""
		}
		return string(match[1])
	}
	version, alpine := value("GO_VERSION"), value("ALPINE_VERSION")
	if version == "" || alpine == "" {
		return "", errors.New("no ARG GO_VERSION or ALPINE_VERSION with a value in Dockerfile.frontend")
	}
	return version + "-alpine" + alpine, nil
}

// golang makes the layout of the toolchain that runs this program. It needs no C
// library, since all it is asked for is built without cgo.
func (m *maker) golang() error {
	tag, err := m.golangTag()
	if err != nil {
		return err
	}
	env, err := goEnv(m, "GOROOT", "GOVERSION", "GOPROXY")
	if err != nil {
		return err
	}
	root := filepath.Join(m.work, m.arch, "golang-root")
	if err := m.alpine(root, baseWorld); err != nil {
		return err
	}
	toolchain := filepath.Join(m.work, m.arch, "golang")
	for _, name := range []string{"bin", "go.env", "lib", "pkg/include", "pkg/tool", "src", "VERSION", "LICENSE"} {
		from := filepath.Join(env["GOROOT"], name)
		if _, err := os.Stat(from); err != nil {
			continue // not every distribution of Go has all of it
		}
		if err := copyTree(from, filepath.Join(toolchain, "usr/local/go", name)); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(filepath.Join(toolchain, "go/src"), 0o777); err != nil {
		return err
	}
	if err := trustAsHere(toolchain); err != nil {
		return err
	}
	image, err := makeImage(m.arch, v1.Config{
		Env: []string{
			"PATH=/go/bin:/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
			"GOLANG_VERSION=" + strings.TrimPrefix(env["GOVERSION"], "go"), "GOTOOLCHAIN=local", "GOPATH=/go",
			"GOPROXY=" + env["GOPROXY"],
		},
		WorkingDir: "/go",
		Labels: map[string]string{
			"org.opencontainers.image.title":       "stand-in for golang:" + tag,
			"org.opencontainers.image.description": "The Go toolchain of the machine that made it, for tests of distroless-frontend. It is not the official image.",
			Label:                                  "true",
		},
	}, []layerSource{{root, "Debian " + suite + " packages in the layout of Alpine"}, {toolchain, "Go in /usr/local/go"}})
	if err != nil {
		return err
	}
	return writeLayout(filepath.Join(m.out, "golang-"+tag), tag, []v1.Image{image})
}

// trustAsHere has the image trust the authorities that this machine trusts: its
// module proxy may have a certificate of the company's own authority.
func trustAsHere(root string) error {
	bundle := cmp.Or(os.Getenv("SSL_CERT_FILE"), "/etc/ssl/certs/ca-certificates.crt")
	certificates, err := os.ReadFile(bundle)
	if errors.Is(err, fs.ErrNotExist) {
		return nil // Mozilla's are there
	} else if err != nil {
		return err
	}
	return write(root, "etc/ssl/certs/ca-certificates.crt", string(certificates), 0o644)
}

func goEnv(m *maker, names ...string) (map[string]string, error) {
	command := exec.CommandContext(m.ctx, "go", append([]string{"env"}, names...)...)
	command.Dir = m.module
	out, err := command.Output()
	if err != nil {
		return nil, fmt.Errorf("asking go for its environment: %w", err)
	}
	values := strings.Split(string(out), "\n")
	env := map[string]string{}
	for i, name := range names {
		env[name] = values[i]
	}
	return env, nil
}

// isHost says whether the maker's architecture is this machine's.
func (m *maker) isHost() bool { return m.arch == runtime.GOARCH }
