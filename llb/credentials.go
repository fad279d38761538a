package llb

import (
	"encoding/json"
	"path"

	"github.com/moby/buildkit/client/llb"

	"github.com/autumnjolitz/distroless-frontend/spec"
)

// Where pip's download has the secrets that a spec names, by their ids, and those that it has
// without a spec naming them.
const (
	pipSecretsDir = "/run/secrets/pip"
	pipCert       = "/run/secrets/pip-cert"
	pipClientCert = "/run/secrets/pip-client-cert"
)

// A pipSecret is a build secret that a key of the spec names.
type pipSecret struct{ id, at string }

// pipSecrets returns those of the spec in its order, each once.
func pipSecrets(p spec.Pip) []pipSecret {
	var secrets []pipSecret
	seen := map[string]bool{}
	add := func(id, at string) {
		if id != "" && !seen[id] {
			seen[id] = true
			secrets = append(secrets, pipSecret{id, at})
		}
	}
	for i, c := range p.Credentials {
		at := spec.Index("pip.credentials", i) + "."
		add(c.UsernameSecret, at+"username-secret")
		add(c.PasswordSecret, at+"password-secret")
		add(c.TokenSecret, at+"token-secret")
	}
	add(p.ClientCertSecret, "pip.client-cert-secret")
	return secrets
}

// needSecrets returns files as they are, once each secret that the spec names is known to be
// there: the op that looks for one is of the line that names it, which that of pip cannot be.
// It runs again when the download does, and so depends on the same.
func (g *Graph) needSecrets(files llb.State, declared *Declared) llb.State {
	native := g.shared()
	for _, secret := range pipSecrets(g.Spec.Pip) {
		file := path.Join(pipSecretsDir, secret.id)
		looked := native.run(op{
			name:   "[pip] look for the secret " + secret.id,
			args:   append([]string{opsDir + "/secret_given.sh", secret.at, secret.id, file}, g.pipArguments(declared)...),
			mounts: []llb.RunOption{optionalSecret(file, secret.id)},
			path:   secret.at,
		})
		files = looked.AddMount(outDir, files)
	}
	return files
}

// pipSecretMounts are the secrets of the download. They are there or not: needSecrets has told
// of what is missing by then, and the script does, should only its step be cached.
func (g *Graph) pipSecretMounts() []llb.RunOption {
	mounts := []llb.RunOption{
		optionalSecret(pipCert, "pip-cert"),
	}
	if g.Spec.Pip.ClientCertSecret == "" {
		mounts = append(mounts, optionalSecret(pipClientCert, "pip-client-cert"))
	}
	for _, secret := range pipSecrets(g.Spec.Pip) {
		mounts = append(mounts, optionalSecret(path.Join(pipSecretsDir, secret.id), secret.id))
	}
	return mounts
}

func optionalSecret(target, id string) llb.RunOption {
	return llb.AddSecret(target, llb.SecretID(id), llb.SecretOptional)
}

// A login is a Credential as the script takes it: with files for secrets.
type login struct {
	Host         string `json:"host"`
	Username     string `json:"username,omitempty"`
	UsernameFile string `json:"username_file,omitempty"`
	PasswordFile string `json:"password_file"`
}

// pipSecretArguments tell the script of the download what of the secrets is for what.
func (g *Graph) pipSecretArguments() ([]string, error) {
	cert := pipCert
	if g.Spec.Pip.Cert != "" {
		cert = path.Join(contextDir, g.Spec.Pip.Cert)
	}
	args := []string{"--cert", cert}
	if id := g.Spec.Pip.ClientCertSecret; id != "" {
		args = append(args, "--client-cert-secret", path.Join(pipSecretsDir, id))
	} else {
		args = append(args, "--client-cert", pipClientCert)
	}
	if len(g.Spec.Pip.Credentials) == 0 {
		return args, nil
	}
	var logins []login
	for _, c := range g.Spec.Pip.Credentials {
		l := login{Host: c.Host, Username: c.Username, PasswordFile: path.Join(pipSecretsDir, c.PasswordSecret)}
		if c.UsernameSecret != "" {
			l.UsernameFile = path.Join(pipSecretsDir, c.UsernameSecret)
		}
		if c.TokenSecret != "" {
			l.Username, l.PasswordFile = "__token__", path.Join(pipSecretsDir, c.TokenSecret)
		}
		logins = append(logins, l)
	}
	text, err := json.Marshal(logins)
	return append(args, "--logins", string(text)), err
}
