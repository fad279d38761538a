package frontend_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"testing"

	"github.com/moby/buildkit/frontend/subrequests"
	"github.com/moby/buildkit/frontend/subrequests/lint"
	"github.com/moby/buildkit/frontend/subrequests/outline"
	"github.com/moby/buildkit/frontend/subrequests/targets"
	"github.com/stretchr/testify/require"

	"github.com/autumnjolitz/distroless-frontend/spec"
)

// call runs `docker buildx build --call=METHOD` on a folder with the packaged frontend, and
// returns what it prints and its exit status.
func (r *reader) call(method string, args ...string) (out string, status int) {
	r.t.Helper()
	line := append([]string{"build", "--builder", "docs", "--progress", "plain", "--call", method}, args...)
	cmd := exec.CommandContext(r.t.Context(), r.buildx, append(line, r.dir)...)
	cmd.Env = append(os.Environ(), "BUILDX_CONFIG="+r.config)
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	err := cmd.Run()
	var exit *exec.ExitError
	if !errors.As(err, &exit) {
		require.NoError(r.t, err, stderr.String())
	}
	r.t.Logf("%s %v: %d\n%s%s", method, args, cmd.ProcessState.ExitCode(), stdout.String(), stderr.String())
	return stdout.String(), cmd.ProcessState.ExitCode()
}

// asJSON reads the answer for programs.
func asJSON[T any](r *reader, method string, args ...string) (answer T, status int) {
	r.t.Helper()
	out, status := r.call(method+",format=json", args...)
	require.NoError(r.t, json.Unmarshal([]byte(out), &answer), out)
	return answer, status
}

// newCaller returns a reader whose folder has a Dockerfile and other files.
func newCaller(t *testing.T, file string, files map[string]string) *reader {
	t.Helper()
	r := newReader(t, shared.Env(t))
	for name, text := range files {
		r.write(name, text)
	}
	r.write("Dockerfile", file)
	return r
}

const questioned = `#syntax=autumnjolitz/distroless-frontend
python: "3.13"
alpine: "3.20"
args:
  # APP_VERSION what to install
  APP_VERSION: "1.0"
  TARGETARCH:
pip:
  packages: ["six>=${APP_VERSION}"]
  requirements: [requirements.txt]
files: [{from: secret.txt, to: /app/}]
env: {API_TOKEN: x, ARCH: $TARGETARCH}
cmd: [python, -m, six]
`

// What clients ask, through the packaged frontend.
func TestIntegrationCalls(t *testing.T) {
	pushFrontend(t, shared.Env(t))
	t.Run("spec", callsOfASpec)
	t.Run("broken spec", checkOfABrokenSpec)
	t.Run("Dockerfile", callsOfADockerfile)
}

