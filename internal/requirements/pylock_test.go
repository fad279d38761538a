package requirements

import (
	"fmt"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/autumnjolitz/distroless-frontend/spec"
)

const lockText = `lock-version = '1.0'
environments = ["sys_platform == 'win32'", "sys_platform == 'linux'"]
requires-python = '>=3.10'
extras = ['web']
dependency-groups = ['prod', 'test']
default-groups = ['main']
created-by = 'test'

[[packages]]
name = 'MarkupSafe'
version = '2.1.5'
wheels = [
    {name = 'MarkupSafe-2.1.5-py3-none-any.whl', url = 'https://files.example/MarkupSafe-2.1.5-py3-none-any.whl', hashes = {sha256 = 'aa'}},
    {url = 'https://files.example/markupsafe-2.1.5-cp313-cp313-musllinux_1_2_x86_64.whl', hashes = {sha256 = 'BB', md5 = '00'}},
    {url = 'https://files.example/markupsafe-2.1.5-cp313-cp313-musllinux_1_1_aarch64.musllinux_1_2_aarch64.whl', hashes = {sha512 = 'cc'}},
    {url = 'https://files.example/markupsafe-2.1.5-cp313-cp313-manylinux_2_17_x86_64.whl', hashes = {sha256 = 'dd'}},
]
[packages.sdist]
url = 'https://files.example/markupsafe-2.1.5.tar.gz'
hashes = {sha256 = 'ee'}

[[packages]]
name = 'colorama'
version = '0.4.6'
marker = "sys_platform == 'win32'"

[[packages]]
name = 'flask'
version = '3.1'
marker = "'web' in extras"
sdist = {path = './dist/flask-3.1.tar.gz', hashes = {sha256 = 'ff'}}

[[packages]]
name = 'pytest'
version = '8'
marker = "'test' in dependency_groups"
[packages.archive]
url = 'https://files.example/pytest.zip'
subdirectory = 'a/b_c'
hashes = {sha256 = '11'}
[[packages]]
name = 'part'
marker = "'test' in dependency_groups"
archive = {path = 'dist/part.zip', subdirectory = 'python', hashes = {sha256 = '22'}}
`

var x86 = Target{Python: "3.13.5", Machine: "x86_64"}

// lineOf returns the lines of the requirements file, by their numbers.
func numbered(locked *Locked) map[int]string {
	lines := map[int]string{}
	for i, l := range strings.Split(string(locked.Requirements), "\n") {
		if l != "" {
			lines[i+1] = l
		}
	}
	return lines
}

func TestReadLock(t *testing.T) {
	read := func(target Target, selected Selection, pip spec.Pip) *Locked {
		t.Helper()
		locked, err := ReadLock("deps/pylock.toml", []byte(lockText), target, selected, pip)
		require.NoError(t, err)
		return locked
	}
	const files = "https://files.example/"
	wheel := map[int]string{14: "MarkupSafe @ " + files + "markupsafe-2.1.5-cp313-cp313-musllinux_1_2_x86_64.whl --hash=sha256:bb"}
	require.Equal(t, wheel, numbered(read(x86, want(nil, nil), spec.Pip{})))

	all := read(Target{"3.13.5", "aarch64"}, want([]string{"WEB"}, []string{"test"}), spec.Pip{})
	require.Equal(t, map[int]string{
		15: "MarkupSafe @ " + files + "markupsafe-2.1.5-cp313-cp313-musllinux_1_1_aarch64.musllinux_1_2_aarch64.whl --hash=sha512:cc",
		31: "./deps/dist/flask-3.1.tar.gz --hash=sha256:ff",
		37: "pytest @ " + files + "pytest.zip#subdirectory=a/b_c --hash=sha256:11",
		44: "part @ file:///context/deps/dist/part.zip#subdirectory=python --hash=sha256:22",
	}, numbered(all))
	require.Equal(t, []string{"deps/dist/flask-3.1.tar.gz", "deps/dist/part.zip"}, all.Files)
	require.Equal(t, all.Files, LockFiles("deps/pylock.toml", []byte(lockText)))

	require.Contains(t, string(read(Target{"3.12.1", "x86_64"}, want(nil, nil), spec.Pip{}).Requirements), "MarkupSafe-2.1.5-py3-none-any.whl", "fits all")
	source := read(x86, want(nil, nil), spec.Pip{NoBinary: []string{"markupsafe"}})
	require.Contains(t, string(source.Requirements), "markupsafe-2.1.5.tar.gz")
}

