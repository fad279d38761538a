package frontend_test

import (
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
)

// checkedServer answers each path with its status; /hang with nothing.
const checkedServer = `
import http.server, os, sys, time

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/hang":
            time.sleep(60)
        status = int(self.path[1:4])
        self.send_response(status, "as asked")
        self.end_headers()
        self.wfile.flush()
        time.sleep(0.05)
        self.wfile.write(b"x" * 300000)

http.server.ThreadingHTTPServer(("127.0.0.1", int(os.environ["PORT"])), Handler).serve_forever()
`

// checkedApp is a container that runs that server with no more rights than it needs.
func checkedApp(t *testing.T) (container *testenv.Container, port string) {
	t.Helper()
	port = freePort(t) // containers of tests are on the host's network
	img := checked("tcp: $PORT").must(t).Image
	container, err := img.Start(t.Context(), testenv.RunOptions{
		Env: []string{"PORT=" + port, "HUGE=99999"}, ReadOnly: true, NoNewPrivileges: true, CapDrop: []string{"ALL"},
	})
	require.NoError(t, err)
	t.Cleanup(func() {
		_, err := container.Stop()
		require.NoError(t, err)
		_, stderr := container.Output()
		require.NotRegexp(t, "BrokenPipe|ConnectionReset", stderr, "a check must leave no broken connection behind")
	})
	return container, port
}

// checked has the checked server and a health check, without its braces.
func checked(check string) build {
	return build{
		spec: minimal + "files: [{from: server.py, to: /app/}]\nuser: nonroot\nstopsignal: SIGINT\n" +
			"entrypoint: [python, -u, /app/server.py]\nhealthcheck: {" + check + "}\n",
		files: map[string]string{"server.py": checkedServer},
	}
}

// check does in the container what an engine does for a health check.
func check(t *testing.T, container *testenv.Container, check string) testenv.RunResult {
	t.Helper()
	words := checked(check).must(t).Image.Config.Config.Healthcheck.Test
	require.Equal(t, "CMD", words[0])
	res, err := container.Exec(t.Context(), words[1:]...)
	require.NoError(t, err)
	return res
}

func TestIntegrationHealthchecks(t *testing.T) {
	container, port := checkedApp(t)
	require.Eventually(t, func() bool { return check(t, container, "tcp: $PORT").ExitCode == 0 }, 30*time.Second, 50*time.Millisecond)
	closed := freePort(t)
	for text, want := range map[string]string{
		"http: $PORT/200":                               "",
		"http: '" + port + "/204?a=b'":                  "",
		"http: $PORT/302":                               "",
		"http: $PORT/500":                               "GET /500 of port " + port + ": status 500 as asked, expected 200 to 399",
		"http: $PORT/404":                               "GET /404 of port " + port + ": status 404 as asked, expected 200 to 399",
		"http: $PORT/503, status: 503":                  "",
		"http: $PORT/302, status: 200":                  "GET /302 of port " + port + ": status 302 as asked, expected 200",
		"http: $PORT/204, status: 200-299":              "",
		"http: $PORT/hang, timeout: 1s":                 "GET /hang of port " + port + ": no answer within 0.9 seconds",
		"http: " + closed + "/":                         "port " + closed + ": [Errno 111] Connection refused",
		"tcp: " + port:                                  "",
		"tcp: " + closed:                                "port " + closed + ": [Errno 111] Connection refused",
		"tcp: $ABSENT":                                  "port $ABSENT: the variable ABSENT is '', expected a number",
		"tcp: $HUGE":                                    "port $HUGE: the variable HUGE is '99999', expected a number from 1 to 65535",
		"exec: [python, -c, 'print($PORT)']":            "SyntaxError",
		"exec: [python, -c, 'exit()']":                  "",
		`cmd: 'python -c "exit($PORT - ` + port + `)"'`: "",
	} {
		t.Run(text, func(t *testing.T) {
			res := check(t, container, text)
			require.Empty(t, res.Stdout)
			if want == "" {
				require.Zero(t, res.ExitCode, res.Stderr)
				require.Empty(t, res.Stderr)
				return
			}
			require.Equal(t, 1, res.ExitCode)
			require.Contains(t, res.Stderr, want)
			if strings.Contains(text, "timeout: 1s") {
				require.Less(t, res.Took, 10*time.Second)
			}
		})
	}
}

