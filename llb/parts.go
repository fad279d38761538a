package llb

import (
	"slices"
	"strings"

	"github.com/pkg/errors"
)

// A Part of the standard library is left out of the image unless stdlib.include names it.
type Part struct {
	Name       string   // as in stdlib.include
	Modules    []string // dotted names; an import of one of them says how to have it
	Extensions []string // C extensions in lib-dynload; a final * stands for any end
	Needs      []string // parts without which this one does not work
	Why        string   // for the documentation
}

// sourcesPart is the one part that is no modules, but the sources of all.
const sourcesPart = "sources"

// Parts returns what an image has not got unless asked, the one list of it.
//
// Modules that no Linux can import (such as asyncio.windows_events) are not a loss and are
// left out with them, under no name.
func Parts() []Part {
	return []Part{
		{
			Name:       "tkinter",
			Modules:    []string{"tkinter"},
			Extensions: []string{"_tkinter"},
			Why:        "a graphical interface; needs the packages tcl and tk as well",
		},
		{Name: "turtle", Modules: []string{"turtle"}, Needs: []string{"tkinter"}, Why: "drawing lessons on tkinter"},
		{Name: "turtledemo", Modules: []string{"turtledemo"}, Needs: []string{"turtle"}, Why: "examples for turtle"},
		{Name: "idlelib", Modules: []string{"idlelib"}, Needs: []string{"tkinter"}, Why: "the IDLE editor"},
		{Name: "lib2to3", Modules: []string{"lib2to3"}, Why: "a converter from Python 2; gone since Python 3.13"},
		{Name: "pydoc_data", Modules: []string{"pydoc_data"}, Why: "the text of help('topics'); help of objects works"},
		{
			Name:    "test",
			Modules: []string{"test"},
			Extensions: []string{
				"_test*", "_ctypes_test*", "_xxtestfuzz", "xxlimited*", "xxsubtype",
			},
			Needs: []string{sourcesPart},
			Why:   "CPython's tests of itself",
		},
		{
			Name: sourcesPart,
			Why:  "the sources of the library, which tracebacks show and inspect reads; all of it is then files, and there is no zip",
		},
	}
}

// foreignModules are the modules that cannot be imported on Linux, whatever is done.
func foreignModules() []string {
	return []string{
		"_pyrepl.windows_console",
		"asyncio.windows_events", "asyncio.windows_utils",
		"encodings.mbcs", "encodings.oem",
		"multiprocessing.popen_spawn_win32",
	}
}

// leftOut returns the parts that the given include list does not bring back.
func leftOut(include []string) ([]Part, error) {
	parts := Parts()
	wanted := map[string]bool{}
	var want func(name string) error
	want = func(name string) error {
		i := slices.IndexFunc(parts, func(p Part) bool { return p.Name == name })
		if i < 0 {
			return errors.Errorf("%q is not a part that is left out: expected one of %s", name, partNames(parts))
		}
		wanted[name] = true
		for _, need := range parts[i].Needs {
			if err := want(need); err != nil {
				return err
			}
		}
		return nil
	}
	for _, name := range include {
		if err := want(name); err != nil {
			return nil, err
		}
	}
	return slices.DeleteFunc(parts, func(p Part) bool { return wanted[p.Name] }), nil
}

func partNames(parts []Part) string {
	var names []string
	for _, p := range parts {
		names = append(names, p.Name)
	}
	return strings.Join(names, ", ")
}
