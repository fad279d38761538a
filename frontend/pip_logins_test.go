package frontend_test

import (
	"encoding/base64"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
)

// A guard serves the index to one user, and sends others away.
type guard struct {
	*index
	user, password string
	// redirect, when set, is where files are instead.
	redirect string
	URL      string
}

// guarded starts a guard.
func (i *index) guarded(t *testing.T, user, password string) *guard {
	t.Helper()
	g := &guard{index: i, user: user, password: password}
	server := httptest.NewServer(g)
	t.Cleanup(server.Close)
	g.URL = server.URL
	return g
}

func (g *guard) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	if user, password, ok := r.BasicAuth(); !ok || user != g.user || password != g.password {
		w.Header().Set("WWW-Authenticate", `Basic realm="index"`)
		http.Error(w, "who are you?", http.StatusUnauthorized)
		return
	}
	if g.redirect != "" && strings.HasPrefix(r.URL.Path, "/wheels/") {
		http.Redirect(w, r, g.redirect+r.URL.Path, http.StatusFound)
		return
	}
	g.index.ServeHTTP(w, r)
}

// host is that of the URL, with its port.
func (g *guard) host() string { return strings.TrimPrefix(g.URL, "http://") }

// withSecrets is a request with build secrets, which needs to be told nothing else.
func withSecrets(secrets map[string]string) testenv.BuildRequest {
	req := online()
	req.Secrets = map[string][]byte{}
	for id, value := range secrets {
		req.Secrets[id] = []byte(value)
	}
	return req
}

// Each way in which a spec can tell a login lets pip in, whatever is in the password.
func TestIntegrationPipCredentials(t *testing.T) {
	const odd = canary + ` #:@/%20"'\ é`
	for name, test := range map[string]struct {
		user, password string
		login          string // but the host
		secrets        map[string]string
	}{
		"password": {
			"bot", odd, "username: bot, password-secret: pypi_password",
			map[string]string{"pypi_password": odd + "\n"},
		},
		"user": {
			"bot@" + canary, odd, "username-secret: pypi.user, password-secret: pypi_password",
			map[string]string{"pypi.user": "bot@" + canary + "\r\n", "pypi_password": odd},
		},
		"token": {
			"__token__", odd, "token-secret: pypi-token",
			map[string]string{"pypi-token": odd + "\n"},
		},
		"before netrc": {
			"bot", odd, "username: bot, password-secret: pypi_password",
			map[string]string{"pypi_password": odd, "netrc": "machine 127.0.0.1 login bot password wrong\n"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			g := newIndex(t).guarded(t, test.user, test.password)
			for _, host := range []string{g.host(), "127.0.0.1"} {
				spec := fmt.Sprintf("%spip:\n  packages: [six]\n  index-url: %s/simple\n  credentials: [{host: %q, %s}]\n", minimal, g.URL, host, test.login)
				res := build{spec: spec, BuildRequest: withSecrets(test.secrets)}.must(t)
				require.Equal(t, []string{"six==1.17.0"}, versions(t, res.Image))
				require.NotContains(t, string(res.Image.RawConfig)+res.Log(), canary)
			}
		})
	}
}

// A login is for its host and port alone. What the spec has none for, netrc may have.
func TestIntegrationPipCredentialsOfSeveralHosts(t *testing.T) {
	first, second, third := newIndex(t), newIndex(t), newIndex(t)
	for project, only := range map[string]*index{"six": first, "python-dateutil": second} {
		for _, i := range []*index{first, second, third} {
			if i != only {
				delete(i.wheels, project)
			}
		}
	}
	third.add(wheel(t, "third", "1.0", nil))
	a, b, c := first.guarded(t, "bot", canary), second.guarded(t, "__token__", canary+"-2"), third.guarded(t, "other", canary+"-3")
	spec := func(hostOfB string) string {
		return fmt.Sprintf(`%spip:
  packages: [six, python-dateutil, third]
  index-url: %s/simple
  extra-index-urls: [%s/simple, %s/simple]
  credentials:
  - {host: %q, username: bot, password-secret: a}
  - {host: %q, token-secret: b}
`, minimal, a.URL, b.URL, strings.Replace(c.URL, "127.0.0.1", "localhost", 1), a.host(), hostOfB)
	}
	req := withSecrets(map[string]string{"a": canary, "b": canary + "-2", "netrc": "machine localhost login other password " + canary + "-3\n"})
	res := build{spec: spec(b.host()), BuildRequest: req}.must(t)
	require.Equal(t, []string{"python-dateutil==2.9.0", "six==1.17.0", "third==1.0"}, versions(t, res.Image))

	log, err := build{spec: spec("pypi.example"), BuildRequest: req}.fails(t)
	require.Contains(t, log, "401")
	require.NotContains(t, log+err.Error(), canary)
}