// What is no server of HTTP, or none on IPv4, is known for what it is.
func TestIntegrationHealthchecksOfOddServers(t *testing.T) {
	container, _ := checkedApp(t)
	t.Run("another protocol", func(t *testing.T) {
		port := listen(t, "127.0.0.1:0", func(c net.Conn) { _, _ = c.Write([]byte("220 mail.example ESMTP\r\n")) })
		res := check(t, container, "http: "+port+"/")
		require.Equal(t, 1, res.ExitCode)
		require.Contains(t, res.Stderr, "the answer is not HTTP: '220 mail.example ESMTP'")
	})
	t.Run("no answer", func(t *testing.T) {
		port := listen(t, "127.0.0.1:0", func(net.Conn) {})
		res := check(t, container, "http: "+port+"/")
		require.Equal(t, 1, res.ExitCode)
		require.NotContains(t, res.Stderr, "Traceback")
	})
	t.Run("an answer that never ends", func(t *testing.T) {
		port := listen(t, "127.0.0.1:0", func(c net.Conn) {
			for range 600 {
				if _, err := c.Write([]byte("H")); err != nil {
					return
				}
				time.Sleep(100 * time.Millisecond)
			}
		})
		res := check(t, container, "http: "+port+"/, timeout: 1s")
		require.Equal(t, 1, res.ExitCode)
		require.Contains(t, res.Stderr, "no answer within 0.9 seconds")
	})
	t.Run("IPv6 only", func(t *testing.T) {
		listener, err := net.Listen("tcp6", "[::1]:0")
		if err != nil {
			t.Skipf("this machine has no IPv6: %v", err)
		}
		var host string
		server := &http.Server{Handler: http.HandlerFunc(func(_ http.ResponseWriter, r *http.Request) { host = r.Host })}
		go func() { _ = server.Serve(listener) }()
		t.Cleanup(func() { server.Close() })
		_, port, err := net.SplitHostPort(listener.Addr().String())
		require.NoError(t, err)
		res := check(t, container, "http: "+port+"/")
		require.Zero(t, res.ExitCode, res.Stderr)
		require.Equal(t, "localhost:"+port, host)
	})
}

// listen serves one connection after the other, and returns the port.
func listen(t *testing.T, address string, serve func(net.Conn)) string {
	t.Helper()
	listener, err := net.Listen("tcp", address)
	require.NoError(t, err)
	t.Cleanup(func() { listener.Close() })
	go func() {
		for {
			c, err := listener.Accept()
			if err != nil {
				return
			}
			serve(c)
			c.Close()
		}
	}()
	_, port, err := net.SplitHostPort(listener.Addr().String())
	require.NoError(t, err)
	return port
}

// A check is configuration: but for the first, which adds the script that asks, it runs no step.
func TestIntegrationCachingOfHealthchecks(t *testing.T) {
	build{spec: minimal}.must(t)
	first := build{spec: minimal + "healthcheck: {http: 8080/}\n"}.must(t)
	require.Contains(t, filesOf(t, first.Image), "/usr/local/lib/distroless/healthcheck.py")
	for _, other := range []string{"{http: 8081/other, status: 200}", "{tcp: 80, timeout: 2s}", "{http: /}\nexpose: [80]"} {
		res := build{spec: minimal + "healthcheck: " + other + "\n"}.must(t)
		require.Empty(t, ran(res))
		require.Equal(t, first.Image.Layers, res.Image.Layers)
	}
	for _, without := range []string{"{exec: [python, -V]}", "{cmd: python -V}", "none"} {
		img := build{spec: minimal + "healthcheck: " + without + "\n"}.must(t).Image
		require.NotContains(t, filesOf(t, img), "/usr/local/lib/distroless")
	}
}

func TestIntegrationHealthcheckOfAnotherPlatform(t *testing.T) {
	foreign := shared.Env(t).RequireForeign(t)
	port := listen(t, "127.0.0.1:0", func(net.Conn) {})
	b := build{spec: minimal + "healthcheck: {tcp: $PORT}\n"}
	b.Platforms = []string{foreign.Platform}
	img := b.must(t).Image
	res, err := foreign.Run(t.Context(), img, testenv.RunOptions{
		Entrypoint: img.Config.Config.Healthcheck.Test[1:], Env: []string{"PORT=" + port},
	})
	require.NoError(t, err)
	require.Zero(t, res.ExitCode, res.Stderr)
}
