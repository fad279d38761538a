package llb

import (
	"strings"

	"github.com/pkg/errors"

	"github.com/autumnjolitz/distroless-frontend/spec"
)

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
// pip's own environment variables: lists are separated by white space. As in a spec, no URL
// may contain credentials: they would be in the record of the build.
func OverridesFrom(args map[string]string) (Overrides, error) {
	for _, name := range []string{"APK_REPOSITORIES", "PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_FIND_LINKS"} {
		for _, url := range strings.Fields(args[name]) {
			if spec.HasCredentials(url) {
				return Overrides{}, errors.Errorf("build argument %s: %s", name, spec.CredentialsHelp)
			}
		}
	}
	links, err := cleanLinks(strings.Fields(args["PIP_FIND_LINKS"]))
	if err != nil {
		return Overrides{}, errors.Wrap(err, "build argument PIP_FIND_LINKS")
	}
	return Overrides{
		Repositories:   strings.Fields(args["APK_REPOSITORIES"]),
		IndexURL:       args["PIP_INDEX_URL"],
		ExtraIndexURLs: strings.Fields(args["PIP_EXTRA_INDEX_URL"]),
		FindLinks:      links,
		TrustedHosts:   strings.Fields(args["PIP_TRUSTED_HOST"]),
		NoIndex:        isTrue(args["PIP_NO_INDEX"]),
	}, nil
}

// cleanLinks checks them as those of a spec are.
func cleanLinks(links []string) ([]string, error) {
	for i, link := range links {
		scheme, _, ok := strings.Cut(link, "://")
		switch scheme = strings.ToLower(scheme); {
		case scheme == "context" && ok:
			clean, err := spec.CleanLink(link)
			if err != nil {
				return nil, err
			}
			links[i] = clean
		case scheme != "http" && scheme != "https" || !ok:
			return nil, errors.Errorf("%q is not a URL of http or https: name a folder of the context under pip.find-links in the spec, or give it as a context of its own and write context://NAME", link)
		}
	}
	return links, nil
}

// isTrue reads a boolean as pip does.
func isTrue(value string) bool {
	switch strings.ToLower(value) {
	case "y", "yes", "t", "true", "on", "1":
		return true
	}
	return false
}
