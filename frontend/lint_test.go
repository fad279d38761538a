package frontend_test

import (
	"encoding/json"
	"path/filepath"
	"testing"

	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/frontend/subrequests/lint"
	"github.com/stretchr/testify/require"

	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
)

// check asks the frontend in this process what its rules find.
func (b build) check(t *testing.T) lint.LintResults {
	t.Helper()
	b.NoExport, b.FrontendAttrs = true, map[string]string{"requestid": lint.RequestLint}
	res := b.must(t)
	var results lint.LintResults
	require.NoError(t, json.Unmarshal(res.FrontendMetadata["result.json"], &results))
	return results
}

// The examples and the least of specs are what others begin with.
func TestIntegrationNoWarnings(t *testing.T) {
	require.Empty(t, build{spec: minimal}.check(t).Warnings)
	require.Empty(t, build{spec: minimal}.must(t).Warnings)
	for _, dir := range examples(t) {
		b := build{BuildRequest: testenv.BuildRequest{Dir: dir}}
		results := b.check(t)
		require.Empty(t, results.Warnings, filepath.Base(dir))
		require.Nil(t, results.Error)
	}
}

// A build shows some of what a check finds, once.
func TestIntegrationWarningsOfABuild(t *testing.T) {
	b := build{
		spec:         minimal + "packages: [zip, zip]\nenv:\n  PORT: 80\n  DATABASE_PASSWORD: x\ncmd: [-m, http.server]\n",
		BuildRequest: testenv.BuildRequest{BuildArgs: map[string]string{"VERSION": "1", "BUILDKIT_ANYTHING": "", "no_proxy": "x", "TARGETARCH": "amd64", "SOURCE_DATE_EPOCH": "0"}},
	}
	warnings := map[string]*client.VertexWarning{}
	for _, w := range b.must(t).Warnings {
		warnings[string(w.Short)] = w
	}
	require.Len(t, warnings, 3, "no RootUser")
	require.Contains(t, warnings, "UnconsumedBuildArg: One or more build-args [VERSION] were not consumed")
	require.Contains(t, warnings, "DuplicatePackage: zip is in packages already (line 4)")
	secret := warnings[`SecretsUsedInArgOrEnv: Do not use args or env for sensitive data (env "DATABASE_PASSWORD") (line 7)`]
	require.NotNil(t, secret)
	require.Equal(t, "https://github.com/autumnjolitz/distroless-frontend/blob/main/docs/checks.rst#secretsusedinargorenv", secret.URL)
	require.Equal(t, "Sensitive data should not be in args or env", string(secret.Detail[0]))
	require.Equal(t, "Dockerfile", secret.SourceInfo.Filename)
	require.EqualValues(t, 7, secret.Range[0].Start.Line)

	b.BuildArgs["BUILDKIT_DOCKERFILE_CHECK"] = "skip=SecretsUsedInArgOrEnv,DuplicatePackage,UnconsumedBuildArg"
	require.Empty(t, b.must(t).Warnings)
}

func TestIntegrationSkippedChecks(t *testing.T) {
	const broken = "env: {TOKEN: x}\nentrypoint: [serve]\n"
	for directive, want := range map[string][]string{
		"":                              {"RootUser", "SecretsUsedInArgOrEnv"},
		"# check=skip=RootUser\n":       {"SecretsUsedInArgOrEnv"},
		"# check=skip=RootUser,Other\n": {"SecretsUsedInArgOrEnv"},
		"# check=skip=all\n":            nil,
		"# comment\n# check=skip=all\n": {"RootUser", "SecretsUsedInArgOrEnv"}, // as in a Dockerfile
		"# check=skip=all\n# yaml-language-server: $schema=x\n": nil,
		"# check=skip=all;error=true\n":                         nil,
		"# check=experimental=all\n":                            {"RootUser", "SecretsUsedInArgOrEnv"},
		"# check=error=false;skip=Secret\n":                     {"RootUser", "SecretsUsedInArgOrEnv"},
	} {
		results := build{spec: "#syntax=autumnjolitz/distroless-frontend\n" + directive + "python: '3.13'\nalpine: '3.20'\n" + broken}.check(t)
		var found []string
		for _, w := range results.Warnings {
			found = append(found, w.RuleName)
		}
		require.ElementsMatch(t, want, found, directive)
		require.Nil(t, results.Error)
	}
}

func TestIntegrationChecksThatFail(t *testing.T) {
	const syntax = "#syntax=autumnjolitz/distroless-frontend\n"
	for name, test := range map[string]struct{ spec, want, marked string }{
		"error=true":      {syntax + "# check=error=true\n" + minimal + "entrypoint: [serve]\n", "lint violation found for rules: RootUser", ""},
		"unknown option":  {syntax + "# check=skipp=all\n" + minimal, `invalid check option "skipp"`, "# check=skipp=all"},
		"not even a spec": {minimal + "user: [a]\n", "Dockerfile:4:7: user: expected a string", "user: [a]"},
	} {
		t.Run(name, func(t *testing.T) {
			results := build{spec: test.spec}.check(t)
			require.NotNil(t, results.Error)
			require.Contains(t, results.Error.Message, test.want)
			_, err := build{spec: test.spec}.fails(t)
			require.ErrorContains(t, err, test.want)
			require.Equal(t, test.marked, marked(err))
		})
	}
}
