package frontend_test

import (
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
)

// A publisher runs steps of .github/workflows/publish.yml. Docker is buildx on a daemon of the
// tests, whose registry stands for Docker Hub's and GitHub's.
type publisher struct {
	t       *testing.T
	env     *testenv.Env
	root    string
	temp    string
	environ []string
}

// dockerShim is `docker buildx` for someone behind the test's mirror.
const dockerShim = `#!/bin/sh
set -eu
[ "$1" = buildx ] || { echo "docker $1: not in this test" >&2; exit 1; }
shift
[ "$1" != bake ] || set -- "$@" --set "*.args.APK_REPOSITORIES=$MIRROR" --set "*.contexts.apk-keys=$KEYS"
exec "$BUILDX" "$@"
`

func newPublisher(t *testing.T, env *testenv.Env) *publisher {
	t.Helper()
	buildx, err := testenv.Binary("buildx")
	require.NoError(t, err)
	jq, err := testenv.Binary("jq")
	if err != nil {
		t.Skip(err.Error())
	}
	temp := t.TempDir()
	bin := filepath.Join(temp, "bin")
	require.NoError(t, os.Mkdir(bin, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(bin, "docker"), []byte(dockerShim), 0o755))
	p := &publisher{t: t, env: env, root: repoRoot(t), temp: temp}
	p.environ = append(os.Environ(),
		"PATH="+strings.Join([]string{bin, filepath.Dir(jq), os.Getenv("PATH")}, string(os.PathListSeparator)),
		"BUILDX="+buildx, "BUILDX_CONFIG="+filepath.Join(temp, "buildx"), "BUILDX_BUILDER=publish", "BUILDX_BAKE_ENTITLEMENTS_FS=0",
		"MIRROR="+env.Fixtures.APKRepository(), "KEYS="+filepath.Dir(env.Fixtures.APKKey()),
		"REPOSITORIES="+env.Registry.Host()+"/hub,"+env.Registry.Host()+"/github",
		"PLATFORMS=linux/"+runtime.GOARCH, "FRONTEND=docker.io/autumnjolitz/distroless-frontend",
		"RUNNER_TEMP="+temp, "BUILDKIT_PROGRESS=plain",
	)
	p.shell(`"$BUILDX" create --name publish --driver remote ` + env.Daemon.Address)
	return p
}

// shell runs a script in the repository as a step does, and returns its outputs.
func (p *publisher) shell(script string) map[string]string {
	p.t.Helper()
	outputs := filepath.Join(p.temp, "outputs")
	require.NoError(p.t, os.WriteFile(outputs, nil, 0o644))
	cmd := exec.CommandContext(p.t.Context(), "bash", "-e", "-c", script)
	cmd.Dir = p.root
	cmd.Env = append(p.environ, "GITHUB_OUTPUT="+outputs)
	out, err := cmd.CombinedOutput()
	require.NoError(p.t, err, "%s\n%s", script, out)
	written, err := os.ReadFile(outputs)
	require.NoError(p.t, err)
	found := map[string]string{}
	for line := range strings.Lines(string(written)) {
		name, value, _ := strings.Cut(strings.TrimSpace(line), "=")
		found[name] = value
	}
	return found
}

// step returns the script of a step of the workflow.
func (p *publisher) step(job, id string) string {
	p.t.Helper()
	w := readWorkflow(p.t, filepath.Join(p.root, ".github", "workflows", "publish.yml"))
	for _, step := range w.Jobs[job].Steps {
		if step.ID == id {
			return step.Run
		}
	}
	require.FailNow(p.t, "no such step", "%s %s", job, id)
	return ""
}

// requireReplace replaces what must be there.
func requireReplace(t *testing.T, text, old, with string) string {
	t.Helper()
	require.Contains(t, text, old)
	return strings.ReplaceAll(text, old, with)
}

// What the workflow does for one pair: find its patch version, build and push both images
// under all names, list them, and write them into the README.
func TestIntegrationPublish(t *testing.T) {
	env := shared.Env(t)
	p := newPublisher(t, env)
	pushFrontend(t, env)
	patch := p.basePatch()
	require.NoError(t, env.Registry.PushLayout(t.Context(), env.BaseLayout(), "library/python:"+patch+"-alpine3.20"))

	p.environ = append(p.environ, `PYTHON_IMAGES_JSON={"3.13-alpine3.20": "3.13.0"}`)
	plan := p.shell(requireReplace(t, p.step("frontend", "plan"),
		"./hack/python-versions", "./hack/python-versions -repository "+env.Registry.Host()+"/library/python"))
	require.JSONEq(t, fmt.Sprintf(`{"3.13-alpine3.20": %q}`, patch), plan["python"])
	require.Equal(t, `["python-3-13-alpine3-20"]`, plan["pairs"])

	p.environ = append(p.environ, "PYTHON_IMAGES_JSON="+plan["python"], "PAIR=python-3-13-alpine3-20")
	// The scanner that makes an SBOM is an image that cannot be had here.
	pushed := p.shell(requireReplace(t, p.step("images", "push"), "--sbom=true", "--sbom=false"))

	for _, place := range []string{"hub", "github"} {
		for _, version := range []string{"3.13", patch} {
			name := env.Registry.Ref(place + "/distroless-python:" + version + "-alpine3.20")
			require.Equal(t, pushed["final"], p.crane(t, "digest", name))
			require.Equal(t, pushed["buildroot"], p.crane(t, "digest", name+"-buildroot"))
		}
	}
	t.Run("run", func(t *testing.T) {
		final := p.pull(t, "github/distroless-python:"+patch+"-alpine3.20")
		require.Equal(t, patch, python(t, final, "import platform; print(platform.python_version())"))
		buildroot := p.pull(t, "hub/distroless-python:3.13-alpine3.20-buildroot")
		require.Contains(t, run(t, buildroot, testenv.RunOptions{Entrypoint: []string{"chroot-apk", "info"}}), "dash")
	})
	t.Run("example", func(t *testing.T) {
		// Nothing can be loaded where there is no engine, so it goes to the registry.
		minimal := env.Registry.Ref("example/minimal")
		p.shell(requireReplace(t, p.step("examples", "build"), "--load examples", "--push --set example-minimal.tags="+minimal+" example-minimal"))
		require.Equal(t, "Python "+patch+"\n", run(t, p.pull(t, "example/minimal"), testenv.RunOptions{Args: []string{"-V"}}))
	})
	t.Run("provenance", func(t *testing.T) { p.requireProvenance(t, "hub/distroless-python@"+pushed["final"]) })
	t.Run("catalogue", func(t *testing.T) { p.requireCatalogue(t, patch, pushed) })
}

