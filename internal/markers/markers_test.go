package markers

import (
	"testing"

	"github.com/stretchr/testify/require"
)

func TestEvaluate(t *testing.T) {
	e := Linux("3.13.5", "x86_64")
	e.Sets["extras"] = []string{"Web.App"}
	e.Sets["dependency_groups"] = nil
	for marker, want := range map[string]bool{
		"":                                     true,
		"python_version >= '3.10'":             true,
		"python_version < '3.9'":               false,
		"python_full_version == '3.13.*'":      true,
		"python_full_version ~= '3.13.2'":      true,
		"'3.14' <= python_version":             false,
		"sys_platform == 'win32'":              false,
		"sys_platform != \"win32\"":            true,
		"platform_machine in 'x86_64 aarch64'": true,
		"'linux' not in sys_platform":          false,
		"os_name == 'nt' or platform_system == 'Linux' and platform_machine == 'x86_64'":    true,
		"(os_name == 'nt' or platform_system == 'Linux') and platform_machine == 'aarch64'": false,
		"'web-app' in extras":             true,
		"'prod' not in dependency_groups": true,
		"'x' in extras or 'y' in extras":  false,
		"implementation_name=='cpython'":  true,
		"platform_release > '1'":          false,
	} {
		holds, err := e.Evaluate(marker)
		require.NoError(t, err, marker)
		require.Equal(t, want, holds, marker)
	}
	for marker, want := range map[string]string{
		"python_version":      "expected an operator",
		"python_version == ":  "it ends too early",
		"python == '3'":       "python is not a variable of a marker",
		"(os_name == 'nt'":    "a ) is missing",
		"os_name == 'nt' 'x'": `"'x'" is not expected here`,
		"os_name == 'nt":      "is not part of a marker",
		"extras == 'x'":       "a set takes in and not in only",
		"os_name ~= 'posix'":  "~= compares versions",
	} {
		_, err := e.Evaluate(marker)
		require.ErrorContains(t, err, want, marker)
	}
}
