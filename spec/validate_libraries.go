package spec

import "regexp"

// libraryName is a name that a program can need a shared library by, without the path that it
// may be found at.
var libraryName = regexp.MustCompile(`^[A-Za-z0-9_][A-Za-z0-9_.+-]*$`)

func (s *Spec) validateLibraries() error {
	return each("libraries.ignore", s.Libraries.Ignore, func(path, name string) error {
		if !libraryName.MatchString(name) {
			return s.errorf(path, "%s is not the name of a shared library: expected the name that the error says, such as libtcl8.6.so", quote(name))
		}
		return nil
	})
}