// Where an index sends pip on to, to another port of its host or to another host, the login
// does not go along.
func TestIntegrationPipCredentialsAreNotRedirected(t *testing.T) {
	for name, host := range map[string]string{"another port": "127.0.0.1", "another host": "localhost"} {
		t.Run(name, func(t *testing.T) {
			index := newIndex(t)
			var mu sync.Mutex
			var sent []string
			elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				mu.Lock()
				sent = append(sent, r.URL.Path+" "+r.Header.Get("Authorization"))
				mu.Unlock()
				index.ServeHTTP(w, r)
			}))
			t.Cleanup(elsewhere.Close)
			g := index.guarded(t, "bot", canary)
			g.redirect = strings.Replace(elsewhere.URL, "127.0.0.1", host, 1)

			spec := fmt.Sprintf("%spip: {packages: [six], index-url: %s/simple, credentials: [{host: %q, username: bot, password-secret: p}]}\n", minimal, g.URL, g.host())
			res := build{spec: spec, BuildRequest: withSecrets(map[string]string{"p": canary})}.must(t)
			require.Equal(t, []string{"six==1.17.0"}, versions(t, res.Image))
			require.Contains(t, sent, "/wheels/six-1.17.0-py3-none-any.whl ")
			for _, request := range sent {
				require.NotContains(t, request, "Basic")
			}
		})
	}
}

// A secret that the spec names and the client does not give, or that is not what it should be,
// is one error at the line that names it, before pip does anything.
func TestIntegrationPipSecretsThatAreMissing(t *testing.T) {
	index := newIndex(t)
	g := index.guarded(t, "bot", canary)
	b := build{spec: minimal + "pip:\n  requirements: [requirements.txt]\n  index-url: " + g.URL + "/simple\n  credentials:\n" +
		"  - host: 127.0.0.1\n    username: bot\n    password-secret: pypi_password\n  client-cert-secret: client\n"}
	key := clientCertificate(t).pem
	for name, test := range map[string]struct {
		secrets    map[string]string
		want, line string
	}{
		"password": {
			map[string]string{"client": key, "netrc": "machine 127.0.0.1 login bot password " + canary},
			"pip.credentials[0].password-secret: the build secret pypi_password is missing: build with --secret id=pypi_password,src=FILE",
			"    password-secret: pypi_password",
		},
		"empty password": {
			map[string]string{"client": key, "pypi_password": ""},
			"pip.credentials[0].password-secret: the build secret pypi_password is empty: build with --secret id=pypi_password,src=FILE",
			"    password-secret: pypi_password",
		},
		"client certificate": {
			map[string]string{"pypi_password": canary},
			"pip.client-cert-secret: the build secret client is missing: build with --secret id=client,src=FILE",
			"  client-cert-secret: client",
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := b
			// It is so when the same spec was built before, with the secrets and other requirements.
			for _, step := range []struct {
				requirement string
				secrets     map[string]string
			}{
				{"six", map[string]string{"pypi_password": canary, "client": key}},
				{"idna", test.secrets},
			} {
				b.BuildRequest = withSecrets(step.secrets)
				b.files = map[string]string{"requirements.txt": "# " + name + "\n" + step.requirement + "\n"}
				if step.requirement == "six" {
					b.must(t)
					continue
				}
				log, err := b.fails(t)
				require.Contains(t, log, test.want)
				require.Equal(t, test.line, marked(err))
				require.NotContains(t, log, "Collecting")
				require.NotContains(t, log+err.Error(), canary)
			}
		})
	}

	// The step that looks for it is cached when just the packages to build with are others.
	t.Run("client certificate of a step that is cached", func(t *testing.T) {
		b := b
		b.files = map[string]string{"requirements.txt": "six\n"}
		b.BuildRequest = withSecrets(map[string]string{"pypi_password": canary, "client": key})
		b.must(t)
		b.spec += "apk: {build: [zip]}\n"
		b.BuildRequest = withSecrets(map[string]string{"pypi_password": canary})
		log, err := b.fails(t)
		require.Contains(t, log, "\npip: the build secret client is missing: build with --secret id=client,src=FILE")
		require.Contains(t, marked(err), "  client-cert-secret: client")
	})
}

