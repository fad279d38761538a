package frontend_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/distribution/reference"
	"github.com/stretchr/testify/require"

	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
)

// A reader does what a document says. Docker is played by buildx on the test's daemon, by the
// test's registry for the images of the engine, and by runc.
type reader struct {
	t          *testing.T
	env        *testenv.Env
	buildx     string
	config     string // of buildx
	dir        string
	port       string
	containers map[string]*testenv.Container
	volumes    map[string]testenv.Mount
	second     *testenv.Daemon // see secondDaemon
}

func newReader(t *testing.T, env *testenv.Env) *reader {
	buildx, err := testenv.Binary("buildx")
	require.NoError(t, err)
	r := &reader{
		t: t, env: env, buildx: buildx, config: t.TempDir(), dir: t.TempDir(), port: freePort(t),
		containers: map[string]*testenv.Container{},
		volumes:    map[string]testenv.Mount{},
	}
	t.Cleanup(func() {
		for _, c := range r.containers {
			_, _ = c.Stop() // the test failed before it did
		}
	})
	_, err = r.run(buildx, "create", "--name", "docs", "--driver", "remote", env.Daemon.Address)
	require.NoError(t, err)

	return r
}

func freePort(t *testing.T) string {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer l.Close()
	return strconv.Itoa(l.Addr().(*net.TCPAddr).Port)
}

func (r *reader) read(path string, blocks []block) {
	if isExample(path) {
		r.copyFolder(filepath.Dir(path))
	}
	for _, b := range blocks {
		if b.file != "" {
			text := r.here(b.text)
			if b.language == "dockerfile" {
				text = stage.ReplaceAllString(text, "$0\nARG PIP_FIND_LINKS PIP_NO_INDEX")
			}
			r.write(b.file, text)
		}
		if b.language != "console" {
			continue
		}
		for _, c := range b.commands() {
			at := fmt.Sprintf("%s:%d: %s", filepath.Base(path), c.line, c.text)
			why := c.whyNotRun()
			if why == "" && r.env.StandIn() && strings.Contains(c.text, "--platform linux/amd64,linux/arm64") {
				why = "the stand-in for the base image is of one platform"
			}
			if why != "" {
				r.t.Logf("%s: not run: %s", at, why)
				continue
			}
			words, err := command{text: r.here(c.text)}.words(r.dir)
			require.NoError(r.t, err, at)
			do, args, err := r.find(words)
			require.NoError(r.t, err, at)
			start := time.Now()
			out, err := do(args)
			r.t.Logf("%s: %v", at, time.Since(start).Round(time.Millisecond))
			if c.fails {
				require.Error(r.t, err, "%s\n%s", at, out)
			} else {
				require.NoError(r.t, err, "%s\n%s", at, out)
			}
			requireLines(r.t, at, r.here(strings.Join(c.output, "\n")), out)
		}
	}
}

// here puts the test's own port, mirror, registry and daemons where the document has an example.
func (r *reader) here(text string) string {
	if strings.Contains(text, secondMachine) {
		text = strings.ReplaceAll(text, secondMachine, r.secondDaemon().Address)
	}
	return strings.NewReplacer(
		"8080", r.port,
		mirrorRepository, r.env.Fixtures.APKRepository(),
		mirrorWheels, r.env.Fixtures.Wheels(),
		exampleRegistry, r.env.Registry.Host(),
		firstMachine, r.env.Daemon.Address,
	).Replace(text)
}

// copyFolder puts the files of a folder into the reader's.
func (r *reader) copyFolder(dir string) {
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		text, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		name, err := filepath.Rel(dir, path)
		if err == nil {
			r.write(name, r.here(string(text)))
		}
		return err
	})
	require.NoError(r.t, err)
}

func (r *reader) write(name, text string) {
	path := filepath.Join(r.dir, name)
	require.NoError(r.t, os.MkdirAll(filepath.Dir(path), 0o755))
	require.NoError(r.t, os.WriteFile(path, []byte(text), 0o644))
}

// requireLines checks that the wanted lines are in the output, in order.
func requireLines(t *testing.T, at, want, got string) {
	t.Helper()
	rest := strings.Split(got, "\n")
	for line := range strings.SplitSeq(want, "\n") {
		if line == "" || line == "..." {
			continue
		}
		i := slices.IndexFunc(rest, func(s string) bool { return strings.Contains(s, strings.TrimSpace(line)) })
		require.GreaterOrEqual(t, i, 0, "%s\nis to print: %s\nbut prints:\n%s", at, line, got)
		rest = rest[i+1:]
	}
}

