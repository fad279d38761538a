package llb

import "strings"

// Overrides say from outside of the spec, by build arguments, where packages come from. They
// are for someone who builds behind a mirror, and hold where the spec says nothing.
type Overrides struct {
	Repositories   []string // APK_REPOSITORIES
	IndexURL       string   // PIP_INDEX_URL
	ExtraIndexURLs []string // PIP_EXTRA_INDEX_URL
	FindLinks      []string // PIP_FIND_LINKS
	TrustedHosts   []string // PIP_TRUSTED_HOST
	NoIndex        bool     // PIP_NO_INDEX
}

// OverridesFrom reads the build arguments. Those for pip have the names and the form of
// pip's own environment variables: lists are separated by white space.
func OverridesFrom(args map[string]string) Overrides {
	return Overrides{
		Repositories:   strings.Fields(args["APK_REPOSITORIES"]),
		IndexURL:       args["PIP_INDEX_URL"],
		ExtraIndexURLs: strings.Fields(args["PIP_EXTRA_INDEX_URL"]),
		FindLinks:      strings.Fields(args["PIP_FIND_LINKS"]),
		TrustedHosts:   strings.Fields(args["PIP_TRUSTED_HOST"]),
		NoIndex:        isTrue(args["PIP_NO_INDEX"]),
	}
}

// isTrue reads a boolean as pip does.
func isTrue(value string) bool {
	switch strings.ToLower(value) {
	case "y", "yes", "t", "true", "on", "1":
		return true
	}
	return false
}
