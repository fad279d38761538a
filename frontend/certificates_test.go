package frontend_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
)

// authority returns a new certificate authority, and a certificate of this machine by it that is
// valid from a time on.
func authority(t *testing.T, from time.Time) (ca *x509.Certificate, server tls.Certificate) {
	t.Helper()
	template := func(serial int64, name string) *x509.Certificate {
		return &x509.Certificate{
			SerialNumber:          big.NewInt(serial),
			Subject:               pkix.Name{CommonName: name},
			NotBefore:             time.Now().Add(-time.Hour),
			NotAfter:              time.Now().Add(time.Hour),
			BasicConstraintsValid: true,
		}
	}
	caKey, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	ca = template(1, "An authority made for a test")
	ca.IsCA = true
	ca.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
	ca.SubjectKeyId = []byte{1}
	der, err := x509.CreateCertificate(rand.Reader, ca, ca, caKey.Public(), caKey)
	require.NoError(t, err)
	ca, err = x509.ParseCertificate(der)
	require.NoError(t, err)

	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	require.NoError(t, err)
	leaf := template(2, "127.0.0.1")
	leaf.NotBefore, leaf.NotAfter = from, from.Add(2*time.Hour)
	leaf.DNSNames = []string{"localhost"}
	leaf.IPAddresses = []net.IP{net.IPv4(127, 0, 0, 1)}
	leaf.KeyUsage = x509.KeyUsageDigitalSignature
	leaf.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	der, err = x509.CreateCertificate(rand.Reader, leaf, ca, key.Public(), caKey)
	require.NoError(t, err)
	return ca, tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// tlsServer serves "hello" over TLS and returns its URL, and a folder with its authority's
// certificate in a file for update-ca-certificates.
func tlsServer(t *testing.T) (url, dir string) {
	t.Helper()
	ca, certificate := authority(t, time.Now().Add(-time.Hour))
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("hello"))
	}))
	server.TLS = &tls.Config{Certificates: []tls.Certificate{certificate}}
	server.Config.ErrorLog = log.New(io.Discard, "", 0) // of those who do not trust it
	server.StartTLS()
	t.Cleanup(server.Close)
	dir = t.TempDir()
	block := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: ca.Raw})
	require.NoError(t, os.Chmod(dir, 0o755))
	require.NoError(t, os.WriteFile(filepath.Join(dir, "authority.crt"), block, 0o644))
	return server.URL, dir
}

const fetchURL = "import sys, urllib.error, urllib.request\n" +
	"try: print(urllib.request.urlopen(sys.argv[1]).read().decode())\n" +
	"except urllib.error.URLError as error: print(error)"

func TestIntegrationCertificatesCanBeAdded(t *testing.T) {
	img := finalOf(t, minimal)
	url, dir := tlsServer(t)
	mounts := []testenv.Mount{{Source: dir, Target: "/usr/local/share/ca-certificates", ReadOnly: true}}
	dash := func(script string) string {
		return run(t, img, testenv.RunOptions{
			Entrypoint: []string{"dash", "-c", script, "dash", fetchURL, url},
			Mounts:     mounts,
		})
	}
	require.Contains(t, dash(`exec python -c "$1" "$2"`), "CERTIFICATE_VERIFY_FAILED")
	require.Equal(t, "hello\n", dash(`update-ca-certificates >/dev/null && exec python -c "$1" "$2"`))
	require.Equal(t, "hello\n", dash(`update-ca-certificates >/dev/null && update-ca-certificates && exec python -c "$1" "$2"`), "twice is as good")
}

func TestIntegrationCertificatesAreThoseOfTheBundle(t *testing.T) {
	const program = "import ssl; c = ssl.create_default_context(); print(len(c.get_ca_certs()), ssl.get_default_verify_paths())"
	got := python(t, finalOf(t, minimal), program)
	require.Equal(t, python(t, baseImage(t), program), got)
	require.Regexp(t, `^1\d\d `, got)
}