// find returns what does a command, and its arguments.
func (r *reader) find(words []string) (do func([]string) (string, error), args []string, err error) {
	done := func([]string) (string, error) { return "", nil }
	for name, do := range map[string]func([]string) (string, error){
		"make":                done, // see TestDocsCommandsAreKnown
		"go":                  done,
		"mkdir":               func(args []string) (string, error) { return r.run("mkdir", args...) },
		"cd":                  r.cd,
		"cmp":                 func(args []string) (string, error) { return r.run("cmp", args...) },
		"curl":                r.curl,
		"docker build":        r.build,
		"docker buildx build": r.build,
		"docker buildx bake":  r.bake,
		"docker run":          r.start,
		"docker stop":         r.stop,

		"docker buildx create": r.create,
	} {
		name := strings.Fields(name)
		if len(words) >= len(name) && slices.Equal(words[:len(name)], name) {
			return do, words[len(name):], nil
		}
	}
	return nil, nil, errors.New("the test does not know the command: teach it, or say in notRun why it cannot be run")
}

// run executes a program in the reader's folder.
func (r *reader) run(program string, args ...string) (string, error) {
	cmd := exec.CommandContext(r.t.Context(), program, args...)
	cmd.Dir = r.dir
	cmd.Env = append(os.Environ(), "BUILDX_CONFIG="+r.config, "BUILDX_BAKE_ENTITLEMENTS_FS=0")
	out, err := cmd.CombinedOutput()
	return string(out), err
}

func (r *reader) cd(args []string) (string, error) {
	r.dir = filepath.Join(r.dir, args[0])
	_, err := os.Stat(r.dir)
	return "", err
}

// behindMirror are the arguments of someone who builds behind the test's mirror. A command
// that says itself where packages come from gets none.
func (r *reader) behindMirror(args []string) (buildArgs, contexts map[string]string) {
	if strings.Contains(strings.Join(args, " "), r.env.Fixtures.APKRepository()) {
		key, err := os.ReadFile(r.env.Fixtures.APKKey())
		require.NoError(r.t, err)
		r.write(filepath.Join("keys", filepath.Base(r.env.Fixtures.APKKey())), string(key))
		return nil, nil
	}
	req := build{}.on(r.t, r.env)
	return req.BuildArgs, req.NamedContexts
}

// pushed is the exporter that puts an image where the daemon, and start, find it by its name.
func (r *reader) pushed(name string) (string, error) {
	named, err := reference.ParseNormalizedNamed(name)
	if err != nil {
		return "", err
	}
	ref := r.env.Registry.Ref(reference.TagNameOnly(named).String())
	return "type=image,push=true,name=" + ref, nil
}

// build runs docker build.
func (r *reader) build(args []string) (string, error) {
	buildArgs, contexts := r.behindMirror(args)
	line := []string{"build", "--progress", "plain"}
	if !slices.Contains(args, "--builder") {
		line = append(line, "--builder", "docs")
	}
	push := slices.Contains(args, "--push") // then the name says where to
	for _, name := range slices.Sorted(maps.Keys(buildArgs)) {
		line = append(line, "--build-arg", name+"="+buildArgs[name])
	}
	for _, name := range slices.Sorted(maps.Keys(contexts)) {
		line = append(line, "--build-context", name+"="+contexts[name])
	}
	for i := 0; i < len(args); i++ {
		if args[i] != "-t" || i+1 == len(args) || push {
			line = append(line, args[i])
			continue
		}
		i++
		output, err := r.pushed(args[i])
		if err != nil {
			return "", err
		}
		line = append(line, "--output", output)
	}
	return r.run(r.buildx, line...)
}

// bake runs docker buildx bake.
func (r *reader) bake(args []string) (string, error) {
	buildArgs, contexts := r.behindMirror(args)
	line := append([]string{"bake", "--builder", "docs", "--progress", "plain"}, args...)
	for _, name := range slices.Sorted(maps.Keys(buildArgs)) {
		line = append(line, "--set", "*.args."+name+"="+buildArgs[name])
	}
	for _, name := range slices.Sorted(maps.Keys(contexts)) {
		line = append(line, "--set", "*.contexts."+name+"="+contexts[name])
	}
	tags, err := r.bakeTags(args)
	if err != nil {
		return "", err
	}
	for _, target := range slices.Sorted(maps.Keys(tags)) {
		output, err := r.pushed(tags[target])
		if err != nil {
			return "", err
		}
		line = append(line, "--set", target+".output="+output, "--set", target+".tags=")
	}
	return r.run(r.buildx, line...)
}

// bakeTags returns the first tag of every target that has one.
func (r *reader) bakeTags(args []string) (map[string]string, error) {
	cmd := exec.CommandContext(r.t.Context(), r.buildx, append([]string{"bake", "--print", "--progress", "quiet"}, args...)...)
	cmd.Dir = r.dir
	out, err := cmd.Output()
	if err != nil {
		return nil, fmt.Errorf("bake --print: %w", err)
	}
	var plan struct {
		Target map[string]struct{ Tags []string }
	}
	if err := json.Unmarshal(out, &plan); err != nil {
		return nil, err
	}
	tags := map[string]string{}
	for name, target := range plan.Target {
		if len(target.Tags) > 0 {
			tags[name] = target.Tags[0]
		}
	}
	return tags, nil
}
