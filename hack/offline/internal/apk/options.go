package apk

import (
	"fmt"
	"strings"
)

// options are the options of all verbs: apk lets them stand anywhere.
type options struct {
	root             string
	repositoriesFile string
	repositories     []string
	keysDir          string
	cacheDir         string
	arch             string
	virtual          string

	flags map[string]bool
	verb  string
	args  []string
}

// flag says whether a flag was given, by its long name.
func (o *options) flag(name string) bool { return o.flags[name] }

// short are the one-letter names. Those of info come on top.
var short = map[string]string{
	"p": "root", "X": "repository", "t": "virtual",
	"U": "update-cache", "q": "quiet", "v": "verbose", "f": "force", "i": "interactive",
	"u": "upgrade", "l": "latest", "s": "simulate", "a": "available", "V": "version", "h": "help", "r": "rdepends",
}

var shortOfInfo = map[string]string{
	"e": "installed", "L": "contents", "R": "depends", "P": "provides", "W": "who-owns",
	"a": "all", "d": "description", "w": "webpage", "s": "size", "t": "triggers", "r": "rdepends",
}

// withValue are the options that take a value.
var withValue = []string{
	"root", "repository", "repositories-file", "keys-dir", "cache-dir", "cache-max-age",
	"arch", "wait", "timeout", "progress-fd", "virtual",
}

var withoutValue = []string{
	"update-cache", "quiet", "verbose", "force", "interactive", "upgrade", "latest", "simulate", "available",
	"version", "help", "allow-untrusted", "force-binary-stdout", "force-broken-world", "force-missing-repositories",
	"force-non-repository", "force-old-apk", "force-overwrite", "force-refresh", "initdb", "no-cache", "no-chown",
	"no-interactive", "no-network", "no-progress", "no-scripts", "no-commit-hooks", "print-arch", "progress", "purge",
	"rdepends", "installed", "contents", "depends", "provides", "who-owns", "all", "description", "webpage", "size",
	"triggers", "ignore", "prune", "clean-protected", "overlay-from-stdin", "reinstall", "xattr", "directory-permissions",
	"system",
}

var verbs = []string{"add", "del", "fix", "update", "upgrade", "info", "policy", "version", "stats", "verify", "cache", "audit"}

// parse reads a command line as getopt_long does with apk's options.
func parse(args []string) (*options, error) {
	o := &options{root: "/", repositoriesFile: "", flags: map[string]bool{}}
	for i := 0; i < len(args); i++ {
		arg := args[i]
		if arg == "--" {
			o.operands(args[i+1:]...)
			break
		}
		if len(arg) < 2 || arg[0] != '-' {
			o.operands(arg)
			continue
		}
		used, err := o.option(arg, args[i+1:])
		if err != nil {
			return nil, err
		}
		i += used
	}
	return o, nil
}

func (o *options) operands(args ...string) {
	for _, arg := range args {
		if o.verb == "" {
			o.verb = arg
		} else {
			o.args = append(o.args, arg)
		}
	}
}

// option takes one argument with options in it, and says how many of the next
// ones it took for its value.
func (o *options) option(arg string, next []string) (int, error) {
	if name, ok := strings.CutPrefix(arg, "--"); ok {
		name, value, given := strings.Cut(name, "=")
		return o.long(name, value, given, next)
	}
	for i, letter := range strings.Split(arg[1:], "") {
		name := short[letter]
		if o.verb == "info" && shortOfInfo[letter] != "" {
			name = shortOfInfo[letter]
		}
		if name == "" {
			return 0, fmt.Errorf("unrecognized option: %s", letter)
		}
		if contains(withValue, name) {
			rest := arg[2+i:]
			return o.long(name, rest, rest != "", next)
		}
		o.flags[name] = true
	}
	return 0, nil
}

func (o *options) long(name, value string, given bool, next []string) (int, error) {
	full, err := complete(name)
	if err != nil {
		return 0, err
	}
	if !contains(withValue, full) {
		o.flags[full] = true
		return 0, nil
	}
	used := 0
	if !given {
		if len(next) == 0 {
			return 0, fmt.Errorf("option requires an argument: %s", full)
		}
		value, used = next[0], 1
	}
	o.set(full, value)
	return used, nil
}

func (o *options) set(name, value string) {
	switch name {
	case "root":
		o.root = value
	case "repository":
		o.repositories = append(o.repositories, value)
	case "repositories-file":
		o.repositoriesFile = value
	case "keys-dir":
		o.keysDir = value
	case "cache-dir":
		o.cacheDir = value
	case "arch":
		o.arch = value
	case "virtual":
		o.virtual = value
	}
}

// complete finds the option that a name, or the beginning of one, stands for.
func complete(name string) (string, error) {
	var found []string
	for _, list := range [][]string{withValue, withoutValue} {
		for _, option := range list {
			if option == name {
				return option, nil
			}
			if strings.HasPrefix(option, name) {
				found = append(found, option)
			}
		}
	}
	switch len(found) {
	case 0:
		return "", fmt.Errorf("unrecognized option: %s", name)
	case 1:
		return found[0], nil
	}
	return "", fmt.Errorf("option is ambiguous: %s", name)
}

func contains(list []string, item string) bool {
	for _, candidate := range list {
		if candidate == item {
			return true
		}
	}
	return false
}
