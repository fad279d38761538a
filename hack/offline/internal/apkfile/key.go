// Package apkfile writes .apk files and the signed index of a repository of them.
package apkfile

import (
	"crypto/rand"
	"crypto/rsa"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"os"
	"path/filepath"
)

// Key is a pair of keys to sign with.
type Key struct {
	Private string // the file of the private key; the public one is beside it
}

// Public is the file of the public key, named as signatures name it.
func (k Key) Public() string { return k.Private + ".pub" }

// LoadKey returns the key at that path, which it makes if it is not there.
func LoadKey(path string) (Key, error) {
	key := Key{Private: path}
	if _, err := os.Stat(path); err == nil {
		return key, nil
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return key, err
	}
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		return key, err
	}
	public, err := x509.MarshalPKIXPublicKey(&private.PublicKey)
	if err != nil {
		return key, err
	}
	return key, errors.Join(
		os.WriteFile(key.Public(), encode("PUBLIC KEY", public), 0o644),
		os.WriteFile(path, encode("RSA PRIVATE KEY", x509.MarshalPKCS1PrivateKey(private)), 0o600),
	)
}

func encode(kind string, der []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der})
}
