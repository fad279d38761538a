package frontend_test

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"log"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/moby/buildkit/client"
	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"
)

// A faultyIndex fails in its first answers to requests for some paths.
type faultyIndex struct {
	*index
	path  string // what paths contain
	fault func(w http.ResponseWriter, whole []byte)
	times int // 0 is ever
	asked int
	mu    sync.Mutex
}

// faulty starts one on an address of its own, so that pip has nothing of it yet.
func faulty(t *testing.T, path string, times int, fault func(http.ResponseWriter, []byte)) (f *faultyIndex, url string) {
	t.Helper()
	return startFaulty(t, (*httptest.Server).Start, path, times, fault)
}

func startFaulty(t *testing.T, start func(*httptest.Server), path string, times int, fault func(http.ResponseWriter, []byte)) (f *faultyIndex, url string) {
	t.Helper()
	f = &faultyIndex{index: newIndex(t), path: path, fault: fault, times: times}
	server := httptest.NewUnstartedServer(f)
	server.Config.ErrorLog = log.New(io.Discard, "", 0)
	start(server)
	t.Cleanup(server.Close)
	return f, server.URL + "/simple"
}

func (f *faultyIndex) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	f.mu.Lock()
	fails := strings.Contains(r.URL.Path, f.path)
	if fails {
		f.asked++
		fails = f.times == 0 || f.asked <= f.times
	}
	f.mu.Unlock()
	if !fails {
		f.index.ServeHTTP(w, r)
		return
	}
	whole := httptest.NewRecorder()
	f.index.ServeHTTP(whole, r)
	maps.Copy(w.Header(), whole.Header())
	f.fault(w, whole.Body.Bytes())
}

// mended ends the fault, and returns how often there was one.
func (f *faultyIndex) mended() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.times = -1
	return f.asked
}

func answer500(w http.ResponseWriter, _ []byte) {
	w.Header().Del("Content-Length")
	http.Error(w, "fault asked for by a test", http.StatusInternalServerError)
}

func answerHalf(w http.ResponseWriter, whole []byte) {
	w.Header().Set("Content-Length", fmt.Sprint(len(whole)))
	_, _ = w.Write(whole[:len(whole)/2])
	_ = http.NewResponseController(w).Flush()
	panic(http.ErrAbortHandler)
}

// What an index does not answer well is asked for again. If that does not help, there is one
// error at the line that names the index or the requirement, and the next build is right.
func TestIntegrationPipFaultyIndex(t *testing.T) {
	const page, file = "/simple/six/", "/wheels/six-"
	for name, test := range map[string]struct {
		path  string
		fault func(http.ResponseWriter, []byte)
		want  string
	}{
		"page: 500":  {page, answer500, "requirements.txt:2: six was not found, and "},
		"page: half": {page, answerHalf, "a download broke off in each of 3 attempts: "},
		"file: 500":  {file, answer500, "a download broke off in each of 3 attempts: "},
		"file: half": {file, answerHalf, "a download broke off in each of 3 attempts: "},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // pip takes its time to try again
			f, url := faulty(t, test.path, 0, test.fault)
			b := build{
				spec:         minimal + "pip:\n  requirements: [requirements.txt]\n  index-url: " + url + "\n",
				files:        map[string]string{"requirements.txt": "idna\nsix\n"},
				BuildRequest: online(),
			}
			log, err := b.fails(t)
			require.Equal(t, 1, strings.Count(log, "\n"+test.want), log)
			require.Contains(t, marked(err), "  requirements: [requirements.txt]")
			require.GreaterOrEqual(t, f.mended(), 3)
			require.Equal(t, []string{"idna==3.10", "six==1.17.0"}, versions(t, b.must(t).Image))

			_, url = faulty(t, test.path, 1, test.fault)
			b.spec = minimal + "pip: {packages: [idna, six], index-url: " + url + "}\n"
			require.Equal(t, []string{"idna==3.10", "six==1.17.0"}, versions(t, b.must(t).Image))
		})
	}
}

