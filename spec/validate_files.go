package spec

import (
	"path"
	"regexp"
	"strings"
)

// validateFiles checks workdir too, because relative targets start there.
func (s *Spec) validateFiles() error {
	if s.has("workdir") {
		if err := s.absolutePath("workdir", &s.Workdir); err != nil {
			return err
		}
	}
	for i := range s.Files {
		if err := s.validateFile(Index("files", i), &s.Files[i]); err != nil {
			return err
		}
	}
	return nil
}

var (
	owner    = regexp.MustCompile(`^[^\s:]+(:[^\s:]+)?$`)
	fileMode = regexp.MustCompile(`^0?[0-7]{3,4}$`)
)

func (s *Spec) validateFile(at string, f *File) error {
	if len(f.From) == 0 {
		return s.errorf(at+".from", "the list is empty; name at least one file")
	}
	for i := range f.From {
		if err := s.contextPath(Index(at+".from", i), &f.From[i]); err != nil {
			return err
		}
	}
	if err := s.checkTarget(at+".to", f); err != nil {
		return err
	}
	if s.has(at + ".chown") {
		if err := s.checkOwner(at+".chown", f.Chown, "an owner"); err != nil {
			return err
		}
	}
	if s.has(at + ".chmod") {
		if err := s.checkMode(at+".chmod", &f.Chmod); err != nil {
			return err
		}
	}
	if s.has(at + ".context") {
		return s.checkWord(at+".context", f.Context)
	}
	return nil
}

func (s *Spec) checkTarget(at string, f *File) error {
	if err := s.checkLine(at, f.To); err != nil {
		return err
	}
	// Relative paths start at the workdir, which is the root unless given.
	start := "/"
	if !strings.HasPrefix(f.To, "/") && s.Workdir != "" {
		start = s.Workdir
	}
	if leavesRoot(start + "/" + f.To) {
		return s.errorf(at, "%s leaves the image; remove the .. that goes above the root", quote(f.To))
	}
	if len(f.From) > 1 && !strings.HasSuffix(f.To, "/") {
		return s.errorf(at, "%s has to be a directory because from names several files; write %s", quote(f.To), quote(f.To+"/"))
	}
	return nil
}

// contextPath checks a path of a build context and makes it clean and relative
// to the context's root. As with COPY a leading slash stands for that root.
func (s *Spec) contextPath(at string, p *string) error {
	if err := s.checkLine(at, *p); err != nil {
		return err
	}
	if leavesRoot(*p) {
		return s.errorf(at, "%s leaves the build context; copy the file into it, or use a named context", quote(*p))
	}
	*p = strings.TrimPrefix(path.Clean("/"+*p), "/")
	if *p == "" {
		*p = "."
	}
	return nil
}

// contextFile is contextPath for what cannot be a directory.
func (s *Spec) contextFile(at string, p *string) error {
	written := *p
	if err := s.contextPath(at, p); err != nil {
		return err
	}
	if *p == "." || strings.HasSuffix(written, "/") {
		return s.errorf(at, "%s is a directory: expected a file", quote(written))
	}
	return nil
}

// absolutePath checks a path of the image and makes it clean.
func (s *Spec) absolutePath(at string, p *string) error {
	if err := s.checkLine(at, *p); err != nil {
		return err
	}
	if !strings.HasPrefix(*p, "/") {
		return s.errorf(at, "%s is not an absolute path; write %s", quote(*p), quote(path.Clean("/"+*p)))
	}
	if leavesRoot(*p) {
		return s.errorf(at, "%s leaves the image; remove the .. that goes above the root", quote(*p))
	}
	*p = path.Clean(*p)
	return nil
}

// leavesRoot tells whether a path that starts at a root goes above it.
func leavesRoot(p string) bool {
	depth := 0
	for name := range strings.SplitSeq(p, "/") {
		switch name {
		case "", ".":
		case "..":
			depth--
		default:
			depth++
		}
		if depth < 0 {
			return true
		}
	}
	return false
}