func TestLockErrorsHaveTheirLine(t *testing.T) {
	const head = "lock-version = '1.0'\ncreated-by = 'test'\n[[packages]]\nname = 'gear'\nversion = '1.0'\n"
	artifact := func(place string) string { return head + "wheels = [\n{" + place + ", hashes = {sha256 = 'aa'}}]\n" }
	for name, test := range map[string]struct{ text, want string }{
		"syntax":               {"lock-version = \n", "pylock.toml:1: "},
		"no lock":              {"[tool]\n", "pylock.toml:1: lock-version is missing: expected a lock of PEP 751"},
		"version":              {"# x\nlock-version = '2.0'\n", `pylock.toml:2: the version of the lock is "2.0": expected 1.0`},
		"no packages":          {"lock-version = '1.0'\n", "pylock.toml:1: packages is missing"},
		"python":               {"lock-version = '1.0'\nrequires-python = '<3.13'\npackages = []\n", "pylock.toml:2: it is for Python <3.13, and that of the base image is 3.13.5"},
		"python of a package":  {head + "requires-python = '==3.9.*'\n", "pylock.toml:6: it is for Python ==3.9.*"},
		"environments":         {"lock-version = '1.0'\n\nenvironments = [\"os_name == 'nt'\"]\npackages = []\n", "pylock.toml:3: the lock is for other environments than Python 3.13.5 on Linux, x86_64"},
		"marker":               {head + "marker = \"os == '1'\"\n", `pylock.toml:6: "os == '1'" is not a marker: os is not a variable of a marker`},
		"no name":              {"lock-version = '1.0'\n[[packages]]\nversion = '1'\n", "pylock.toml:2: name is missing"},
		"no name of a project": {"lock-version = '1.0'\n[[packages]]\nversion = '1'\nname = \"six\\n-r /x\"\n", `pylock.toml:4: "six\n-r /x" is not the name of a project`},
		"twice":                {artifact("url = 'https://x/gear-1.0-py3-none-any.whl'") + "[[packages]]\nname = 'Gear'\n", "pylock.toml:8: Gear is there already, on line 3"},
		"vcs":                  {head + "[packages.vcs]\ntype = 'git'\n", "pylock.toml:6: gear is a repository, of which no lock has a hash"},
		"directory":            {head + "directory = {path = '.'}\n", "pylock.toml:6: gear is a folder: if it is the application, leave it out of the lock and name its folder under pip.project"},
		"no wheel of the platform": {
			artifact("url = 'https://x/gear-1.0-cp313-cp313-manylinux_2_17_x86_64.whl'"),
			"pylock.toml:3: gear has not got a wheel for tag cp313-musllinux_1_2_x86_64: lock a version that has one",
		},
		"no artifact":               {head, "pylock.toml:3: gear has not got a wheel for tag cp313-musllinux_1_2_x86_64"},
		"no wheel at all":           {artifact("url = 'https://x/gear.whl'"), `pylock.toml:7: "gear.whl" is not the name of a wheel`},
		"of another project":        {artifact("url = 'https://x/tool-1.0-py3-none-any.whl'"), "pylock.toml:7: tool-1.0-py3-none-any.whl is a wheel of another project than gear"},
		"hash":                      {head + "archive = {url = 'https://x/a.zip', hashes = {md5 = '00'}}\n", "pylock.toml:6: there is no hash that pip checks"},
		"not a hash":                {head + "archive = {url = 'https://x/a.zip', hashes = {sha256 = 'x --y'}}\n", `pylock.toml:6: "x --y" is not a hash`},
		"subdirectory":              {head + "archive = {url = 'https://x/a.zip', subdirectory = 'a/../../b', hashes = {sha256 = 'aa'}}\n", `pylock.toml:6: "a/../../b" is no folder of an archive`},
		"subdirectory with a blank": {head + "archive = {url = 'https://x/a.zip', subdirectory = 'a -r b', hashes = {sha256 = 'aa'}}\n", `pylock.toml:6: "a -r b" is no folder of an archive`},
		"credentials":               {artifact("url = 'https://me:pw@x/gear-1.0-py3-none-any.whl'"), "pylock.toml:7: the URL contains credentials"},
		"scheme":                    {artifact("url = 'file:///gear-1.0-py3-none-any.whl'"), "pylock.toml:7: not an http or https URL"},
		"blank":                     {artifact("url = 'https://x/a b/gear-1.0-py3-none-any.whl'"), "pylock.toml:7: not an http or https URL"},
		"outside":                   {artifact("path = '../../gear-1.0-py3-none-any.whl'"), "pylock.toml:7: ../../gear-1.0-py3-none-any.whl leaves the build context"},
		"nowhere":                   {artifact("name = 'gear-1.0-py3-none-any.whl'"), "pylock.toml:7: the name of a file is missing"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := ReadLock("pylock.toml", []byte(test.text), x86, want(nil, nil), spec.Pip{})
			require.ErrorContains(t, err, test.want)
			var located *Error
			require.ErrorAs(t, err, &located)
		})
	}
	_, err := ReadLock("pylock.toml", []byte(lockText), x86, want([]string{"x"}, nil), spec.Pip{})
	require.EqualError(t, err, `pylock.toml has no extra "x"; it has web`)
	_, err = ReadLock("pylock.toml", []byte(lockText), x86, want(nil, nil), spec.Pip{OnlyBinary: []string{":all:"}, NoBinary: []string{"markupsafe"}})
	require.NoError(t, err, "only-binary is the stricter one")
	archive := head + "archive = {url = 'https://x/a.zip', hashes = {sha256 = 'aa'}}\n"
	_, err = ReadLock("pylock.toml", []byte(archive), x86, want(nil, nil), spec.Pip{OnlyBinary: []string{"Gear"}})
	require.EqualError(t, err, "pylock.toml:6: a.zip is no wheel, and pip.only-binary takes nothing else: lock a wheel of gear")
	_, err = ReadLock("pylock.toml", []byte(head), x86, want(nil, nil), spec.Pip{NoBinary: []string{":all:"}})
	require.ErrorContains(t, err, "gear has not got a source distribution, which pip.no-binary wants")
}

func TestTags(t *testing.T) {
	ranks := Target{Python: "3.13.5", Machine: "aarch64"}.tags()
	order := []string{
		"cp313-cp313-musllinux_1_2_aarch64", "cp313-cp313-musllinux_1_1_aarch64", "cp313-cp313-linux_aarch64", "cp313-abi3-musllinux_1_2_aarch64",
		"cp313-none-musllinux_1_2_aarch64", "cp39-abi3-musllinux_1_0_aarch64", "py3-none-musllinux_1_2_aarch64", "cp313-none-any", "py313-none-any", "py3-none-any", "py30-none-any",
	}
	for i := 1; i < len(order); i++ {
		require.Contains(t, ranks, order[i])
		require.Less(t, ranks[order[i-1]], ranks[order[i]], fmt.Sprint(order[i-1:i+1]))
	}
	for _, other := range []string{"cp312-cp312-musllinux_1_2_aarch64", "cp313-cp313-musllinux_1_2_x86_64", "cp314-abi3-linux_aarch64", "cp313-cp313-manylinux_2_17_aarch64", "py2-none-any"} {
		require.NotContains(t, ranks, other)
	}
}