// answerChanged changes a byte of what is compressed.
func answerChanged(w http.ResponseWriter, whole []byte) {
	changed := bytes.Clone(whole)
	changed[len(changed)/2] ^= 0xff
	_, _ = w.Write(changed)
}

// answerNoArchive changes the end, by which a zip file is known.
func answerNoArchive(w http.ResponseWriter, whole []byte) {
	const end = 22
	_, _ = w.Write(append(bytes.Clone(whole[:len(whole)-end]), make([]byte, end)...))
}

// pip keeps what it gets by HTTPS before it looks into it. What is damaged is asked for again,
// and does not stay there.
func TestIntegrationPipDamagedFiles(t *testing.T) {
	for name, fault := range map[string]func(http.ResponseWriter, []byte){
		"changed":    answerChanged,
		"no archive": answerNoArchive,
	} {
		t.Run(name, func(t *testing.T) {
			for _, times := range []int{1, 0} {
				f, url := startFaulty(t, (*httptest.Server).StartTLS, "/wheels/six-", times, fault)
				b := build{spec: minimal + "pip: {packages: [six], index-url: " + url + ", trusted-hosts: [127.0.0.1]}\n", BuildRequest: online()}
				if times == 0 {
					log, err := b.fails(t)
					require.Contains(t, log, "is damaged: the index, or a proxy before it, does not send it as it is")
					require.Contains(t, marked(err), "pip: {packages: [six]")
					require.Equal(t, 2, f.mended())
				}
				require.Equal(t, []string{"six==1.17.0"}, versions(t, b.must(t).Image))
			}
		})
	}
}

// A file whose hash is another than the one required does not stay there either, whatever the URL
// that it is kept by.
func TestIntegrationPipDamagedFileWithHash(t *testing.T) {
	for name, test := range map[string]struct {
		start      func(*httptest.Server)
		redirected bool
	}{
		"https":      {(*httptest.Server).StartTLS, false},
		"http":       {(*httptest.Server).Start, false},
		"redirected": {(*httptest.Server).StartTLS, true},
	} {
		t.Run(name, func(t *testing.T) {
			f, url := startFaulty(t, test.start, "/wheels/six-", 0, answerChanged)
			whole, err := os.ReadFile(filepath.Join(f.dir, "six-1.17.0-py3-none-any.whl"))
			require.NoError(t, err)
			if test.redirected {
				url = f.redirecting(t, strings.TrimSuffix(url, "/simple")) + "/simple"
			}
			b := build{
				spec:         minimal + "pip: {requirements: [requirements.txt], index-url: " + url + ", trusted-hosts: [127.0.0.1]}\n",
				files:        map[string]string{"requirements.txt": fmt.Sprintf("six==1.17.0 --hash=sha256:%x\n", sha256.Sum256(whole))},
				BuildRequest: online(),
			}
			log, _ := b.fails(t)
			require.Contains(t, log, "\nrequirements.txt:1: the hash of six==1.17.0 is not the one required")
			require.Equal(t, 1, f.mended())
			require.Equal(t, []string{"six==1.17.0"}, versions(t, b.must(t).Image))
		})
	}
}

