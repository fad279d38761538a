package frontend_test

import (
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
)

// everyStep has a step of every kind, and words that a name must not be made of unabridged.
func everyStep() build {
	var packages []string
	for range 40 {
		packages = append(packages, "six")
	}
	return build{
		spec: minimal + `
packages: [hello-apk, hello-service, zip, tzdata, libffi, libbz2, xz-libs, sqlite-libs, hello-apk, hello-service, zip, tzdata]
apk: {build: [zip]}
pip:
  requirements: [requirements.txt]
  packages: [` + strings.Join(packages, ", ") + `]
files:
  - {from: app.py, to: /app/}
  - {from: [app.py, requirements.txt], to: /app/a/folder/whose/name/is/as/long/as/a/line/on/a/screen/and/even/longer/than/that/is/}
workdir: /app
tests: [{name: starts, run: [python, -V]}]
`,
		files: map[string]string{"requirements.txt": "idna\n", "app.py": "print('progress')\n"},
	}
}

var (
	// scriptText is what a name has of a script, were it one.
	scriptText = regexp.MustCompile(`/distroless|\.sh\b|\.py --|set -e|&&|\$|\n`)
	// groupOfName is what every step's name begins with.
	groupOfName = regexp.MustCompile(`^\[(root|builder|python|pip|trim|files|final|buildroot|debug|test)\] `)
	// ungrouped are the names of what only asks or loads.
	ungrouped = regexp.MustCompile(`^(\[(internal|base|context [a-z-]+)\] |exporting to )`)
)

func TestIntegrationProgressNamesAreForHumans(t *testing.T) {
	for _, target := range []string{"final", "debug", "buildroot"} {
		b := everyStep()
		b.Target = target
		res := b.must(t)
		groups := map[string]bool{}
		for _, v := range res.Vertices {
			require.NotRegexp(t, scriptText, v.Name)
			if strings.HasPrefix(v.Name, "[base] docker.io/") {
				continue // a digest alone is 71 characters long
			}
			require.LessOrEqual(t, len([]rune(v.Name)), 120, v.Name)
			if v.Group == "" {
				require.Regexp(t, ungrouped, v.Name)
				continue
			}
			match := groupOfName.FindStringSubmatch(v.Name)
			require.NotNil(t, match, v.Name)
			require.Equal(t, v.Name, v.Group, "clients show the group")
			groups[match[1]] = true
		}
		want := map[string][]string{
			"final":     {"builder", "files", "final", "pip", "python", "root", "test"},
			"debug":     {"builder", "debug", "files", "final", "pip", "python", "root"},
			"buildroot": {"builder", "buildroot", "final", "python", "root"},
		}
		require.Equal(t, want[target], slices.Sorted(maps.Keys(groups)))
	}
}

func TestIntegrationProgressShowsTheBase(t *testing.T) {
	res := build{spec: minimal}.must(t)
	require.NotNil(t, res.Vertex("[base] find python:3.13-alpine3.20"))
	digest := res.Image.Config.Config.Labels["org.opencontainers.image.base.digest"]
	require.Regexp(t, `^sha256:[0-9a-f]{64}$`, digest)
	require.NotNil(t, res.Vertex("[base] docker.io/library/python:3.13-alpine3.20@"+digest))
}

// story is what `docker build` prints of everyStep, a line for each step, by name.
const story = `
[base] docker.io/library/python:3.13-alpine3.20@DIGEST
[base] find python:3.13-alpine3.20
[builder] install zip
[context apk-keys] load .dockerignore
[context apk-keys] load from client
[files] compile Python sources
[files] copy app.py requirements.txt to /app/a/folder/whose/name/is/as/long/as/a/line/on/a/screen/a…
[files] copy app.py to /app/
[files] create /app
[files] find Python sources
[final] look for shared libraries
[final] put the image together
[internal] keep what is known of the image
[internal] load .dockerignore
[internal] load build context
[internal] load build definition from Dockerfile
[internal] load our scripts
[internal] read the requirements
[internal] see that all checks passed
[internal] write down a test
[internal] write the apk configuration
[pip] download -r requirements.txt six six six six six six six six six six six six six six six six …
[pip] install -r requirements.txt six six six six six six six six six six six six six six six six s…
[pip] read requirements.txt
[python] compile the standard library
[python] copy the interpreter of VERSION
[root] install hello-apk hello-service zip tzdata libffi libbz2 xz-libs sqlite-libs hello-apk hello…
[root] install the base packages
[root] trust the keys of context apk-keys
[test] starts
`

var (
	plainLine = regexp.MustCompile(`(?m)^#\d+ (\[.*)$`)
	anyDigest = regexp.MustCompile(`sha256:[0-9a-f]{64}`)
)

func TestIntegrationProgressReadsLikeAStory(t *testing.T) {
	env := shared.Env(t)
	pushFrontend(t, env)
	r := newReader(t, env)
	b := everyStep()
	for name, content := range b.files {
		r.write(name, content)
	}
	r.write("Dockerfile", b.spec)
	out, err := r.build([]string{"--no-cache", "."})
	require.NoError(t, err, out)

	names := map[string]bool{}
	for _, match := range plainLine.FindAllStringSubmatch(out, -1) {
		name := strings.Replace(match[1], "interpreter of "+env.PythonVersion(), "interpreter of VERSION", 1)
		names[anyDigest.ReplaceAllString(name, "DIGEST")] = true
	}
	require.Equal(t, strings.TrimSpace(story), strings.Join(slices.Sorted(maps.Keys(names)), "\n"), out)
	for _, said := range []string{"Installing hello-service (1.0-r0)", "Successfully installed idna-3.10 six-1.17.0"} {
		require.Contains(t, out, said, "what the tools say must be seen")
	}
}

// The daemon of the tests grants nothing, and so do builders that nobody has configured.
func TestIntegrationNoEntitlements(t *testing.T) {
	env := shared.Env(t)
	_, err := env.Build(t.Context(), testenv.BuildRequest{
		DockerfileInline: "FROM python:3.13-alpine3.20\nRUN --security=insecure true\n",
	})
	require.ErrorContains(t, err, "security.insecure is not allowed")
	_, err = env.Build(t.Context(), testenv.BuildRequest{
		DockerfileInline: "FROM python:3.13-alpine3.20\nRUN --network=host true\n",
	})
	require.ErrorContains(t, err, "network.host is not allowed")
	everyStep().must(t)
}
