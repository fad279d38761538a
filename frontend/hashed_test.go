package frontend_test

import (
	"fmt"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
)

// exported is what tools export of the lock of a project that requires python-dateutil.
func exported(t *testing.T) string {
	t.Helper()
	return "python-dateutil==2.9.0 \\\n    " + hashOfFixtures(t, "python_dateutil-2.9.0-py3-none-any.whl") + "\n" +
		"six==1.17.0 ; python_version >= \"3.13\" \\\n    " + hashOfFixtures(t, "six-1.17.0-py3-none-any.whl") + "\n"
}

// Requirements with hashes are all that a project requires, whichever way that says it itself.
// What the project is built with has none.
func TestIntegrationProjectWithHashedRequirements(t *testing.T) {
	const table = "[project]\nname = 'mod'\nversion = '2.0'\nscripts = {mod = 'mod:main'}\n"
	plain := fmt.Sprintf(setupOfDebian, "")
	for name, test := range map[string]struct {
		pip   string
		files map[string]string
	}{
		"static": {"", map[string]string{
			"pyproject.toml": "[build-system]\nrequires = ['setuptools>=61']\nbuild-backend = 'setuptools.build_meta'\n" + table +
				"dependencies = ['python-dateutil>=2']\n[tool.setuptools]\npy-modules = ['mod']\n",
			"setup.py": plain,
		}},
		"dynamic": {", require-hashes: true", map[string]string{
			"pyproject.toml": table + "dynamic = ['dependencies']\n[tool.setuptools]\npy-modules = ['mod']\ndynamic = {dependencies = {file = 'needs.txt'}}\n",
			"needs.txt":      "python-dateutil>=2\n", "setup.py": plain,
		}},
		"setup.py": {"", map[string]string{
			"setup.py": fmt.Sprintf(setupOfDebian, "name='mod', version='2.0', py_modules=['mod'], "+
				"install_requires=['python-dateutil>=2'], entry_points={'console_scripts': ['mod = mod:main']}"),
		}},
	} {
		t.Run(name, func(t *testing.T) {
			b := build{
				spec:  minimal + "pip: {project: ., requirements: [deps/all.txt]" + test.pip + "}\n",
				files: map[string]string{"deps/all.txt": "-r requirements.txt\n", "deps/requirements.txt": exported(t), "mod.py": "import dateutil\n\ndef main():\n    print(dateutil.__name__)\n"},
			}
			for name, content := range test.files {
				b.files[name] = content
			}
			img := b.must(t).Image
			require.Equal(t, []string{"mod==2.0", "python-dateutil==2.9.0", "six==1.17.0"}, versions(t, img))
			require.Equal(t, "dateutil\n", run(t, img, testenv.RunOptions{Entrypoint: []string{"mod"}}))
		})
	}
}

// What pip would refuse beside hashes is said before it runs, at the line of the spec.
func TestIntegrationProjectWithHashedRequirementsFailures(t *testing.T) {
	for name, test := range map[string]struct{ requirements, pip, want string }{
		"extras": {
			exported(t), "pip: {requirements: [requirements.txt], project: ., extras: [web]}",
			"requirements.txt has hashes, and so states all that is installed: choose extras when you write it, as with `uv export --extra web`, and remove them here",
		},
		"groups": {
			exported(t), "pip: {requirements: [requirements.txt], project: ., groups: [prod]}",
			"requirements.txt has hashes, and so states all that is installed: choose groups when you write it, as with `uv export --group prod`, and remove them here",
		},
		"a pyproject.toml": {
			exported(t), "pip: {requirements: [requirements.txt, pyproject.toml]}",
			"requirements.txt has hashes, and so states all that is installed: remove pyproject.toml, or have what it requires among them",
		},
		"none": {
			"six==1.17.0\n", "pip: {requirements: [requirements.txt], project: ., require-hashes: true}",
			"neither a pyproject.toml nor the files under pip.requirements state hashes: lock the project",
		},
		"not all": {
			exported(t) + "idna==3.10\n", "pip: {requirements: [requirements.txt], project: .}",
			"in hash-checking mode every requirement needs a version (==) and a --hash: the lines that lack one are above",
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := smallProject()
			b.spec, b.files["requirements.txt"] = minimal+test.pip+"\n", test.requirements
			log, err := b.fails(t)
			require.Contains(t, log+err.Error(), test.want)
			require.Equal(t, test.pip, marked(err))
		})
	}
}