// redirecting starts a server that has the same pages, and sends on to where files are.
func (f *faultyIndex) redirecting(t *testing.T, to string) string {
	t.Helper()
	server := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasPrefix(r.URL.Path, "/wheels/") {
			http.Redirect(w, r, to+r.URL.Path, http.StatusFound)
			return
		}
		f.ServeHTTP(w, r)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// What is not for the Python or the platform of the image is an error that says so, with the line
// that names it.
func TestIntegrationPipWheelsForOthers(t *testing.T) {
	for name, test := range map[string]struct{ tag, requires, want string }{
		"another Python":         {"cp312-cp312-musllinux_1_2_x86_64", "", "is not a wheel for this image: expected one for tag cp313-"},
		"another C library":      {"cp313-cp313-manylinux_2_17_x86_64", "", "is not a wheel for this image: expected one for tag cp313-"},
		"another system":         {"cp313-cp313-win_amd64", "", "is not a wheel for this image: expected one for tag cp313-"},
		"what requires a Python": {"py3-none-any", "Requires-Python: <3.9\n", "gear is not for this Python: it requires <3.9, and the image has 3.13."},
	} {
		t.Run(name, func(t *testing.T) {
			files := map[string]string{}
			if test.requires != "" {
				files["gear-1.0.dist-info/METADATA"] = "Metadata-Version: 2.1\nName: gear\nVersion: 1.0\n" + test.requires
			}
			file, content := taggedWheel(t, "gear", "1.0", test.tag, files)
			b := build{
				spec:  minimal + "pip: {requirements: [requirements.txt]}\n",
				files: map[string]string{"requirements.txt": "-r deps/more.txt\n", "deps/more.txt": "six\n./wheels/" + file + "\n", "wheels/" + file: content},
			}
			log, err := b.fails(t)
			require.Contains(t, log, "\ndeps/more.txt:2: ")
			require.Contains(t, log, test.want)
			require.Equal(t, "pip: {requirements: [requirements.txt]}", marked(err))
		})
	}
}

// bigWheel is one that takes its room on a disk.
func bigWheel(t *testing.T, megabytes int) (file, content string) {
	t.Helper()
	noise := make([]byte, megabytes<<20)
	_, err := rand.Read(noise)
	require.NoError(t, err)
	return wheel(t, "big", "1.0", map[string]string{"big.py": "answer = 42\n", "big.bin": string(noise)})
}

// A disk that is full once pip has something to write is an error that says it, and the next
// build, with room, is right.
func TestIntegrationPipFullDisk(t *testing.T) {
	env := shared.Env(t)
	daemon, disk := daemonOnDisk(t, env, 1<<30)
	warm, err := daemon.Build(t.Context(), build{spec: minimal + "pip: {packages: [six]}\n"}.on(t, env))
	require.NoError(t, err, "%s", warm.Log())

	index := newIndex(t)
	index.add(bigWheel(t, 24))
	line := "pip: {packages: [big], index-url: " + index.start(t, false) + "}"
	b := build{spec: minimal + line + "\n", BuildRequest: online()}
	var used unix.Statfs_t
	require.NoError(t, unix.Statfs(disk, &used))
	resize(t, disk, (used.Blocks-used.Bfree)*uint64(used.Bsize)+12<<20)
	res, err := daemon.Build(t.Context(), b.on(t, env))
	require.Error(t, err)
	require.Nil(t, res.Image)
	require.Contains(t, res.Log(), "\nthe disk of the builder is full: ")
	require.Equal(t, line, marked(err))

	resize(t, disk, 1<<30)
	res, err = daemon.Build(t.Context(), b.on(t, env))
	require.NoError(t, err, "%s", res.Log())
	require.Equal(t, "42", python(t, res.Image, "import big; print(big.answer)"))
	require.Equal(t, b.must(t).Image.Config.RootFS, res.Image.Config.RootFS)
}

// slowBackend is a build backend that takes its time.
const slowBackend = "import time\n" + taggedBackend + `
build_slowly = build_wheel
def build_wheel(*args, **keywords):
    time.sleep(3)
    return build_slowly(*args, **keywords)
`

// Whoever dies while pip is at work, in the middle of a file or of a build, the client or the
// daemon: the next build is right, and what was half done is in no cache.
func TestIntegrationPipKilled(t *testing.T) {
	env := shared.Env(t)
	daemon := freshDaemon(t, env)
	for _, who := range []string{"client", "daemon"} {
		for _, when := range []string{"download", "install"} {
			t.Run(who+" in "+when, func(t *testing.T) {
				ctx, cancel := context.WithCancel(t.Context())
				defer cancel()
				var once sync.Once
				var killed atomic.Bool
				kill := func() {
					once.Do(func() {
						killed.Store(true)
						if who == "client" {
							cancel()
						} else {
							require.NoError(t, daemon.Kill())
						}
					})
				}
				half := func(w http.ResponseWriter, whole []byte) {
					defer kill()
					answerHalf(w, whole)
				}
				times := 1
				if when == "install" {
					times = -1
				}
				f, url := faulty(t, "/wheels/big-", times, half)
				f.add(bigWheel(t, 2))
				f.add(sdist(t, "slow", "1.0", map[string]string{
					"pyproject.toml": "[build-system]\nrequires = []\nbuild-backend = 'backend'\nbackend-path = ['.']\n",
					"backend.py":     fmt.Sprintf(slowBackend, "slow", "py3-none-any") + "# " + who + " in " + when + "\n", // the wheel is not kept yet
				}))
				b := build{spec: minimal + "pip: {packages: [big, slow], index-url: " + url + "}\n", BuildRequest: online()}
				req := b.on(t, env)
				if when == "install" {
					req.OnStatus = func(status *client.SolveStatus) {
						for _, line := range status.Logs {
							if strings.Contains(string(line.Data), "Building wheel for slow") {
								go kill()
							}
						}
					}
				}
				res, err := daemon.Build(ctx, req)
				require.Error(t, err)
				require.Nil(t, res.Image)
				require.True(t, killed.Load(), "%v\n%s", err, res.Log())
				if who == "daemon" {
					require.NoError(t, daemon.Restart(t.Context()))
				}

				res, err = daemon.Build(t.Context(), b.on(t, env))
				require.NoError(t, err, "%s", res.Log())
				require.Equal(t, "42 42", python(t, res.Image, "import big, slow; print(big.answer, slow.answer)"))
				require.Equal(t, b.must(t).Image.Config.RootFS, res.Image.Config.RootFS)
			})
		}
	}
}

// A build that fails leaves what an earlier one exported as it was, and nothing where there was
// nothing.
func TestIntegrationPipFailuresExportNothing(t *testing.T) {
	x := newBuildx(t, sharedDaemon)
	dir := contextDir(t, map[string]string{"Dockerfile": minimal + "pip: {requirements: [requirements.txt]}\n", "requirements.txt": "six\n"})
	broken := contextDir(t, map[string]string{
		"Dockerfile":       minimal + "pip: {requirements: [requirements.txt]}\nfiles: [{from: requirements.txt, to: /new}]\n",
		"requirements.txt": "six==1.17.0 --hash=sha256:" + strings.Repeat("0", 64) + "\n",
	})
	for name, output := range map[string]string{"layout": "type=oci,tar=false", "archive": "type=oci", "folder": "type=local"} {
		t.Run(name, func(t *testing.T) {
			x := x.on(t)
			there, absent := filepath.Join(t.TempDir(), "there"), filepath.Join(t.TempDir(), "absent")
			x.must(line{args: []string{"--output", output + ",dest=" + there, dir}, noLayout: true})
			before := treeOf(t, there)
			require.NotEmpty(t, before)
			for _, dest := range []string{there, absent} {
				_, err := x.try(line{args: []string{"--output", output + ",dest=" + dest, broken}, noLayout: true})
				require.ErrorContains(t, err, "pip_download.py")
			}
			require.Equal(t, before, treeOf(t, there))
			require.Empty(t, treeOf(t, absent))
		})
	}
}

// treeOf returns the digests of the files at and below a path by their names.
func treeOf(t *testing.T, path string) map[string]string {
	t.Helper()
	tree := map[string]string{}
	err := filepath.WalkDir(path, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() {
			return err
		}
		data, err := os.ReadFile(name)
		tree[strings.TrimPrefix(name, path)] = fmt.Sprintf("%x", sha256.Sum256(data))
		return err
	})
	if !errors.Is(err, fs.ErrNotExist) {
		require.NoError(t, err)
	}
	return tree
}
