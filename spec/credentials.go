package spec

import (
	"regexp"
	"strings"
	"unicode"
)

// Credential is a login of the package indexes of one host. A spec has the names of secrets
// only, never their values.
type Credential struct {
	// Host has no port if it stands for all of them.
	Host string `yaml:"host" doc:"Host, as host or host:port, that gets this login and no other does." example:"pypi.example" required:"true"`
	// Of Username and UsernameSecret one is set, but if TokenSecret is.
	Username       string `yaml:"username" doc:"User name, if that is no secret." example:"bot" json:",omitempty"`
	UsernameSecret string `yaml:"username-secret" doc:"Id of the build secret with the user name." example:"pypi_user" json:",omitempty"`
	// Of PasswordSecret and TokenSecret one is set.
	PasswordSecret string `yaml:"password-secret" doc:"Id of the build secret with the password." example:"pypi_password" json:",omitempty"`
	TokenSecret    string `yaml:"token-secret" doc:"Id of the build secret with a token, the password of the user __token__." example:"pypi_token" json:",omitempty"`
}

func (s *Spec) validateCredentials() error {
	lines := map[string]int{}
	for i := range s.Pip.Credentials {
		at := Index("pip.credentials", i)
		c := &s.Pip.Credentials[i]
		if err := s.validateCredential(at, c); err != nil {
			return err
		}
		host := strings.ToLower(c.Host)
		if line := lines[host]; line != 0 {
			return s.errorf(at+".host", "%s has a login on line %d already; keep one of the two", quote(c.Host), line)
		}
		lines[host] = s.locations[at+".host"].Start.Line
	}
	if s.has("pip.cert") {
		if err := s.contextFile("pip.cert", &s.Pip.Cert); err != nil {
			return err
		}
	}
	return s.checkSecret("pip.client-cert-secret", s.Pip.ClientCertSecret)
}

func (s *Spec) validateCredential(at string, c *Credential) error {
	if err := s.checkHost(at+".host", c.Host); err != nil {
		return err
	}
	for _, secret := range []struct{ key, id string }{
		{"username-secret", c.UsernameSecret}, {"password-secret", c.PasswordSecret}, {"token-secret", c.TokenSecret},
	} {
		if err := s.checkSecret(at+"."+secret.key, secret.id); err != nil {
			return err
		}
	}
	if err := s.checkUsername(at+".username", c.Username); err != nil {
		return err
	}
	return s.checkLogin(at, c)
}

// checkLogin checks which keys go together.
func (s *Spec) checkLogin(at string, c *Credential) error {
	named := c.Username != "" || c.UsernameSecret != ""
	switch {
	case c.PasswordSecret == "" && c.TokenSecret == "":
		return s.errorf(at, "the password is missing; name the build secret that has it, as password-secret or token-secret")
	case c.PasswordSecret != "" && c.TokenSecret != "":
		return s.errorf(at+".token-secret", "a login has a token or a password; remove token-secret or password-secret")
	case c.TokenSecret != "" && named:
		return s.errorf(at+".token-secret", "the user of a token is __token__; for another, write password-secret instead of token-secret")
	case c.PasswordSecret != "" && !named:
		return s.errorf(at, "the user is missing; add username, or username-secret with the id of the build secret that has it")
	case c.Username != "" && c.UsernameSecret != "":
		return s.errorf(at+".username", "a login has one user; remove username or username-secret")
	}
	return nil
}

func (s *Spec) checkUsername(path, name string) error {
	if !s.has(path) {
		return nil
	}
	if err := s.checkWord(path, name); err != nil {
		return err
	}
	if strings.Contains(name, ":") {
		return s.errorf(path, "a user name cannot contain a colon; the password is a build secret, name that under password-secret")
	}
	if looksSecret(name) {
		return s.errorf(path, "this looks like a secret itself, which would become part of the build's record; "+
			"revoke it if it was published, write the next one into a file, and name the build secret under username-secret")
	}
	return nil
}

// Of a secret's id. Both engines and the script that reads it take it for the name of a file.
var secretID = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.-]{0,63}$`)

// checkSecret checks the id of a build secret, and never shows it: by mistake it may be the value.
func (s *Spec) checkSecret(path, id string) error {
	switch {
	case !s.has(path):
		return nil
	case !secretID.MatchString(id):
		return s.errorf(path, "not the id of a build secret: expected letters, digits, _, . and -, such as pypi_password; "+
			"the value is not for the spec: build with --secret id=pypi_password,src=FILE")
	case looksSecret(id):
		return s.errorf(path, "this looks like a secret itself, which would become part of the build's record; "+
			"revoke it if it was published, write the next one into a file, and name an id here: --secret id=pypi_password,src=FILE")
	}
	return nil
}

// How the tokens of well-known services begin.
var token = regexp.MustCompile(`^(pypi-A|gh[opusr]_|github_pat_|gl[a-z]*t-|npm_|hf_|dckr_pat_|xox[a-z]-|AKIA|eyJ).{12}`)

// looksSecret tells tokens from names, which have words.
func looksSecret(text string) bool {
	if token.MatchString(text) {
		return true
	}
	has := func(class func(rune) bool) bool { return strings.ContainsFunc(text, class) }
	return len(text) >= 20 && has(unicode.IsDigit) && has(unicode.IsUpper) && has(unicode.IsLower)
}
