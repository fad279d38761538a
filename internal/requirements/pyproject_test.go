package requirements

import (
	"testing"

	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/stretchr/testify/require"
)

// want selects extras and groups, which are lines 1 and 2 of a spec.
func want(extras, groups []string) Selection {
	return Selection{
		Extras: extras, Groups: groups, Python: "3.13.5", Built: true,
		Locate: func(key string) []parser.Range {
			line := map[string]int{"pip.extras[0]": 1, "pip.groups[0]": 2}[key]
			return []parser.Range{{Start: parser.Position{Line: line}}}
		},
	}
}

const pyprojectText = `[build-system]
requires = ["setuptools>=61", "wheel"]

[project]
name = "The.App"
requires-python = ">=3.10,<4"
dependencies = [
    # first
    "six==1.17.0",
    "gear @ https://files.example/gear-1.0-py3-none-any.whl ; os_name == 'posix'",
]
[project.optional-dependencies]
all = ["the-app[db, Color]; python_version > '3'", "the_app"]
db = ["psycopg", "gear[x] @ https://files.example/g;v=1.zip"]
color = ["colorama; sys_platform != 'win32'", "the-app[db]"]

[dependency-groups]
Base = ["tqdm"]
prod = [{include-group = "base"}, "click<9"]
`

func TestReadProject(t *testing.T) {
	p, err := ReadProject("pyproject.toml", []byte(pyprojectText), want(nil, nil))
	require.NoError(t, err)
	require.Equal(t, &Project{
		Requirements:  []string{"six==1.17.0", "gear @ https://files.example/gear-1.0-py3-none-any.whl ; os_name == 'posix'"},
		BuildRequires: []string{"setuptools>=61", "wheel"},
		Lines:         []int{9, 10},
	}, p)

	p, err = ReadProject("pyproject.toml", []byte(pyprojectText), want([]string{"ALL"}, []string{"Prod"}))
	require.NoError(t, err)
	require.Equal(t, []string{
		"psycopg ; python_version > '3'",
		"gear[x] @ https://files.example/g;v=1.zip ; python_version > '3'",
		"colorama ; (sys_platform != 'win32') and (python_version > '3')",
		"tqdm", "click<9",
	}, p.Requirements[2:])
}

func TestExtrasThatNameEachOther(t *testing.T) {
	const text = "[project]\nname = 'app'\n[project.optional-dependencies]\n" +
		"a = [\"app[b]; os_name == 'posix'\", 'one']\nb = [\"app[a]; python_version > '3'\", 'two']\n"
	p, err := ReadProject("pyproject.toml", []byte(text), want([]string{"a", "b"}, nil))
	require.NoError(t, err)
	require.Subset(t, p.Requirements, []string{"two ; os_name == 'posix'", "one", "two"})
}

func TestReadProjectThatIsDynamic(t *testing.T) {
	for _, text := range []string{
		"[project]\nname = 'app'\ndynamic = ['dependencies']\n",
		"[project]\nname = 'app'\ndynamic = ['optional-dependencies']\n",
		"[tool.poetry]\nname = 'app'\n",
	} {
		p, err := ReadProject("pyproject.toml", []byte(text), want([]string{"x"}, nil))
		require.NoError(t, err)
		require.Equal(t, &Project{Dynamic: true, Legacy: true, Extras: []string{"x"}}, p)
	}
	p, err := ReadProject("pyproject.toml", []byte("[project]\nname = 'app'\ndynamic = ['version', 'optional-dependencies']\n"), want(nil, nil))
	require.NoError(t, err)
	require.False(t, p.Dynamic, "no extra is asked for")

	selected := want(nil, nil)
	selected.Built = false
	_, err = ReadProject("pyproject.toml", []byte("[project]\nname = 'app'\ndynamic = ['dependencies']\n"), selected)
	require.EqualError(t, err, "pyproject.toml:3: only a build tells the dependencies: name the folder of the project under pip.project, or write them into the table project")
}

