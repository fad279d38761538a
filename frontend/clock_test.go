package frontend_test

import (
	"archive/zip"
	"bytes"
	"crypto/tls"
	"encoding/pem"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
)

// The clock of the machine is not for a test to set, and namespaces have none of their own. But
// what a build makes of a clock in the past comes from outside: files and archives that are of
// the future, and certificates that are not valid yet. Those can be made.

// future is the last moment that zip files, and so wheels, can tell.
var future = time.Date(2107, 12, 31, 23, 59, 58, 0, time.UTC)

func TestIntegrationClockInThePastFiles(t *testing.T) {
	dir := contextDir(t, map[string]string{
		"Dockerfile": minimal + "files: [{from: hello, to: /hello}]\npip: {packages: [tomorrow], find-links: [wheels]}\n",
		"hello":      "hello",
		"wheels/tomorrow-1.0-py3-none-any.whl": futureWheel(t, map[string]string{
			"tomorrow.py":                     "answer = 42\n",
			"tomorrow-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: tomorrow\nVersion: 1.0\n",
			"tomorrow-1.0.dist-info/WHEEL":    "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n",
			"tomorrow-1.0.dist-info/RECORD":   "",
		}),
	})
	for _, name := range []string{"hello", "Dockerfile", "wheels"} {
		require.NoError(t, os.Chtimes(filepath.Join(dir, name), future, future))
	}
	res := build{BuildRequest: testenv.BuildRequest{
		Dir:         dir,
		BuildArgs:   map[string]string{"SOURCE_DATE_EPOCH": "1"},
		ExportAttrs: map[string]string{"rewrite-timestamp": "true"},
	}}.must(t)
	for path, file := range filesOf(t, res.Image) {
		require.LessOrEqual(t, file.ModTime.Unix(), int64(1), path)
	}
	require.Equal(t, "42", python(t, res.Image, "import tomorrow; print(tomorrow.answer)"))
}

func futureWheel(t *testing.T, files map[string]string) string {
	t.Helper()
	var wheel bytes.Buffer
	archive := zip.NewWriter(&wheel)
	for name, content := range files {
		entry, err := archive.CreateHeader(&zip.FileHeader{Name: name, Modified: future})
		require.NoError(t, err)
		_, err = io.WriteString(entry, content)
		require.NoError(t, err)
	}
	require.NoError(t, archive.Close())
	return wheel.String()
}

// A mirror's certificate that becomes valid tomorrow is an error at the line that leads to the
// mirror, and the log says why. The same mirror is fine in its time.
func TestIntegrationClockInThePastCertificates(t *testing.T) {
	today, trustsToday := timedMirror(t, "today", time.Now().Add(-time.Hour))
	tomorrow, trustsTomorrow := timedMirror(t, "tomorrow", time.Now().Add(24*time.Hour))
	for _, c := range []struct{ name, line, want string }{
		{"apk", "apk: {repositories: [MIRROR/alpine/v3.20/main]}", "certificate"},
		{"pip", "pip: {packages: [six], find-links: [MIRROR/wheels/], no-index: true}", "certificate is not yet valid"},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel() // pip takes its time to try again
			spec := func(base, mirror string) string {
				return "base: " + base + "\n" + strings.ReplaceAll(c.line, "MIRROR", mirror) + "\n"
			}
			build{spec: spec(trustsToday, today)}.must(t)
			log, err := build{spec: spec(trustsTomorrow, tomorrow)}.fails(t)
			require.Contains(t, log, c.want)
			require.Equal(t, strings.ReplaceAll(c.line, "MIRROR", tomorrow), marked(err))
		})
	}
}

// timedMirror serves the fixtures over TLS with a certificate that is valid from a time on, and
// returns its URL and a base image that trusts the certificate's authority.
func timedMirror(t *testing.T, name string, from time.Time) (url, base string) {
	t.Helper()
	env := shared.Env(t)
	ca, certificate := authority(t, from)
	server := httptest.NewUnstartedServer(http.FileServer(http.Dir(env.Fixtures.Dir)))
	server.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}}
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // of those whose clock is behind
	server.StartTLS()
	t.Cleanup(server.Close)
	push(t, "library/trusting-"+name+":3.13-alpine3.20", "FROM python:3.13-alpine3.20\nCOPY <<EOF /tmp/ca\n"+
		string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.Raw}))+
		"EOF\nRUN cat /tmp/ca >>/etc/ssl/certs/ca-certificates.crt\n")
	// pip fails in another way when the host is an address.
	return strings.Replace(server.URL, "127.0.0.1", "localhost", 1), "trusting-" + name + ":3.13-alpine3.20"
}
