package frontend_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"log"
	"math/big"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
)

// A clientPEM is the certificate of a client, and its file with the key.
type clientPEM struct {
	certificate *x509.Certificate
	key, pem    string
}

// clientCertificate returns one that its own key has signed, of a name that is a canary.
func clientCertificate(t *testing.T) clientPEM {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(3),
		Subject:      pkix.Name{CommonName: canary},
		NotBefore:    time.Now().Add(-time.Hour),
		NotAfter:     time.Now().Add(time.Hour),
		KeyUsage:     x509.KeyUsageDigitalSignature,
		ExtKeyUsage:  []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	require.NoError(t, err)
	certificate, err := x509.ParseCertificate(der)
	require.NoError(t, err)
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	require.NoError(t, err)
	keyPEM := string(pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}))
	return clientPEM{certificate, keyPEM, keyPEM + string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))}
}

func authorityPEM(t *testing.T) string {
	t.Helper()
	ca, _ := authority(t, time.Now())
	return string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.Raw}))
}

// encrypted serves an index over TLS to the one client, and returns its URL and its authority.
func encrypted(t *testing.T, index http.Handler, c clientPEM) (url, authorities string) {
	t.Helper()
	ca, certificate := authority(t, time.Now().Add(-time.Hour))
	server := httptest.NewUnstartedServer(index)
	server.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: x509.NewCertPool()}
	server.TLS.ClientCAs.AddCert(c.certificate)
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // of those without a certificate
	server.StartTLS()
	t.Cleanup(server.Close)
	// pip fails in another way when the host is an address.
	url = strings.Replace(server.URL, "127.0.0.1", "localhost", 1) + "/simple"
	return url, string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.Raw}))
}

// An index of a company wants to see a certificate, and shows one of the company's authority.
// The spec names the two, or they come from outside of it. What is built needs the index too,
// for what it is built with.
func TestIntegrationPipCertificates(t *testing.T) {
	index := newIndex(t)
	c := clientCertificate(t)
	url, authorities := encrypted(t, index, c)
	file, content := sdist(t, "pure", "1.0", map[string]string{
		"pyproject.toml": "[build-system]\nrequires = ['helper']\nbuild-backend = 'backend'\nbackend-path = ['.']\n",
		"backend.py":     "import helper\n" + fmt.Sprintf(taggedBackend, "pure", "py3-none-any"),
	})
	index.add(file, content)
	index.add(wheel(t, "helper", "1.0", map[string]string{"helper.py": ""}))

	outside := testenv.BuildRequest{
		BuildArgs: map[string]string{"PIP_INDEX_URL": url, "PIP_FIND_LINKS": "", "PIP_NO_INDEX": ""},
		Secrets:   map[string][]byte{"pip-cert": []byte(authorities), "pip-client-cert": []byte(c.pem)},
	}
	for name, b := range map[string]build{
		"of the spec": {
			spec:         minimal + "pip: {packages: [six, pure], index-url: " + url + ", cert: certs/company.pem, client-cert-secret: pip_client}\n",
			files:        map[string]string{"certs/company.pem": authorities},
			BuildRequest: withSecrets(map[string]string{"pip_client": c.pem, "pip-cert": authorityPEM(t)}),
		},
		"from outside": {spec: minimal + "pip: {packages: [six, pure]}\n", BuildRequest: outside},
	} {
		t.Run(name, func(t *testing.T) {
			res := b.must(t)
			require.Equal(t, []string{"pure==1.0", "six==1.17.0"}, versions(t, res.Image))
			require.NotContains(t, string(res.Image.RawConfig)+res.Log(), canary)
		})
	}
	for name, test := range map[string]struct {
		without, want string
		packages      string // others, for the daemon runs two equal steps as one, with the secrets of both
	}{
		"without the authority":          {"pip-cert", "CERTIFICATE_VERIFY_FAILED", "idna"},
		"without the client certificate": {"pip-client-cert", "(?i)certificate.required", "attrs"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // pip takes its time to try again
			req := withSecrets(nil)
			req.BuildArgs = outside.BuildArgs
			for id, value := range outside.Secrets {
				if id != test.without {
					req.Secrets[id] = value
				}
			}
			line := "pip: {packages: [" + test.packages + "]}"
			log, err := build{spec: minimal + line + "\n", BuildRequest: req}.fails(t)
			require.Regexp(t, test.want, log)
			require.Equal(t, line, marked(err))
		})
	}
	t.Run("no such file", func(t *testing.T) {
		_, err := build{spec: minimal + "pip:\n  packages: [six]\n  cert: absent.pem\n"}.fails(t)
		require.ErrorContains(t, err, "absent.pem")
		require.Equal(t, "  cert: absent.pem", marked(err))
	})
	t.Run("no certificate", func(t *testing.T) {
		log, err := build{spec: minimal + "pip:\n  packages: [six]\n  cert: a.pem\n", files: map[string]string{"a.pem": "six\n"}}.fails(t)
		require.Contains(t, log, "\npip: pip.cert has no certificate of an authority: expected a file in PEM format")
		require.Contains(t, marked(err), "  cert: a.pem")
	})
}
