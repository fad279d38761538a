package lint

import (
	"fmt"
	"path"
	"regexp"
	"strings"

	"github.com/autumnjolitz/distroless-frontend/spec"
)

func copyIgnoredFile(in Input) []finding {
	if in.Ignored == nil {
		return nil
	}
	var found []finding
	check := func(at, path string) {
		if path != "." && !strings.Contains(path, "://") && in.Ignored(path) {
			found = append(found, finding{at, fmt.Sprintf("Attempting to copy file %q that is excluded by .dockerignore", path)})
		}
	}
	checkList := func(list string, paths []string) {
		for i, path := range paths {
			check(spec.Index(list, i), path)
		}
	}
	checkList("apk.keys", in.Spec.APK.Keys)
	checkList("pip.requirements", in.Spec.Pip.Requirements)
	checkList("pip.constraints", in.Spec.Pip.Constraints)
	if in.Spec.Pip.Project != "" {
		check("pip.project", in.Spec.Pip.Project)
	}
	checkList("pip.find-links", in.Spec.Pip.FindLinks)
	if in.Spec.Pip.Cert != "" {
		check("pip.cert", in.Spec.Pip.Cert)
	}
	for i, file := range in.Spec.Files {
		if file.Context == "" {
			checkList(spec.Index("files", i)+".from", file.From)
		}
	}
	return found
}

// script is a word of a command that can only be the path of a file of the author's.
var script = regexp.MustCompile(`^[A-Za-z0-9_./][A-Za-z0-9_./-]*\.(?:py|sh)$`)

// notOurs are the folders that packages install into.
var notOurs = regexp.MustCompile(`^/(?:bin|dev|etc|lib|mnt|proc|run|sbin|sys|tmp|usr|var)/`)

func fileNotCopied(in Input) []finding {
	s := in.Spec
	var found []finding
	eachScript(s, func(at, name string) {
		if !notOurs.MatchString(name) && !isMounted(s, name) && !isCopied(s, name) {
			found = append(found, finding{at, fmt.Sprintf("No item of files puts %s into the image", name)})
		}
	})
	return found
}

func sourceDropped(in Input) []finding {
	s := in.Spec
	if s.Bytecode.Sources != spec.SourcesDrop {
		return nil
	}
	var found []finding
	eachScript(s, func(at, name string) {
		if path.Ext(name) == ".py" && isCopied(s, name) && !isMounted(s, name) {
			found = append(found, finding{at, fmt.Sprintf("bytecode.sources leaves %sc in the place of %s: name that, or the module by -m", name, name)})
		}
	})
	return found
}

// eachScript calls see for each script that a command names by its path.
func eachScript(s *spec.Spec, see func(at, name string)) {
	check := func(at string, c *spec.Command) {
		if c == nil || c.Shell {
			return
		}
		for i, word := range c.Args {
			onPath := i == 0 && at != "cmd" && !strings.Contains(word, "/") // cmd goes on from the entrypoint
			if script.MatchString(word) && !onPath {
				see(spec.Index(at, i), resolvePath(s, word))
			}
		}
	}
	check("entrypoint", s.Entrypoint)
	check("cmd", s.Cmd)
	if s.Healthcheck != nil {
		check("healthcheck.cmd", s.Healthcheck.Cmd)
		check("healthcheck.exec", &spec.Command{Args: s.Healthcheck.Exec})
	}
	for i, t := range s.Tests {
		if t.Workdir == "" { // else its paths are not those of the image's commands
			check(spec.Index("tests", i)+".run", t.Run)
		}
	}
}

// resolvePath makes a path of the image absolute.
func resolvePath(s *spec.Spec, name string) string {
	if path.IsAbs(name) {
		return path.Clean(name)
	}
	return path.Join("/", s.Workdir, name)
}

// isMounted tells whether something may be put at a path when the container starts.
func isMounted(s *spec.Spec, name string) bool {
	for _, volume := range s.Volumes {
		if isBelow(name, volume) {
			return true
		}
	}
	return false
}

// isCopied tells whether some item of files may put something at a path. What is in a folder
// of the context is not known here.
func isCopied(s *spec.Spec, name string) bool {
	for _, file := range s.Files {
		to := resolvePath(s, file.To)
		for _, from := range file.From {
			folder := path.Ext(from) == "" || strings.ContainsAny(from, "*?[")
			switch {
			case name == to, folder && isBelow(name, to):
				return true
			case name == path.Join(to, path.Base(from)):
				return true
			}
		}
	}
	return false
}

func isBelow(name, folder string) bool {
	return name == folder || strings.HasPrefix(name, strings.TrimSuffix(folder, "/")+"/")
}
