package lint

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/autumnjolitz/distroless-frontend/spec"
)

// rootUser leaves out images that run nothing of their own: those are for others to start from.
func rootUser(in Input) []finding {
	s := in.Spec
	at := ""
	switch {
	case s.User != "":
		at = "user"
	case hasWords(s.Entrypoint):
		at = "entrypoint"
	case hasWords(s.Cmd):
		at = "cmd"
	}
	user, _, _ := strings.Cut(s.User, ":")
	if at == "" || user != "" && user != "root" && strings.Trim(user, "0") != "" {
		return nil
	}
	return []finding{{at, "The container runs as root: add user: nonroot, or another user"}}
}

func hasWords(c *spec.Command) bool { return c != nil && len(c.Args) > 0 }

func shellForm(in Input) []finding {
	var found []finding
	check := func(path string, c *spec.Command) {
		if hasWords(c) && c.Shell && !startsWithExec.MatchString(c.Args[0]) {
			found = append(found, finding{path, fmt.Sprintf("JSON arguments recommended for %s: the shell that runs the string gets the signals", path)})
		}
	}
	check("entrypoint", in.Spec.Entrypoint)
	check("cmd", in.Spec.Cmd)
	return found
}

// startsWithExec finds an exec that the script begins with, or that ends it.
var startsWithExec = regexp.MustCompile(`(?m)(?:^|[;&]|&&)\s*exec\s`)

// ociLabels are the names that the OCI image specification gives to older labels.
// https://specs.opencontainers.org/image-spec/annotations/#back-compatibility-with-label-schema
var ociLabels = map[string]string{
	"maintainer":                      "org.opencontainers.image.authors",
	"org.label-schema.build-date":     "org.opencontainers.image.created",
	"org.label-schema.name":           "org.opencontainers.image.title",
	"org.label-schema.description":    "org.opencontainers.image.description",
	"org.label-schema.usage":          "org.opencontainers.image.documentation",
	"org.label-schema.url":            "org.opencontainers.image.url",
	"org.label-schema.vcs-url":        "org.opencontainers.image.source",
	"org.label-schema.vcs-ref":        "org.opencontainers.image.revision",
	"org.label-schema.vendor":         "org.opencontainers.image.vendor",
	"org.label-schema.version":        "org.opencontainers.image.version",
	"org.label-schema.schema-version": "",
}

func deprecatedLabel(in Input) []finding {
	var found []finding
	for _, kv := range in.Spec.Labels {
		now, old := ociLabels[kv.Key]
		switch {
		case old && now == "":
			found = append(found, finding{"labels." + kv.Key, fmt.Sprintf("Label %s is deprecated: remove it", kv.Key)})
		case old:
			found = append(found, finding{"labels." + kv.Key, fmt.Sprintf("Label %s is deprecated: use %s", kv.Key, now)})
		}
	}
	return found
}
