package frontend_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// What traces a command hides no folder of the image but /tmp.
func TestIntegrationTrimHidesNoFolderOfTheImage(t *testing.T) {
	img := build{
		spec: minimal + `
files:
  - {from: app.py, to: /base/}
  - {from: app.py, to: /out/}
  - {from: app.py, to: /distroless/ops/}
trim:
  run: [[python, /base/app.py], [python, /out/app.py], [python, /distroless/ops/app.py]]
`,
		files: map[string]string{"app.py": "import os, sys\nassert {'app.py', '__pycache__'} >= set(os.listdir(sys.path[0])), os.listdir(sys.path[0])\n"},
	}.must(t).Image
	for name := range filesOf(t, img) {
		require.NotContains(t, name, "/.distroless-")
	}
}
