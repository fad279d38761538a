package frontend_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
)

const sourcesSpec = minimal + "stdlib: {include: [sources]}\n"

// With its sources, the library shows itself as that of the base does.
func TestIntegrationStdlibSources(t *testing.T) {
	img, base := finalOf(t, sourcesSpec), baseImage(t)
	const program = `
import collections.abc, encodings.utf_8, inspect, json, json.decoder, linecache, os, traceback
for module in json, os, encodings.utf_8, collections.abc:
    print(module.__file__, len(inspect.getsource(module)), open(module.__file__).readline())
print(inspect.getsource(json.JSONDecoder.decode))
try: json.loads('{')
except ValueError: traceback.print_exc(file=open('/dev/stdout', 'w'))
try: import tkinter
except ImportError as error: print(type(error).__name__)
`
	want := python(t, base, program)
	require.Contains(t, want, "obj, end = self.raw_decode(s, idx=_w(s, 0).end())")
	got := python(t, img, program)
	require.Equal(t, lines(want)[:len(lines(want))-1], lines(got)[:len(lines(got))-1])
	require.Regexp(t, "ModuleNotFoundError$", got)

	// All of it is compiled.
	require.Equal(t, "[]", python(t, img, `
import importlib.util, os, sysconfig
lib = sysconfig.get_path('stdlib')
sources = [os.path.join(d, f) for d, _, fs in os.walk(lib) for f in fs if f.endswith('.py')]
assert len(sources) > 400
print([path for path in sources if not os.path.exists(importlib.util.cache_from_source(path))])
`))
	require.NotContains(t, filesOf(t, img), stdlibZip)
	for name, pyc := range pycsOf(t, img, "/usr/local/lib/python3.13/json", "/usr/local/lib/python3.13/encodings") {
		require.Equal(t, 1, pyc.flags, name)
		require.Equal(t, []string{sourceOf(name)}, pyc.names)
	}
	require.NotEmpty(t, run(t, img, testenv.RunOptions{Args: []string{"-c", imports + "; print('imported')"}, User: "nonroot", ReadOnly: true}))
}

// The pycs are those that an interpreter of that level looks for.
func TestIntegrationStdlibSourcesOptimized(t *testing.T) {
	img := finalOf(t, sourcesSpec+"bytecode: {optimize: 2}\n")
	require.Equal(t, "/usr/local/lib/python3.13/json/__pycache__/__init__.cpython-313.opt-2.pyc None",
		python(t, img, "import json; print(json.__cached__, json.__doc__)"))
}