func TestProjectErrorsHaveTheirLine(t *testing.T) {
	const head = "[project]\nname = 'app'\n"
	for name, test := range map[string]struct{ text, want string }{
		"syntax":         {"[project\n", "pyproject.toml:1: "},
		"type":           {"[project]\nname = 'a'\ndependencies = 'six'\n", "pyproject.toml:3: "},
		"no name":        {"\n[project]\nversion = '1'\n", "pyproject.toml:2: name is missing"},
		"no requires":    {"[build-system]\nbuild-backend = 'x'\n", "pyproject.toml:1: requires is missing"},
		"python":         {head + "requires-python = '>=3.14'\n", "pyproject.toml:3: it is for Python >=3.14, and that of the base image is 3.13.5: choose another python in the spec"},
		"no specifier":   {head + "requires-python = 'new'\n", `pyproject.toml:3: "new" is no specifier of versions`},
		"file URL":       {head + "dependencies = [\n'six',\n'a @ file:///a.whl']\n", "pyproject.toml:5: a file URL leads out of the build context"},
		"credentials":    {head + "dependencies = ['a @ https://me:pw@files.example/a.whl']\n", "pyproject.toml:3: the URL contains credentials"},
		"no requirement": {head + "dependencies = ['-r other.txt']\n", `pyproject.toml:3: "-r other.txt" is not a requirement`},
		"path":           {head + "dependencies = ['a.whl']\n", `pyproject.toml:3: "a.whl" is not a requirement`},
		"own extra":      {head + "dependencies = ['app[x]']\n", "pyproject.toml:3: the project has no extra x"},
		"circle": {
			head + "[dependency-groups]\na = [\n'six',\n{include-group = 'b'}]\nb = [{include-group = 'a'}]\n",
			"",
		},
	} {
		t.Run(name, func(t *testing.T) {
			selected := want(nil, nil)
			if name == "circle" {
				selected.Groups = []string{"a"}
				test.want = "pyproject.toml:7: the dependency groups include each other in a circle: a → b → a; remove one of these lines"
			}
			_, err := ReadProject("pyproject.toml", []byte(test.text), selected)
			require.ErrorContains(t, err, test.want)
			var located *Error
			require.ErrorAs(t, err, &located)
		})
	}
}

func TestProjectErrorsOfGroups(t *testing.T) {
	for text, words := range map[string]string{
		"[dependency-groups]\na = [{include-group = 'z'}]\n": `pyproject.toml:2: there is no dependency group "z"`,
		"[dependency-groups]\na = [\n{path = 'z'}]\n":        `pyproject.toml:3: expected a requirement, or {include-group = "NAME"}`,
		"[dependency-groups]\na = [3]\n":                     `pyproject.toml:2: expected a requirement`,
		"[dependency-groups]\nA = []\na = []\n":              "pyproject.toml:3: A and a are one name",
	} {
		_, err := ReadProject("pyproject.toml", []byte(text), want(nil, []string{"a"}))
		require.ErrorContains(t, err, words)
	}
}

// What the spec names and a file has not got is an error of the spec.
func TestUnknownExtrasAndGroups(t *testing.T) {
	for message, selected := range map[string]Selection{
		`pyproject.toml has no extra "x"; it has all, color, db`:        want([]string{"x"}, nil),
		`pyproject.toml has no dependency group "x"; it has Base, prod`: want(nil, []string{"x"}),
	} {
		_, err := ReadProject("pyproject.toml", []byte(pyprojectText), selected)
		require.EqualError(t, err, message)
		var located *parser.LocationError
		require.ErrorAs(t, err, &located)
		require.NotZero(t, located.Locations[0][0].Start.Line)
	}
	_, err := LegacyProject(want(nil, []string{"x"}))
	require.EqualError(t, err, `setup.py has no dependency group "x"; it has none`)
}
