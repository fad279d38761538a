package frontend_test

import (
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
)

// instruction is how the steps of a Dockerfile begin.
var instruction = regexp.MustCompile(`^\[[^\]]*\] (RUN|COPY|ADD|WORKDIR) `)

// worked returns the names of the steps that did their work: ours, and those of a Dockerfile.
func worked(res *testenv.BuildxResult) []string {
	names := ran(&res.BuildResult)
	for _, v := range res.Vertices {
		if v.Ran() && v.Group == "" && instruction.MatchString(v.Name) {
			names = append(names, v.Name)
		}
	}
	return names
}

const (
	cacheSpec = `packages: [hello-apk]
pip: {requirements: [requirements.txt]}
files: [{from: app.py, to: /app/}]
`
	cacheDockerfile = ` AS final
COPY requirements.txt app.py /app/
FROM autumnjolitz/distroless-python:3.13-alpine3.20-buildroot AS builder
ARG PIP_FIND_LINKS PIP_NO_INDEX
COPY requirements.txt .
RUN chroot-pip install -r requirements.txt
FROM final
COPY --from=builder /d/usr/local/lib/python3.13/site-packages ` + sitePackages + `
`
)

// cacheContext is a context of a spec or a Dockerfile that has steps of every kind.
func cacheContext(t *testing.T, text string) string {
	t.Helper()
	text = strings.Replace(text, "3.20\n AS", "3.20 AS", 1)
	return contextDir(t, map[string]string{"Dockerfile": text, "requirements.txt": "six\n", "app.py": ""})
}

// What one daemon has built, another that has nothing takes from the cache: it runs no step.
func TestIntegrationBuildxCacheOfAnotherDaemon(t *testing.T) {
	env := shared.Env(t)
	daemon, err := env.StartDaemon(t.Context())
	require.NoError(t, err)
	defer func() { require.NoError(t, daemon.Close()) }()
	other := newBuildx(t, func(*testenv.Env) *testenv.Daemon { return daemon })

	onlyLooked := []string{"[final] look for shared libraries"}
	newBuildx(t, sharedDaemon).eachKind(cacheSpec, cacheDockerfile, func(x *buildx, text string) {
		dir, local, ref := cacheContext(x.t, text), x.t.TempDir(), x.env.Registry.Ref("test/cache")
		push := []string{"--push", "-t", ref + ":image"}
		for name, test := range map[string]struct {
			to   []string
			from string
			// again are the steps of a spec that such a cache, of the image's layers alone, has not got.
			again []string
		}{
			"local":    {[]string{"--cache-to", "type=local,mode=max,dest=" + local}, "type=local,src=" + local, nil},
			"registry": {[]string{"--cache-to", "type=registry,mode=max,ref=" + ref + ":cache"}, ref + ":cache", nil},
			"inline":   {append(push, "--cache-to", "type=inline"), "type=registry,ref=" + ref + ":image", onlyLooked},
			"argument": {append(push, "--build-arg", "BUILDKIT_INLINE_CACHE=1"), ref + ":image", onlyLooked},
		} {
			x.t.Run(name, func(t *testing.T) {
				pushed := slices.Contains(test.to, "--push")
				x.on(t).must(line{dir: dir, args: append(test.to, "."), noLayout: pushed})
				require.NoError(t, daemon.Prune(t.Context()))
				res := other.on(t).must(line{dir: dir, args: []string{"--cache-from", test.from, "."}})
				require.Subset(t, test.again, worked(res))
				require.Contains(t, filesOf(t, res.Image), "/app/app.py")
			})
		}
	})
}

// The names of --no-cache-filter are the groups of a spec, and the stages and images of a
// Dockerfile.
func TestIntegrationBuildxNoCache(t *testing.T) {
	x := newBuildx(t, sharedDaemon)
	dir := cacheContext(t, minimal+cacheSpec)
	x.must(line{dir: dir, args: []string{"."}})
	require.Empty(t, worked(x.must(line{dir: dir, args: []string{"."}})))
	for name, test := range map[string]struct {
		dir           string
		args          []string
		again, cached []string
	}{
		"all":    {dir, []string{"--no-cache"}, []string{"compile the standard library", "install the base packages", "[files] copy"}, nil},
		"groups": {dir, []string{"--no-cache-filter", "PIP,files"}, []string{"[pip] install", "[files] copy"}, []string{"[root]", "[python]"}},
		"all of a Dockerfile": {
			cacheContext(t, syntax+"FROM scratch\nCOPY app.py /\n"), []string{"--no-cache"}, []string{"COPY app.py"}, nil,
		},
		"stages and images": {
			cacheContext(t, onFinal+cacheDockerfile),
			[]string{"--no-cache-filter", "builder", "--no-cache-filter", "autumnjolitz/distroless-python:3.13-alpine3.20"},
			[]string{"RUN chroot-pip", "compile the standard library"}, nil,
		},
	} {
		t.Run(name, func(t *testing.T) {
			x := x.on(t)
			x.must(line{dir: test.dir, args: []string{"."}})
			steps := strings.Join(worked(x.must(line{dir: test.dir, args: append(test.args, ".")})), "\n")
			for _, step := range test.again {
				require.Contains(t, steps, step)
			}
			for _, step := range test.cached {
				require.NotContains(t, steps, step)
			}
		})
	}
}

// pushOld pushes a base that is too old, which a build says as soon as it finds it.
func pushOld(t *testing.T, env *testenv.Env, version string) {
	t.Helper()
	res, err := env.Build(t.Context(), testenv.BuildRequest{
		DockerfileInline: "FROM scratch\nENV PYTHON_VERSION=" + version + "\nCOPY <<EOF /marker\n" + version + "\nEOF\n",
		Push:             env.Registry.Ref("library/python:3.9-alpine3.20"),
	})
	require.NoError(t, err, res.Log())
}

// oldFiles are a spec and a Dockerfile with the base of pushOld.
func oldFiles() map[string]string {
	return map[string]string{
		"spec":       syntax + "base: python:3.9-alpine3.20\n",
		"Dockerfile": syntax + "FROM autumnjolitz/distroless-python:3.9-alpine3.20\n",
	}
}

// With --pull, the base is what the registry has now.
func TestIntegrationBuildxPull(t *testing.T) {
	x := newBuildx(t, sharedDaemon)
	for _, version := range []string{"3.9.1", "3.9.2"} {
		pushOld(t, x.env, version)
		for name, text := range oldFiles() {
			t.Run(version+" "+name, func(t *testing.T) {
				require.Contains(t, x.on(t).fails(line{args: []string{"--pull", "-"}, stdin: text}), "its Python is "+version)
			})
		}
	}
}

// A namespace has cache mounts of its own, so what others downloaded is downloaded again.
func TestIntegrationBuildxCacheMountNamespace(t *testing.T) {
	repository := shared.Env(t).Fixtures.APKRepository()
	newBuildx(t, sharedDaemon).eachKind("", "", func(x *buildx, text string) {
		// Another way to write the URL has the packages installed anew.
		downloads := func(args ...string) int {
			repository += "/."
			x.env.Fixtures.ResetRequests()
			x.must(line{args: append(args, "--build-arg", "APK_REPOSITORIES="+repository, "-"), stdin: text})
			return len(x.env.Fixtures.Requests("zlib-1"))
		}
		downloads()
		require.Zero(x.t, downloads())
		require.Equal(x.t, 1, downloads("--build-arg", "BUILDKIT_CACHE_MOUNT_NS="+x.t.Name()))
		require.Zero(x.t, downloads("--build-arg", "BUILDKIT_CACHE_MOUNT_NS="+x.t.Name()))
	})
}
