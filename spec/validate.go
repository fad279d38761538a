package spec

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode"

	"github.com/distribution/reference"
)

// validate checks what types cannot say, and normalises paths and ports.
func (s *Spec) validate() error {
	for _, section := range []func() error{
		s.validateBase,
		s.validateAPK,
		s.validateStdlib,
		s.validatePip,
		s.validateBytecode,
		s.validateLibraries,
		s.validateTrim,
		s.validateFiles,
		s.validateUsers,
		s.validateWritable,
		s.validateConfig,
		s.validateCommands,
		s.validateHealthcheck,
		s.validateTests,
	} {
		if err := section(); err != nil {
			return err
		}
	}
	return nil
}

// has tells whether the file has a value at a path.
func (s *Spec) has(path string) bool {
	_, ok := s.locations[path]
	return ok
}

func (s *Spec) validateBase() error {
	if s.has("base") {
		for _, key := range []string{"python", "alpine"} {
			if s.has(key) {
				return s.errorf("base", "base stands instead of python and alpine; remove base or %s", key)
			}
		}
		if _, err := reference.ParseNormalizedNamed(s.Base); err != nil {
			return s.errorf("base", "%s is not an image reference: %v; expected for example docker.io/library/python:3.13-alpine3.20",
				quote(s.Base), err)
		}
		return nil
	}
	switch {
	case !s.has("python") && !s.has("alpine"):
		return s.errorf("", `the base image is missing; add for example python: "3.13" and alpine: "3.20", or base: with an image reference`)
	case !s.has("alpine"):
		return s.errorf("python", `alpine is missing; python needs it, add for example alpine: "3.20"`)
	case !s.has("python"):
		return s.errorf("alpine", `python is missing; alpine needs it, add for example python: "3.13"`)
	}
	if err := s.checkVersion("python", s.Python, "X.Y or X.Y.Z such as 3.13 or 3.13.1", pythonVersion, 10); err != nil {
		return err
	}
	return s.checkVersion("alpine", s.Alpine, "X.Y such as 3.20", alpineVersion, 4)
}

var (
	pythonVersion = regexp.MustCompile(`^(\d{1,3})\.(0|[1-9]\d{0,2})(\.(0|[1-9]\d{0,2}))?$`)
	alpineVersion = regexp.MustCompile(`^(\d{1,3})\.(0|[1-9]\d{0,2})$`)
)

// checkVersion checks a version and that its release, 3.minor, is one that can
// have images. What is older than oldest mostly is a 3.10 or 3.20 from which a
// tool that took it for a number has dropped the zero.
func (s *Spec) checkVersion(path, version, want string, form *regexp.Regexp, oldest int) error {
	m := form.FindStringSubmatch(version)
	if m == nil {
		return s.errorf(path, "%s is not a version: expected %s", quote(version), want)
	}
	minor, err := strconv.Atoi(m[2])
	if err != nil || m[1] != "3" || minor < oldest {
		hint := ""
		if m[1] == "3" && minor > 0 && m[0] == "3."+m[2] {
			hint = fmt.Sprintf(`; if 3.%d0 is meant, write it in quotes`, minor)
		}
		return s.errorf(path, "there is no base image for version %s: expected %s, from 3.%d on%s",
			quote(version), want, oldest, hint)
	}
	return nil
}

func (s *Spec) validateStdlib() error {
	if err := each("stdlib.include", s.Stdlib.Include, s.checkModule); err != nil {
		return err
	}
	return each("stdlib.exclude", s.Stdlib.Exclude, s.checkModule)
}

func (s *Spec) checkModule(path, name string) error {
	if !moduleName.MatchString(name) {
		return s.errorf(path, "%s is not the name of a module: expected names joined by dots, such as xml.sax", quote(name))
	}
	return nil
}

var moduleName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*(\.[A-Za-z_][A-Za-z0-9_]*)*$`)

// checkLine checks a string that has to be one line and not empty.
func (s *Spec) checkLine(path, text string) error {
	if text == "" {
		return s.errorf(path, "the string is empty; write a value, or remove it")
	}
	if i := strings.IndexFunc(text, unicode.IsControl); i >= 0 {
		return s.errorf(path, "line ends and tabs are not allowed here; write the value on one line")
	}
	return nil
}

// checkWord checks a string that has to be without blanks as well.
func (s *Spec) checkWord(path, text string) error {
	if err := s.checkLine(path, text); err != nil {
		return err
	}
	if strings.ContainsFunc(text, unicode.IsSpace) {
		return s.errorf(path, "%s contains blanks; remove them", quote(text))
	}
	return nil
}

// Index returns the path of an item of a list, counted from 0: files[0] is that of the first file.
func Index(path string, i int) string {
	return fmt.Sprintf("%s[%d]", path, i)
}

// each calls check for every item of a list, with the item's path.
func each(path string, items []string, check func(path, item string) error) error {
	for i, item := range items {
		if err := check(Index(path, i), item); err != nil {
			return err
		}
	}
	return nil
}
