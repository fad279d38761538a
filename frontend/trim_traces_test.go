package frontend_test

import (
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
)

// What traceback imports for the line that it shows is there, whatever the commands do.
func TestIntegrationTrimTellsErrors(t *testing.T) {
	img := build{
		spec:  minimal + "files: [{from: fail.py, to: /app/}]\ntrim: {run: [[python, -c, import logging]]}\n",
		files: map[string]string{"fail.py": errorsOfLines},
	}.must(t).Image
	res, err := img.Run(t.Context(), testenv.RunOptions{Args: []string{"/app/fail.py"}})
	require.NoError(t, err)
	require.Equal(t, "went on\n", res.Stdout, res.Stderr)
	require.Equal(t, 1, res.ExitCode)
	for _, line := range []string{"ERROR:root:told", `    größe = "ü" + [][0]`, `    print(größe + ("ö" + 1))`, "TypeError: can only concatenate str"} {
		require.Contains(t, res.Stderr, line)
	}
	require.NotContains(t, res.Stderr, "trim left it out")
}

const errorsOfLines = `
import logging
try:
    größe = "ü" + [][0]
except IndexError:
    logging.exception("told")
print("went on", flush=True)
größe = "ß"
print(größe + ("ö" + 1))
`

// Any answer below 500 is one, a redirection to where no request gets too. The server gets the
// signal of the spec, which Python may have no name for.
func TestIntegrationTrimAsksAServer(t *testing.T) {
	img := build{
		spec: minimal + `
files: [{from: server.py, to: /app/}]
entrypoint: [python, /app/server.py]
stopsignal: SIGRTMIN+3
trim:
  requests: [http://localhost:8080/moved, http://127.0.0.1:8080/no, "http://localhost:8080/a?b=%C3%A4#c"]
`,
		files: map[string]string{"server.py": `
import http.server, os, signal, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        print("asked for", self.path, flush=True)
        if self.path == "/moved":
            self.send_response(302)
            self.send_header("Location", "http://192.0.2.1/")
        else:
            self.send_response(404 if self.path == "/no" else 200)
        self.end_headers()
def stop(*_):
    import colorsys
    sys.exit()
signal.signal(37, stop)
http.server.HTTPServer(("127.0.0.1", 8080), Handler).serve_forever()
`},
	}.must(t)
	for _, path := range []string{"/moved", "/no", "/a?b=%C3%A4"} {
		require.Contains(t, img.Log(), "asked for "+path+"\n")
	}
	run(t, img.Image, testenv.RunOptions{Entrypoint: []string{"python", "-c", "import colorsys"}})
}

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
