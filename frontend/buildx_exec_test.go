package frontend_test

import (
	"crypto/ed25519"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"encoding/hex"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/moby/buildkit/identity"
	"github.com/stretchr/testify/require"

	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
)

// What a step sees of the options, as testdata/facts.py has it.
type facts struct {
	Address    string   `json:"address"`
	Fetched    string   `json:"fetched"`
	Hostname   string   `json:"hostname"`
	Identities int      `json:"identities"`
	Netrc      string   `json:"netrc"`
	KnownHosts string   `json:"known_hosts"`
	NoFile     [2]int64 `json:"nofile"`
	NoProxy    string   `json:"no_proxy"`
	SHM        int64    `json:"shm"`
	Uploads    string   `json:"uploads_proxy"`
}

// A probe has a step say what it sees: in a spec while pip builds a package, in a Dockerfile
// in a RUN on the buildroot image.
type probe struct {
	url   string // of an index with the package
	asked func() // runs whenever a step asks the index for something

	mu sync.Mutex
}

// newProbe starts the index. Each is another, so that pip has no wheel of before.
func newProbe(t *testing.T) *probe {
	t.Helper()
	p := &probe{}
	files := map[string]string{
		"pyproject.toml": "[build-system]\nrequires = []\nbuild-backend = \"backend\"\nbackend-path = [\".\"]\n",
	}
	for _, name := range []string{"facts.py", "backend.py"} {
		text, err := os.ReadFile(filepath.Join("testdata", name))
		require.NoError(t, err)
		files[name] = string(text)
	}
	var archive string
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		defer p.mu.Unlock()
		if p.asked != nil {
			p.asked()
		}
		switch r.URL.Path {
		case "/probe-1.0.tar.gz":
			fmt.Fprint(w, archive)
		case "/ask":
			fmt.Fprint(w, "answer")
		default:
			w.Header().Set("Content-Type", "text/html")
			fmt.Fprint(w, `<a href="/probe-1.0.tar.gz">probe-1.0.tar.gz</a>`)
		}
	}))
	t.Cleanup(server.Close)
	p.url = server.URL
	files["url"] = p.url + "/ask"
	_, archive = sdist(t, "probe", "1.0", files)
	return p
}

const (
	probeSpec       = "pip: {packages: [probe]}\n"
	probeDockerfile = `FROM autumnjolitz/distroless-python:3.13-alpine3.20-buildroot AS builder
ARG URL
RUN --mount=type=ssh --mount=type=secret,id=netrc --mount=type=secret,id=known_hosts,target=/etc/ssh/ssh_known_hosts \
    --mount=target=/src python3 -c "import sys, json; sys.path.append('/src'); from facts import facts; json.dump(facts('$URL'), open('/probe.json', 'w'))"
FROM autumnjolitz/distroless-python:3.13-alpine3.20
COPY --from=builder /probe.json ` + sitePackages + `/
`
)

// line returns the command line that builds with options.
func (p *probe) line(t *testing.T, text string, options ...string) line {
	t.Helper()
	script, err := os.ReadFile(filepath.Join("testdata", "facts.py"))
	require.NoError(t, err)
	dir := contextDir(t, map[string]string{"Dockerfile": text, "facts.py": string(script)})
	args := []string{"--build-arg", "PIP_FIND_LINKS=" + p.url + "/", "--build-arg", "URL=" + p.url + "/ask"}
	return line{args: append(append(args, options...), dir)}
}

// eachProbe runs a test for a spec and for a Dockerfile that have a step say what it sees.
func (x *buildx) eachProbe(test func(x *buildx, text string)) {
	x.t.Helper()
	x.eachKind(probeSpec, strings.TrimPrefix(probeDockerfile, "FROM "), func(x *buildx, text string) {
		test(x, strings.Replace(text, onFinal, syntax+"FROM ", 1))
	})
}

func factsOf(t *testing.T, img *testenv.Image) (f facts) {
	t.Helper()
	require.NoError(t, json.Unmarshal([]byte(fileOf(t, img, sitePackages+"/probe.json")), &f))
	return f
}

// A controlGroup is one that the client names for steps to be below.
type controlGroup string

