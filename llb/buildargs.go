package llb

import "github.com/autumnjolitz/distroless-frontend/spec"

// A BuildArg is a build argument that is known without a spec declaring it.
type BuildArg struct {
	Name        string
	Description string // a phrase
}

// BuildArgs returns those that OverridesFrom reads.
func BuildArgs() []BuildArg {
	return []BuildArg{
		{"APK_REPOSITORIES", "Package repositories, where the spec names none"},
		{"PIP_INDEX_URL", "Package index, where the spec names none"},
		{"PIP_EXTRA_INDEX_URL", "Further package indexes, where the spec names none"},
		{"PIP_FIND_LINKS", "URLs of distributions, where the spec names none"},
		{"PIP_TRUSTED_HOST", "Hosts taken without valid HTTPS, where the spec names none"},
		{"PIP_NO_INDEX", "1 to use no package index"},
	}
}

// A Secret is a build secret that is known without a spec naming it, or that a spec names.
type Secret struct {
	ID       string
	Required bool // whether there is no build without it
}

// Secrets returns the secrets that the final image of a spec is built with if the client gives
// them.
func Secrets(s *spec.Spec) []Secret {
	if !installsWithPip(s) {
		return nil
	}
	var secrets []Secret
	required := map[string]bool{}
	for _, named := range pipSecrets(s.Pip) {
		secrets = append(secrets, Secret{ID: named.id, Required: true})
		required[named.id] = true
	}
	known := []string{"known_hosts", "netrc", "pip-cert"}
	if s.Pip.ClientCertSecret == "" {
		known = append(known, "pip-client-cert")
	}
	for _, id := range known {
		if !required[id] {
			secrets = append(secrets, Secret{ID: id})
		}
	}
	return secrets
}

// SSH returns the ids of the agents that the final image of a spec is built with if the client
// gives them.
func SSH(s *spec.Spec) []string {
	if !installsWithPip(s) {
		return nil
	}
	return []string{"default"}
}

// installsWithPip tells whether the spec has pip install anything.
func installsWithPip(s *spec.Spec) bool {
	return len(s.Pip.Requirements) > 0 || len(s.Pip.Packages) > 0 || s.Pip.Project != ""
}
