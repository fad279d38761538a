package frontend_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// Lines with extras, markers and URLs mean what they mean to pip.
func TestIntegrationPipRequirementLines(t *testing.T) {
	local, localContent := wheel(t, "local", "1.0", nil)
	links := strings.TrimSuffix(shared.Env(t).Fixtures.Wheels(), "/")
	b := build{
		spec: minimal + "pip: {requirements: [requirements.txt], constraints: [constraints.txt], packages: ['idna; sys_platform == \"linux\"', 'colorama @ " + links + "/colorama-0.4.6-py3-none-any.whl']}\n",
		files: map[string]string{
			"requirements.txt": "requests[socks]\n" +
				"six @ " + links + "/six-1.17.0-py3-none-any.whl ; python_version >= '3'\n" +
				links + "/tqdm-4.67.1-py3-none-any.whl\n" +
				"absent; platform_python_implementation == 'PyPy'\n" +
				"./" + local + " ; os_name == 'posix'\n",
			"constraints.txt": "-c more.txt\n",
			"more.txt":        "urllib3<3\n",
			local:             localContent,
		},
	}
	require.Equal(t, []string{
		"certifi==2025.1.31", "charset-normalizer==3.4.2", "colorama==0.4.6", "idna==3.10", "local==1.0", "pysocks==1.7.1",
		"requests==2.32.3", "six==1.17.0", "tqdm==4.67.1", "urllib3==2.3.0",
	}, versions(t, b.must(t).Image))
}

func TestIntegrationPipRequirementLineFailures(t *testing.T) {
	python39, content39 := taggedWheel(t, "gear", "1.0", "cp39-cp39-musllinux_1_2_x86_64", nil)
	windows, contentWindows := taggedWheel(t, "gear", "1.0", "cp313-cp313-win_amd64", nil)
	for name, test := range map[string]struct{ line, want string }{
		"repository":          {"gear @ git+https://127.0.0.1:1/gear.git", "git is needed to fetch a requirement: add it to apk.build, as in apk: {build: [git]}"},
		"wheel of a Python":   {"./" + python39, python39 + " is not a wheel for this image: expected one for tag cp313-"},
		"wheel of a platform": {"./" + windows, windows + " is not a wheel for this image: expected one for tag cp313-"},
		"URL of nothing":      {"gear @ " + shared.Env(t).Fixtures.Wheels() + "gear-1.0-py3-none-any.whl", "404"},
	} {
		t.Run(name, func(t *testing.T) {
			log, err := build{
				spec:  minimal + "pip: {requirements: [requirements.txt]}\n",
				files: map[string]string{"requirements.txt": test.line + "\n", python39: content39, windows: contentWindows},
			}.fails(t)
			require.Contains(t, log, test.want)
			require.Equal(t, "pip: {requirements: [requirements.txt]}", marked(err))
		})
	}
}
