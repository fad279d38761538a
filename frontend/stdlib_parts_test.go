package frontend_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
	"github.com/autumnjolitz/distroless-frontend/llb"
)

// importError returns the message of the error that a statement ends with, after its type.
func importError(t *testing.T, img *testenv.Image, statement string) string {
	t.Helper()
	return python(t, img, `
try:
    `+statement+`
    print("no error")
except ImportError as error:
    print(f"{type(error).__name__}({error.name}): {error}")
`)
}

func TestIntegrationLeftOutPartsSayHowToHaveThem(t *testing.T) {
	base, img := baseImage(t), finalOf(t, minimal)
	found := 0
	for _, part := range llb.Parts() {
		for _, module := range part.Modules {
			exists := python(t, base, "import importlib.util; print(importlib.util.find_spec('"+module+"') is not None)")
			if exists == "False" {
				require.Equal(t, "ModuleNotFoundError("+module+"): No module named '"+module+"'", importError(t, img, "import "+module))
				continue
			}
			found++
			want := "ModuleNotFoundError(" + module + "): No module named '" + module + "': it is left out of the " +
				"standard library of a distroless image. Put '" + module + "' under stdlib.include in the spec to have it"
			require.Equal(t, want, importError(t, img, "import "+module))
			require.Equal(t, want, importError(t, img, "import "+module+".below"), "below it as well")
		}
	}
	require.Greater(t, found, 3)
}

// On request, a part does what it does in the base. The base's tkinter lacks Tk's libraries.
func TestIntegrationStdlibInclude(t *testing.T) {
	base := baseImage(t)
	for part, program := range map[string]string{
		"tkinter":    "try: import tkinter\nexcept ImportError as e: print(e)",
		"turtledemo": "import turtledemo; print(turtledemo.__doc__)\ntry: import turtle\nexcept ImportError as e: print(e)",
		"idlelib": "import idlelib, os\n" +
			"print(sorted(os.path.splitext(f)[0] for f in os.listdir(idlelib.__path__[0]) if f != '__pycache__'))",
		"pydoc_data": "help('topics'); help('with'); help('ASSERTION')",
	} {
		t.Run(part, func(t *testing.T) {
			// The packages tcl and tk are not there, as they are not in the base.
			img := finalOf(t, minimal+"stdlib:\n  include: ["+part+"]\nlibraries: {ignore: [libtcl8.6.so, libtk8.6.so]}\n")
			want := python(t, base, program)
			require.NotEmpty(t, want)
			require.Equal(t, want, python(t, img, program))
		})
	}
}

func TestIntegrationHelpWithoutTopics(t *testing.T) {
	img := finalOf(t, minimal)
	require.Contains(t, python(t, img, "help('with')"), "pydoc_data")
	require.Contains(t, python(t, img, "import json; help(json.dumps)"), "Serialize ``obj`` to a JSON formatted")
}

func TestIntegrationStdlibExclude(t *testing.T) {
	img := finalOf(t, minimal+"stdlib:\n  exclude: [unittest, xml.sax]\n")
	for statement, module := range map[string]string{
		"import unittest":                "unittest",
		"import unittest.mock":           "unittest",
		"from unittest import mock":      "unittest",
		"import doctest":                 "unittest",
		"import xml.sax":                 "xml.sax",
		"from xml.sax import handler":    "xml.sax",
		"import xml.sax.expatreader":     "xml.sax",
		"import xml.etree.ElementTree":   "",
		"import xml; xml.__path__":       "",
		"import json, asyncio, logging":  "",
		"import concurrent.futures, ssl": "",
	} {
		want := "no error"
		if module != "" {
			want = "ModuleNotFoundError(" + module + "): No module named '" + module +
				"': stdlib.exclude in the spec drops it from this image. Take '" + module + "' off that list to have it"
		}
		require.Equal(t, want, importError(t, img, statement), statement)
	}
	require.Equal(t, "ImportError(xml): cannot import name 'sax' from 'xml': stdlib.exclude in the spec drops it from this image."+
		" Take 'xml.sax' off that list to have it", importError(t, img, "from xml import sax"))
	for _, file := range openZip(t, img).File {
		require.NotContains(t, file.Name, "unittest/")
		require.NotContains(t, file.Name, "xml/sax/")
	}
}

func TestIntegrationStdlibUnknownNames(t *testing.T) {
	for name, test := range map[string]struct{ keys, line, want string }{
		"exclude": {
			keys: "stdlib:\n  exclude: [unittest, no_such_module]\n",
			line: "  exclude: [unittest, no_such_module]",
			want: "stdlib.exclude: 'no_such_module' is not a module of the standard library of Python " + shared.Env(t).PythonVersion(),
		},
		"include": {
			keys: "stdlib:\n  include: [tkintre]\n",
			line: "  include: [tkintre]",
			want: `"tkintre" is not a part that is left out: expected one of tkinter, turtle`,
		},
	} {
		t.Run(name, func(t *testing.T) {
			log, err := build{spec: minimal + test.keys}.fails(t)
			require.Contains(t, err.Error()+log, test.want)
			require.Contains(t, testenv.SourceExcerpt(err), ">>> "+test.line)
		})
	}
}

func TestIntegrationInterpreterOptions(t *testing.T) {
	img := finalOf(t, minimal)
	const heavy = imports + "; print('works')"
	for name, options := range map[string][]string{
		"none":              nil,
		"without site":      {"-S"},
		"isolated":          {"-I"},
		"isolated and bare": {"-I", "-S"},
		"optimized":         {"-O"},
		"more optimized":    {"-OO"},
		"warnings":          {"-W", "error", "-b"},
		"frozen off":        {"-X", "frozen_modules=off"},
		"development":       {"-X", "dev"},
	} {
		t.Run(name, func(t *testing.T) {
			args := append(append([]string{}, options...), "-c", heavy)
			require.Equal(t, "works\n", run(t, img, testenv.RunOptions{Args: args}))
			require.Equal(t, "works\n", run(t, img, testenv.RunOptions{Args: args, ReadOnly: true, User: "nonroot"}))
		})
	}
}

func TestIntegrationImportTime(t *testing.T) {
	res, err := finalOf(t, minimal).Run(t.Context(), testenv.RunOptions{Args: []string{"-X", "importtime", "-c", "import json"}})
	require.NoError(t, err)
	require.Zero(t, res.ExitCode)
	require.Regexp(t, `(?m)^import time: .*\| +json$`, res.Stderr)
}

// The interpreter finds itself as it does in the base, and is told but not to write bytecode.
func TestIntegrationInterpreterPaths(t *testing.T) {
	const program = "import sys, sysconfig, site; print(sys.path, sys.prefix, sys.exec_prefix, sys.executable, " +
		"sysconfig.get_paths(), sysconfig.get_config_var('EXT_SUFFIX'), site.getsitepackages(), sys.flags)"
	want := run(t, baseImage(t), testenv.RunOptions{
		Entrypoint: []string{"python"}, Args: []string{"-c", program}, Env: []string{"PYTHONDONTWRITEBYTECODE=1"},
	})
	require.Equal(t, strings.TrimSpace(want), python(t, finalOf(t, minimal), program))
}
