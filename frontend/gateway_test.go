package frontend_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
)

// maxFrontendMemory is what the process of the frontend may ever use.
const maxFrontendMemory = 64 << 20

// packaged returns the request by which `docker build` would build this: nothing in it says
// which frontend to run but the first lines of the spec.
func (b build) packaged(t *testing.T) testenv.BuildRequest {
	t.Helper()
	req := b.on(t, shared.Env(t))
	req.Frontend, req.FrontendName = nil, "dockerfile.v0"
	return req
}

func TestIntegrationSyntaxLine(t *testing.T) {
	env := shared.Env(t)
	pushFrontend(t, env)
	const body = "python: 3.13\nalpine: 3.20\nentrypoint: [python, -V]\n"
	inProcess := build{spec: body}.must(t).Image
	for name, first := range map[string]string{
		"syntax":           "#syntax=autumnjolitz/distroless-frontend\n",
		"spaces":           "# syntax = docker.io/autumnjolitz/distroless-frontend:latest\n",
		"hash bang":        "#!/usr/bin/env -S docker build -f\n#syntax=autumnjolitz/distroless-frontend\n",
		"other directives": "# escape=`\n# syntax=autumnjolitz/distroless-frontend\n",
	} {
		t.Run(name, func(t *testing.T) {
			res, err := env.Build(t.Context(), build{spec: first + body}.packaged(t))
			require.NoError(t, err, res.Log())
			require.NotNil(t, res.Vertex("autumnjolitz/distroless-frontend"), "the packaged frontend must have been pulled")
			require.Equal(t, inProcess.Layers, res.Image.Layers)
			require.JSONEq(t, string(inProcess.RawConfig), string(res.Image.RawConfig))
			require.Equal(t, "Python "+env.PythonVersion()+"\n", run(t, res.Image, testenv.RunOptions{}))
		})
	}
}

func TestIntegrationPackagedFrontendBuildsEverything(t *testing.T) {
	env := shared.Env(t)
	pushFrontend(t, env)
	b := build{
		spec:  minimal + "packages: [hello-apk]\npip: {requirements: [requirements.txt]}\nfiles: [{from: app.py, to: /app/}]\nworkdir: /app\n",
		files: map[string]string{"requirements.txt": "six\n", "app.py": "import six\n"},
	}
	for _, target := range []string{"final", "buildroot"} {
		b.Target = target
		inProcess := b.must(t).Image
		res, err := env.Build(t.Context(), b.packaged(t))
		require.NoError(t, err, res.Log())
		require.Equal(t, inProcess.Layers, res.Image.Layers, target)
		require.JSONEq(t, string(inProcess.RawConfig), string(res.Image.RawConfig), target)
	}
}

// What an error says must not get lost between two processes.
func TestIntegrationPackagedFrontendErrors(t *testing.T) {
	env := shared.Env(t)
	pushFrontend(t, env)
	for name, test := range map[string]struct{ spec, want, line string }{
		"in the spec": {
			minimal + "pakages: [zip]\n",
			`Dockerfile:4:1: unknown key "pakages", did you mean packages?`, "pakages: [zip]",
		},
		"of the daemon": {
			"#syntax=autumnjolitz/distroless-frontend\nbase: library/absent:1\n",
			"resolve the base image library/absent:1: ", "base: library/absent:1",
		},
		"of a step": {
			minimal + "files:\n  - {from: absent.py, to: /app/}\n",
			`"/absent.py": not found`, "  - {from: absent.py, to: /app/}",
		},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := env.Build(t.Context(), build{spec: test.spec}.packaged(t))
			require.ErrorContains(t, err, test.want)
			require.Equal(t, test.line, marked(err))
		})
	}
}

func TestIntegrationPackagedFrontendMemory(t *testing.T) {
	env := shared.Env(t)
	pushFrontend(t, env)
	large := minimal + "env:\n" + strings.Repeat("  # a comment\n", 1<<15)
	for i := range 2000 {
		large += fmt.Sprintf("  VARIABLE_%d: value %d\n", i, i)
	}
	for name, spec := range map[string]string{"minimal": minimal, "large": large} {
		t.Run(name, func(t *testing.T) {
			stop := make(chan struct{})
			peak := make(chan int64)
			go func() { peak <- peakMemory(stop) }()
			req := build{spec: spec}.packaged(t)
			req.NoExport = true
			req.FrontendAttrs = map[string]string{"no-cache": "root"} // for it to wait a while
			res, err := env.Build(t.Context(), req)
			close(stop)
			used := <-peak
			require.NoError(t, err, res.Log())
			t.Logf("the frontend used at most %.1f MiB", float64(used)/(1<<20))
			require.Positive(t, used, "the process of the frontend must be seen")
			require.Less(t, used, int64(maxFrontendMemory))
		})
	}
}

// peakMemory watches the processes below this one that run the frontend and returns the most
// resident memory that any of them had at a time.
func peakMemory(stop <-chan struct{}) int64 {
	var peak int64
	for {
		select {
		case <-stop:
			return peak
		case <-time.After(5 * time.Millisecond):
		}
		names, _ := filepath.Glob("/proc/[0-9]*/comm")
		for _, name := range names {
			comm, err := os.ReadFile(name)
			if err != nil || strings.TrimSpace(string(comm)) != "frontend" {
				continue
			}
			status := processStatus(filepath.Base(filepath.Dir(name)))
			if isBelow(status["PPid"], strconv.Itoa(os.Getpid())) {
				kib, _ := strconv.ParseInt(strings.TrimSuffix(status["VmHWM"], " kB"), 10, 64)
				peak = max(peak, kib<<10)
			}
		}
	}
}

// processStatus returns what the kernel says of a process; nothing if it is gone.
func processStatus(pid string) map[string]string {
	data, _ := os.ReadFile(filepath.Join("/proc", pid, "status"))
	status := map[string]string{}
	for line := range bytes.Lines(data) {
		key, value, _ := strings.Cut(string(line), ":")
		status[key] = strings.TrimSpace(value)
	}
	return status
}

// isBelow tells whether a process is another one or comes from it.
func isBelow(pid, ancestor string) bool {
	for pid != "" && pid != "0" {
		if pid == ancestor {
			return true
		}
		pid = processStatus(pid)["PPid"]
	}
	return false
}
