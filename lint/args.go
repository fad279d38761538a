package lint

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/moby/buildkit/util/suggest"
)

// Names that are, or begin or end with, a word for something secret, and words that tell it is
// something else. They are those of BuildKit's rule of the same name.
var (
	secretName    = regexp.MustCompile(`(?i)(?:_|^)(?:apikey|auth|credentials?|key|password|passwd|pword|secret|token)(?:_|$)`)
	notSecretName = regexp.MustCompile(`(?i)(?:_|^)(?:public|file|version)(?:_|$)`)
)

func secretsUsedInArgOrEnv(in Input) []finding {
	var found []finding
	check := func(section, name string) {
		if secretName.MatchString(name) && !notSecretName.MatchString(name) {
			found = append(found, finding{section + "." + name,
				fmt.Sprintf("Do not use args or env for sensitive data (%s %q)", section, name)})
		}
	}
	for _, arg := range in.Spec.Args {
		check("args", arg.Name)
	}
	for _, kv := range in.Spec.Env {
		check("env", kv.Key)
	}
	return found
}

func unconsumedBuildArg(in Input) []finding {
	if len(in.Unconsumed) == 0 {
		return nil
	}
	path := ""
	var declared []string
	for _, arg := range in.Spec.Args {
		path, declared = "args", append(declared, arg.Name)
	}
	hint := ""
	for _, name := range in.Unconsumed {
		if meant, ok := suggest.Search(name, declared, true); ok {
			hint += " (did you mean " + meant + "?)"
		}
	}
	return []finding{{path, fmt.Sprintf("One or more build-args [%s] were not consumed%s", strings.Join(in.Unconsumed, " "), hint)}}
}

func unusedArg(in Input) []finding {
	var found []finding
	for _, arg := range in.Spec.Args {
		if !arg.Used {
			found = append(found, finding{"args." + arg.Name, fmt.Sprintf("Argument %q is used by no value", arg.Name)})
		}
	}
	return found
}