func TestIntegrationPipSecretsThatAreWrong(t *testing.T) {
	for name, test := range map[string]struct {
		secrets map[string]string
		want    string
	}{
		"password of two lines": {
			map[string]string{"p": canary + "\n" + canary + "\n"}, "pip: the build secret p has more than one line: expected one line",
		},
		"password that is no text": {map[string]string{"p": "\xff\xfe"}, "pip: the build secret p is not text: expected one line in UTF-8"},
		"netrc": {
			map[string]string{"p": canary, "netrc": "machine 127.0.0.1\n" + canary + "\n"},
			"pip: the build secret netrc is not a netrc file: line ",
		},
		"authorities": {
			map[string]string{"p": canary, "pip-cert": canary}, "pip: the build secret pip-cert has no certificate of an authority: expected a file in PEM format",
		},
		"client certificate without key": {
			map[string]string{"p": canary, "pip-client-cert": authorityPEM(t)},
			"pip: the build secret with the client certificate is none: expected a file in PEM format with the certificate and its private key",
		},
	} {
		t.Run(name, func(t *testing.T) {
			const line = "pip: {packages: [six], index-url: http://127.0.0.1:1/simple, credentials: [{host: 127.0.0.1, username: bot, password-secret: p}]}"
			log, err := build{spec: minimal + line + "\n# " + name, BuildRequest: withSecrets(test.secrets)}.fails(t)
			require.Contains(t, log, "\n"+test.want)
			require.Equal(t, line, marked(err))
			require.NotContains(t, log+err.Error(), canary)
		})
	}
}

// What an index says back of a password does not get into the log.
func TestIntegrationPipHidesPasswords(t *testing.T) {
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		user, password, _ := r.BasicAuth()
		sent := strings.TrimPrefix(r.Header.Get("Authorization"), "Basic ")
		connection, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			panic(err)
		}
		defer connection.Close()
		fmt.Fprintf(connection, "HTTP/1.1 403 not %s with %s or %s or %s\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", user, password, url.QueryEscape(password), sent)
	}))
	t.Cleanup(server.Close)
	const password, token = canary + "/+", "token-" + canary
	const hidden = " with **** or **** or ****"
	for name, test := range map[string]struct {
		user, credentials string
		secrets           map[string]string
		shown             string // of the user and the password
	}{
		"of the spec":      {"bot", ", credentials: [{host: 127.0.0.1, username: bot, password-secret: p}]", map[string]string{"p": password}, "bot" + hidden},
		"of netrc":         {"bot", "", map[string]string{"netrc": "machine 127.0.0.1 login bot password " + password + "\n"}, "bot" + hidden},
		"a token in netrc": {token, "", map[string]string{"netrc": "machine 127.0.0.1 login " + token + " password x-oauth-basic\n"}, "****" + hidden},
		"a token in netrc, with nothing else": {
			token, "", map[string]string{"netrc": "machine 127.0.0.1 login " + token + " password \"\"\n"}, "**** with  or  or ****",
		},
		"with a user": {
			"robot-" + canary, ", credentials: [{host: 127.0.0.1, username-secret: u, password-secret: p}]",
			map[string]string{"u": "robot-" + canary + "\n", "p": password}, "****" + hidden,
		},
		"with a short user": {
			"bot", ", credentials: [{host: 127.0.0.1, username-secret: u, password-secret: p}]", map[string]string{"u": "bot", "p": password}, "bot" + hidden,
		},
	} {
		t.Run(name, func(t *testing.T) {
			spec := minimal + "pip: {packages: [six], index-url: " + server.URL + "/simple" + test.credentials + "}\n"
			log, err := build{spec: spec, BuildRequest: withSecrets(test.secrets)}.fails(t)
			require.Contains(t, log, "403 Client Error: not "+test.shown)
			for _, secret := range []string{canary, "robot-", base64.StdEncoding.EncodeToString([]byte(test.user + ":" + password))} {
				require.NotContains(t, log+err.Error(), secret)
			}
		})
	}
}