func callsOfASpec(t *testing.T) {
	r := newCaller(t, questioned, map[string]string{
		"requirements.txt": "idna\nsix==1.0\n", ".dockerignore": "secret.*\n", "secret.txt": "",
	})

	t.Run("outline", func(t *testing.T) {
		out, status := r.call("outline", "--build-arg", "APP_VERSION=2.0", "--target", "buildroot")
		require.Zero(t, status)
		require.Regexp(t, `(?m)^TARGET: +buildroot$`, out)
		require.Regexp(t, `(?m)^APP_VERSION +2\.0 +what to install$`, out)
		require.Regexp(t, `(?m)^APK_REPOSITORIES +Package repositories`, out)
		require.Regexp(t, `(?m)^netrc\s*$`, out)
		require.Regexp(t, `(?m)^default\s*$`, out)
		o, _ := asJSON[outline.Outline](r, "outline", "--platform", "linux/arm64")
		require.Equal(t, "final", o.Name)
		require.Equal(t, "APP_VERSION", o.Args[0].Name)
		require.Equal(t, "1.0", o.Args[0].Value)
		require.EqualValues(t, 6, o.Args[0].Location.Ranges[0].Start.Line)
		require.Equal(t, "arm64", o.Args[1].Value)
		require.Equal(t, [][]byte{[]byte(questioned)}, o.Sources)
	})
	t.Run("outline of secrets", func(t *testing.T) {
		r := newCaller(t, minimal+"pip: {packages: [six], credentials: [{host: a.example, token-secret: pypi_token}]}\n", nil)
		o, _ := asJSON[outline.Outline](r, "outline")
		require.Equal(t, []outline.Secret{
			{Name: "pypi_token", Required: true}, {Name: "known_hosts"}, {Name: "netrc"}, {Name: "pip-cert"}, {Name: "pip-client-cert"},
		}, o.Secrets)
	})
	t.Run("targets", func(t *testing.T) {
		out, status := r.call("targets")
		require.Zero(t, status)
		require.Regexp(t, `(?m)^final \(default\) +The distroless image`, out)
		list, _ := asJSON[targets.List](r, "targets")
		require.Equal(t, "buildroot", list.Targets[1].Name)
	})
	t.Run("check", func(t *testing.T) {
		out, status := r.call("check", "--build-arg", "APP_VERSON=2.0")
		require.Equal(t, 1, status)
		require.Contains(t, out, "Check complete, 6 warnings have been found!")
		require.Contains(t, out, "WARNING: SecretsUsedInArgOrEnv - https://github.com/autumnjolitz/distroless-frontend/blob/main/docs/checks.rst#secretsusedinargorenv\n"+
			`Do not use args or env for sensitive data (env "API_TOKEN")`)
		require.Contains(t, out, "  12 | >>> env: {API_TOKEN: x, ARCH: $TARGETARCH}")
		results, _ := asJSON[lint.LintResults](r, "check", "--build-arg", "APP_VERSON=2.0")
		require.Nil(t, results.Error)
		found := map[string]string{}
		for _, w := range results.Warnings {
			found[w.RuleName] += w.Detail + "\n"
		}
		require.Equal(t, map[string]string{
			"CopyIgnoredFile":       "Attempting to copy file \"secret.txt\" that is excluded by .dockerignore\n",
			"RootUser":              "The container runs as root: add user: nonroot, or another user\n",
			"SecretsUsedInArgOrEnv": "Do not use args or env for sensitive data (env \"API_TOKEN\")\n",
			"UnconsumedBuildArg":    "One or more build-args [APP_VERSON] were not consumed (did you mean APP_VERSION?)\n",
			"UnpinnedRequirement": "six>=1.0 has no exact version, such as six==1.2.3\n" +
				"requirements.txt has requirements without an exact version: idna (line 1)\n",
		}, found)
		_, status = r.call("check", "--build-arg", "BUILDKIT_DOCKERFILE_CHECK=skip=all")
		require.Zero(t, status)
	})
	t.Run("describe", func(t *testing.T) {
		out, status := r.call("subrequests.describe")
		require.Zero(t, status)
		requests, _ := asJSON[[]subrequests.Request](r, "subrequests.describe")
		var names []string
		for _, request := range requests {
			names = append(names, request.Name)
			require.Contains(t, out, request.Description)
		}
		require.Equal(t, []string{"frontend.outline", "frontend.targets", "frontend.lint", "frontend.schema", "frontend.subrequests.describe"}, names)
	})
	t.Run("schema", func(t *testing.T) {
		for _, method := range []string{"schema", "schema,format=json"} {
			out, status := r.call(method)
			require.Zero(t, status)
			require.JSONEq(t, string(spec.Schema()), out)
		}
	})
}

func checkOfABrokenSpec(t *testing.T) {
	r := newCaller(t, minimal+"pakages: [zip]\n", nil)
	results, status := asJSON[lint.LintResults](r, "check")
	require.NotZero(t, status)
	require.Contains(t, results.Error.Message, `Dockerfile:4:1: unknown key "pakages", did you mean packages?`)
	require.EqualValues(t, 4, results.Error.Location.Ranges[0].Start.Line)
	out, err := r.run(r.buildx, "build", "--builder", "docs", "--call", "check", r.dir)
	require.Error(t, err)
	require.Contains(t, out, `unknown key "pakages", did you mean packages?`)
	require.Contains(t, out, "   4 | >>> pakages: [zip]")
}

// In a Dockerfile that names our images, the answers are BuildKit's own.
func callsOfADockerfile(t *testing.T) {
	r := newCaller(t, `#syntax=autumnjolitz/distroless-frontend
# PY the version of Python
ARG PY=3.13
# tools what is not shipped
FROM autumnjolitz/distroless-python:${PY}-alpine3.20-buildroot AS tools
ENV API_TOKEN=x
FROM autumnjolitz/distroless-python:${PY}-alpine3.20 AS app
CMD echo hello
`, nil)
	out, status := r.call("outline")
	require.Zero(t, status)
	require.Regexp(t, `(?m)^TARGET: +app$`, out)
	require.Regexp(t, `(?m)^PY +3\.13 +the version of Python$`, out)

	list, _ := asJSON[targets.List](r, "targets")
	require.Len(t, list.Targets, 2)
	require.Equal(t, "tools", list.Targets[0].Name)

	results, status := asJSON[lint.LintResults](r, "check")
	require.Equal(t, 1, status)
	require.Nil(t, results.Error)
	var rules []string
	for _, w := range results.Warnings {
		rules = append(rules, w.RuleName)
	}
	require.ElementsMatch(t, []string{"SecretsUsedInArgOrEnv"}, rules)

	out, status = r.call("subrequests.describe")
	require.Zero(t, status)
	require.Contains(t, out, "outline")
	out, status = r.call("schema")
	require.Zero(t, status)
	require.JSONEq(t, string(spec.Schema()), out)
}