// basePatch is the full version of the base image's Python.
func (p *publisher) basePatch() string {
	p.t.Helper()
	for _, entry := range p.pull(p.t, "library/python:3.13-alpine3.20").Config.Config.Env {
		if version, ok := strings.CutPrefix(entry, "PYTHON_VERSION="); ok {
			return version
		}
	}
	require.FailNow(p.t, "the base image has no PYTHON_VERSION")
	return ""
}

// crane asks the registry.
func (p *publisher) crane(t *testing.T, args ...string) string {
	t.Helper()
	crane, err := testenv.Binary("crane")
	require.NoError(t, err)
	out, err := exec.CommandContext(t.Context(), crane, args...).Output()
	require.NoError(t, err, "crane %q", args)
	return strings.TrimSpace(string(out))
}

// pull returns an image of the registry.
func (p *publisher) pull(t *testing.T, name string) *testenv.Image {
	t.Helper()
	res, err := p.env.Build(t.Context(), testenv.BuildRequest{DockerfileInline: "FROM " + name + "\n"})
	require.NoError(t, err, res.Log())
	return res.Image
}

// requireProvenance looks for the attestation beside the image, and for what only mode=max has.
func (p *publisher) requireProvenance(t *testing.T, name string) {
	t.Helper()
	repository, _, _ := strings.Cut(p.env.Registry.Ref(name), "@")
	var index struct {
		Manifests []struct {
			Digest      string
			Annotations map[string]string
		}
	}
	require.NoError(t, json.Unmarshal([]byte(p.crane(t, "manifest", p.env.Registry.Ref(name))), &index))
	for _, m := range index.Manifests {
		if m.Annotations["vnd.docker.reference.type"] != "attestation-manifest" {
			continue
		}
		var manifest struct {
			Layers []struct {
				Digest      string
				Annotations map[string]string
			}
		}
		require.NoError(t, json.Unmarshal([]byte(p.crane(t, "manifest", repository+"@"+m.Digest)), &manifest))
		require.Contains(t, manifest.Layers[0].Annotations["in-toto.io/predicate-type"], "https://slsa.dev/provenance/")
		require.Contains(t, p.crane(t, "blob", repository+"@"+manifest.Layers[0].Digest), "llbDefinition")
		return
	}
	require.FailNow(t, "the image has no attestation")
}

// requireCatalogue lists what was pushed, from bake's metadata and from the registry, and
// renders the README with it.
func (p *publisher) requireCatalogue(t *testing.T, patch string, pushed map[string]string) {
	tool := filepath.Join(p.temp, "catalogue")
	p.shell("go -C hack/catalogue build -o " + tool + " .")
	lists := map[string][]byte{}
	for name, source := range map[string]string{
		"metadata": "-metadata " + filepath.Join(p.temp, "metadata.json"),
		"registry": "-repository " + p.env.Registry.Host() + "/hub/distroless-python -repository " + p.env.Registry.Host() + "/github/distroless-python",
	} {
		file := filepath.Join(p.temp, name+".list.json")
		p.shell(tool + " collect " + source + " -o " + file)
		list, err := os.ReadFile(file)
		require.NoError(t, err)
		lists[name] = list
	}
	require.Equal(t, string(lists["registry"]), string(lists["metadata"]))

	var list struct {
		Images []struct {
			URL, Tag, Digest string
			Size             int64
		}
	}
	require.NoError(t, json.Unmarshal(lists["metadata"], &list))
	require.Len(t, list.Images, 8)
	want := map[string]string{
		"3.13-alpine3.20": pushed["final"], patch + "-alpine3.20": pushed["final"],
		"3.13-alpine3.20-buildroot": pushed["buildroot"], patch + "-alpine3.20-buildroot": pushed["buildroot"],
	}
	for _, image := range list.Images {
		require.Equal(t, want[image.Tag], image.Digest, image.URL)
		require.Greater(t, image.Size, int64(5<<20), image.URL)
	}

	readme := filepath.Join(p.temp, "README.rst")
	p.shell(tool + " render -keep-trailing-newline -images " + filepath.Join(p.temp, "metadata.list.json") + " -o " + readme)
	text, err := os.ReadFile(readme)
	require.NoError(t, err)
	require.Contains(t, string(text), "``"+p.env.Registry.Ref("hub/distroless-python:3.13-alpine3.20")+"``, ``"+patch+"-alpine3.20``")
	require.Contains(t, string(text), pushed["final"])
}
