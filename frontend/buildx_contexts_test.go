package frontend_test

import (
	"archive/tar"
	"bytes"
	"fmt"
	"maps"
	"net/http"
	"net/http/cgi"
	"net/http/httptest"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
)

// The spec and the Dockerfile of these tests copy one file.
const (
	copySpec       = "files: [{from: marker, to: /app/}]\n"
	copyDockerfile = "COPY marker /app/\n"
)

// tarOf returns an archive of the files.
func tarOf(t *testing.T, files map[string]string) string {
	t.Helper()
	var buffer bytes.Buffer
	archive := tar.NewWriter(&buffer)
	for _, name := range slices.Sorted(maps.Keys(files)) {
		require.NoError(t, archive.WriteHeader(&tar.Header{Name: name, Mode: 0o644, Size: int64(len(files[name]))}))
		_, err := archive.Write([]byte(files[name]))
		require.NoError(t, err)
	}
	require.NoError(t, archive.Close())
	return buffer.String()
}

// serve answers requests for these paths.
func serve(t *testing.T, files map[string]string) (url string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		content, ok := files[strings.TrimPrefix(r.URL.Path, "/")]
		if !ok {
			http.NotFound(w, r)
			return
		}
		fmt.Fprint(w, content)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

// gitServer serves a repository with one commit of the files, on the branch main, and returns
// its URL and the commit.
func gitServer(t *testing.T, files map[string]string) (url, commit string) {
	t.Helper()
	dir := contextDir(t, files)
	git := gitIn(t, dir)
	git("init", "--quiet", "--initial-branch", "main")
	git("add", ".")
	git("commit", "--quiet", "--message", "first")
	server := httptest.NewServer(&cgi.Handler{
		Path: filepath.Join(git("--exec-path"), "git-http-backend"),
		Env:  []string{"GIT_PROJECT_ROOT=" + dir, "GIT_HTTP_EXPORT_ALL=1"},
	})
	t.Cleanup(server.Close)
	return server.URL + "/.git", git("rev-parse", "HEAD")
}

// Wherever the file and the context come from, the image is the same.
func TestIntegrationBuildxSources(t *testing.T) {
	newBuildx(t, sharedDaemon).eachKind(copySpec, copyDockerfile, func(x *buildx, text string) {
		whole := map[string]string{"Dockerfile": text, "marker": "here"}
		named := map[string]string{"sub/app.yaml": text, "sub/marker": "here"}
		rest := contextDir(x.t, map[string]string{"marker": "here"})
		repository, _ := gitServer(x.t, map[string]string{
			"Dockerfile": text, "marker": "here", "sub/app.yaml": text, "sub/marker": "here",
		})
		served := serve(x.t, map[string]string{"context.tar": tarOf(x.t, whole), "named.tar": tarOf(x.t, named)})
		for name, l := range map[string]line{
			"folder":                   {args: []string{contextDir(x.t, whole)}},
			"lower case":               {args: []string{contextDir(x.t, map[string]string{"dockerfile": text, "marker": "here"})}},
			"file outside the context": {args: []string{"-f", filepath.Join(contextDir(x.t, named), "sub/app.yaml"), rest}},
			"file on stdin":            {args: []string{"-f", "-", rest}, stdin: text},
			"file by HTTP":             {args: []string{"-f", serve(x.t, map[string]string{"app.yaml": text}) + "/app.yaml", rest}},
			"archive on stdin":         {args: []string{"-"}, stdin: tarOf(x.t, whole)},
			"file in one on stdin":     {args: []string{"-f", "sub/app.yaml", "--build-context", "x=" + rest, "-"}, stdin: tarOf(x.t, map[string]string{"sub/app.yaml": text, "marker": "here"})},
			"git":                      {args: []string{repository}},
			"git, a branch":            {args: []string{repository + "#main"}},
			"git, a folder":            {args: []string{"-f", "app.yaml", repository + "#main:sub"}},
			"archive by HTTP":          {args: []string{served + "/context.tar"}},
		} {
			x.t.Run(name, func(t *testing.T) {
				img := x.on(t).must(l).Image
				require.Equal(t, "here", fileOf(t, img, "/app/marker"))
				require.Contains(t, filesOf(t, img), "/usr/local/bin/python")
			})
		}
	})
}

// A file that is alone has no context: what it says of one is an error at its line.
func TestIntegrationBuildxFileAlone(t *testing.T) {
	x := newBuildx(t, sharedDaemon)
	x.eachKind("labels: {alone: 'yes'}\n", "LABEL alone=yes\n", func(x *buildx, text string) {
		for name, l := range map[string]line{
			"on stdin": {args: []string{"-"}, stdin: text},
			"by HTTP":  {args: []string{serve(x.t, map[string]string{"app.yaml": text}) + "/app.yaml"}},
		} {
			x.t.Run(name, func(t *testing.T) {
				require.Equal(t, "yes", x.on(t).must(l).Image.Config.Config.Labels["alone"])
			})
		}
	})
	require.Contains(t, x.fails(line{args: []string{"-"}, stdin: minimal + copySpec}), ">>> files: [{from: marker")
}

// The patterns beside the file go before those of the context, as for a Dockerfile.
func TestIntegrationBuildxDockerignore(t *testing.T) {
	const all = "files: [{from: ., to: /app/}]\n"
	newBuildx(t, sharedDaemon).eachKind(all, "COPY . /app/\n", func(x *buildx, text string) {
		files := map[string]string{
			"Dockerfile": text, "app.yaml": text, ".dockerignore": "secret\n", "app.yaml.dockerignore": "*\n!kept/**\nkept/*.pyc\n",
			"secret": "", "marker": "", "kept/a.py": "", "kept/a.pyc": "",
		}
		for name, test := range map[string]struct {
			args   []string
			absent []string
			there  []string
		}{
			"of the context": {nil, []string{"secret"}, []string{"marker", "kept/a.py", "kept/a.pyc", "app.yaml"}},
			"of the file":    {[]string{"-f", "app.yaml"}, []string{"secret", "marker", "kept/a.pyc", "app.yaml"}, []string{"kept/a.py"}},
		} {
			x.t.Run(name, func(t *testing.T) {
				l := line{dir: contextDir(t, files), args: append(test.args, ".")}
				got := filesOf(t, x.on(t).must(l).Image)
				for _, name := range test.absent {
					require.NotContains(t, got, "/app/"+name)
				}
				for _, name := range test.there {
					require.Contains(t, got, "/app/"+name)
				}
			})
		}
	})
}

func TestIntegrationBuildxKeepGitDir(t *testing.T) {
	newBuildx(t, sharedDaemon).eachKind("files: [{from: ., to: /app/}]\n", "COPY . /app/\n", func(x *buildx, text string) {
		repository, commit := gitServer(x.t, map[string]string{"Dockerfile": text})
		require.NotContains(x.t, filesOf(x.t, x.must(line{args: []string{repository}}).Image), "/app/.git")
		img := x.must(line{args: []string{"--build-arg", "BUILDKIT_CONTEXT_KEEP_GIT_DIR=1", repository}}).Image
		root, err := img.Rootfs(x.t.Context())
		require.NoError(x.t, err)
		head, err := exec.Command("git", "--git-dir", filepath.Join(root, "app/.git"), "rev-parse", "HEAD").Output()
		require.NoError(x.t, err)
		require.Equal(x.t, commit, strings.TrimSpace(string(head)))
	})
}

// pushMarked pushes an image with one file, and the layout of the same.
func pushMarked(t *testing.T, env *testenv.Env, ref string) (layout string) {
	t.Helper()
	res, err := env.Build(t.Context(), testenv.BuildRequest{
		DockerfileInline: "FROM scratch\nCOPY <<EOF /marker\nhere\nEOF\n", Push: env.Registry.Ref(ref),
	})
	require.NoError(t, err, res.Log())
	return res.Layout
}

// A name of the spec, or of COPY --from, is what --build-context says.
func TestIntegrationBuildxNamedContexts(t *testing.T) {
	const spec = "files: [{from: marker, to: /app/, context: assets}]\n"
	x := newBuildx(t, sharedDaemon)
	layout := pushMarked(t, x.env, "test/marked:latest")
	x.eachKind(spec, "COPY --from=assets marker /app/\n", func(x *buildx, text string) {
		files := map[string]string{"marker": "here\n"}
		repository, _ := gitServer(x.t, map[string]string{"sub/marker": "here\n"})
		ignoring := maps.Clone(files)
		ignoring[".dockerignore"] = "marker\n"
		dir := contextDir(x.t, map[string]string{"Dockerfile": text})
		for name, value := range map[string]string{
			"local":        contextDir(x.t, files),
			"docker-image": "docker-image://test/marked",
			"oci-layout":   "oci-layout://" + layout,
			"git":          repository + "#main:sub",
		} {
			x.t.Run(name, func(t *testing.T) {
				img := x.on(t).must(line{dir: dir, args: []string{"--build-context", "assets=" + value, "."}}).Image
				require.Equal(t, "here\n", fileOf(t, img, "/app/marker"))
			})
		}
		x.t.Run("local, ignoring", func(t *testing.T) {
			l := line{dir: dir, args: []string{"--build-context", "assets=" + contextDir(t, ignoring), "."}}
			require.Contains(t, x.on(t).fails(l), `"/marker": not found`)
		})
	})
}

// The base of a spec is a name like others. So is an image that a Dockerfile begins with.
func TestIntegrationBuildxBaseIsANamedContext(t *testing.T) {
	x := newBuildx(t, sharedDaemon)
	base, err := x.env.Build(t.Context(), testenv.BuildRequest{
		DockerfileInline: "FROM python:3.13-alpine3.20\nENV PYTHON_VERSION=3.13.99\n", Push: x.env.Registry.Ref("test/base:3.13-alpine3.20"),
	})
	require.NoError(t, err, base.Log())
	x.eachKind("", "", func(x *buildx, text string) {
		for name, value := range map[string]string{
			"docker-image": "docker-image://test/base:3.13-alpine3.20",
			"oci-layout":   "oci-layout://" + base.Layout,
		} {
			x.t.Run(name, func(t *testing.T) {
				l := line{args: []string{"--build-context", "python:3.13-alpine3.20=" + value, "-"}, stdin: text}
				labels := x.on(t).must(l).Image.Config.Config.Labels
				require.Equal(t, "3.13.99", labels["org.python.version"])
				require.Equal(t, "docker.io/library/python:3.13-alpine3.20", labels["org.opencontainers.image.base.name"])
			})
		}
	})
	// `target:` is a word of bake: the result of another target stands for the name.
	t.Run("target", func(t *testing.T) {
		dir := contextDir(t, map[string]string{
			"base.Dockerfile": "FROM python:3.13-alpine3.20\nENV PYTHON_VERSION=3.13.99\n",
			"app.yaml":        minimal + "files: [{from: marker, to: /app/, context: assets}]\n",
			"docker-bake.hcl": `
target "base" {
  dockerfile = "base.Dockerfile"
}
target "assets" {
  dockerfile-inline = "FROM scratch\nCOPY <<EOF /marker\nhere\nEOF"
}
target "app" {
  dockerfile = "app.yaml"
  contexts = {
    "python:3.13-alpine3.20" = "target:base"
    assets                   = "target:assets"
  }
}
`,
		})
		args := []string{"--set", "app.contexts.apk-keys=" + filepath.Dir(x.env.Fixtures.APKKey()),
			"--set", "app.args.APK_REPOSITORIES=" + x.env.Fixtures.APKRepository(), "app"}
		res, err := x.client.Run(t.Context(), testenv.BuildxCommand{Name: "bake", Args: args, Dir: dir})
		require.NoError(t, err, res.Log())
		require.Equal(t, "3.13.99", res.Image.Config.Config.Labels["org.python.version"])
		require.Equal(t, "here\n", fileOf(t, res.Image, "/app/marker"))
	})
}

// A policy of the client judges the images that we resolve as it does those of a FROM.
func TestIntegrationBuildxPolicy(t *testing.T) {
	newBuildx(t, sharedDaemon).eachKind("", "", func(x *buildx, text string) {
		const policy = `package docker
default allow := true
allow := false if input.image.repo == "python"
decision := {"allow": allow, "deny_msg": ["not this one"]}
`
		dir := contextDir(x.t, map[string]string{"Dockerfile": text, "policy.rego": policy})
		out := x.fails(line{dir: dir, args: []string{"--policy", "filename=policy.rego", "."}})
		require.Contains(x.t, out, "not this one")
		require.Contains(x.t, out, `source "docker-image://docker.io/library/python:3.13-alpine3.20" not allowed by policy`)
		require.Contains(x.t, out, ">>>")
	})
}