// newControlGroup returns one of a name that no other has, which goes with the test.
func newControlGroup(t *testing.T) controlGroup {
	group := controlGroup("distroless-" + identity.NewID())
	t.Cleanup(func() {
		for _, dir := range slices.Backward(group.dirs()) {
			require.NoError(t, os.Remove(dir))
		}
	})
	return group
}

// dirs returns the folders of the group and of those below it, parents first.
func (g controlGroup) dirs() []string {
	var dirs []string
	_ = filepath.WalkDir("/sys/fs/cgroup", func(path string, entry fs.DirEntry, err error) error {
		if err == nil && entry.IsDir() && strings.Contains(path, "/"+string(g)) {
			dirs = append(dirs, path)
		}
		return nil // others come and go
	})
	return dirs
}

// memoryLimits returns how much memory those below the group may use.
func (g controlGroup) memoryLimits() []string {
	var limits []string
	for _, dir := range g.dirs() {
		for _, name := range []string{"memory.max", "memory.limit_in_bytes"} { // cgroup v2, v1
			if limit, err := os.ReadFile(filepath.Join(dir, name)); err == nil {
				limits = append(limits, strings.TrimSpace(string(limit)))
			}
		}
	}
	return limits
}

// sshKey writes a private key and returns its file.
func sshKey(t *testing.T) string {
	t.Helper()
	_, key, err := ed25519.GenerateKey(rand.Reader)
	require.NoError(t, err)
	der, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	file := filepath.Join(t.TempDir(), "key")
	require.NoError(t, os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}), 0o600))
	return file
}

func hexDigest(text string) string {
	sum := sha256.Sum256([]byte(text))
	return hex.EncodeToString(sum[:])
}

// ofBuildCode is what of a step's facts the code that builds a package is told: nothing of the
// network and of secrets.
func (f facts) ofBuildCode() facts {
	f.Fetched, f.Netrc, f.KnownHosts, f.NoProxy, f.Uploads, f.Identities = "", "", "", "", "", -1
	return f
}

// What the client wants of everything that executes, every step that can tell has.
func TestIntegrationBuildxStepOptions(t *testing.T) {
	group := newControlGroup(t)
	newBuildx(t, sharedDaemon).eachProbe(func(x *buildx, text string) {
		p := newProbe(x.t)
		plain := factsOf(x.t, x.must(p.line(x.t, text)).Image)
		require.Empty(x.t, plain.Address+plain.Netrc+plain.KnownHosts+plain.NoProxy+plain.Uploads)
		require.Equal(x.t, -1, plain.Identities)

		p = newProbe(x.t)
		var limits []string
		p.asked = func() { limits = group.memoryLimits() }
		l := p.line(x.t, text,
			"--add-host", "somewhere.example:192.0.2.7",
			"--shm-size", "16m", "--ulimit", "nofile=1000:2000", "--cgroup-parent", string(group), "--resource", "memory=256m",
			"--build-arg", "BUILDKIT_SANDBOX_HOSTNAME=somehost",
			"--build-arg", "NO_PROXY=127.0.0.1,some.example", "--build-arg", "ftp_proxy=http://uploads.example:1",
			"--secret", "id=netrc,env=SOME_NETRC", "--secret", "id=known_hosts,env=SOME_HOSTS",
			"--ssh", "default="+sshKey(x.t))
		l.env = []string{"SOME_NETRC=machine a login b password " + canary, "SOME_HOSTS=host ssh-ed25519 AAAA"}
		res := x.must(l)
		want := facts{
			Address:    "192.0.2.7",
			Fetched:    "answer",
			Hostname:   "somehost",
			Identities: 1,
			Netrc:      hexDigest("machine a login b password " + canary),
			KnownHosts: hexDigest("host ssh-ed25519 AAAA"),
			NoFile:     [2]int64{1000, 2000},
			NoProxy:    "127.0.0.1,some.example",
			SHM:        16 << 20,
			Uploads:    "http://uploads.example:1",
		}
		if strings.Contains(text, probeSpec) {
			want = want.ofBuildCode()
		}
		require.Equal(x.t, want, factsOf(x.t, res.Image))
		require.Contains(x.t, limits, "268435456", "of the step, below the control group")
		require.NotContains(x.t, string(res.Image.RawConfig), canary)
	})
}
