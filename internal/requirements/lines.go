package requirements

import (
	"fmt"
	"path"
	"regexp"
	"strings"

	"github.com/autumnjolitz/distroless-frontend/spec"
)

// A file is a requirements or constraints file.
type file struct {
	name string
	data []byte
}

// A line is one as pip sees it: joined with those it continues on, without a comment.
type line struct {
	number int // of its first line in the file
	text   string
}

var comment = regexp.MustCompile(`(^|\s+)#.*$`)

// lines returns the lines that say something.
func (f *file) lines() []line {
	var lines []line
	var joined strings.Builder
	first := 0
	add := func() {
		if text := strings.TrimSpace(comment.ReplaceAllString(joined.String(), "")); text != "" {
			lines = append(lines, line{first, text})
		}
		joined.Reset()
		first = 0
	}
	number := 0
	for text := range strings.SplitSeq(strings.TrimPrefix(string(f.data), "\ufeff"), "\n") {
		number++
		if first == 0 {
			first = number
		}
		text = strings.TrimSuffix(text, "\r")
		part, continues := strings.CutSuffix(text, `\`)
		// A comment does not continue, and ends what does.
		if strings.HasPrefix(strings.TrimSpace(text), "#") {
			part, continues = " "+text, false
		}
		joined.WriteString(part)
		if !continues {
			add()
		}
	}
	add()
	return lines
}

func (f *file) errorf(l line, format string, args ...any) error {
	return &Error{File: f.name, Data: f.data, Line: l.number, Message: fmt.Sprintf(format, args...)}
}

// A reference is what a line names of the build context.
type reference struct {
	path   string // empty for none
	follow bool   // it is a file with lines of its own
}

// option is how a line begins that is one: -r FILE, -rFILE, --requirement FILE or =FILE.
var option = regexp.MustCompile(`^(--[a-z-]+|-[a-zA-Z])(?:\s*=\s*|\s+|$)?(.*)$`)

// another is how a further option of a line begins that names a file.
var another = regexp.MustCompile(`\s(-[rcfe]|--(requirement|constraint|find-links|editable))([\s=]|$)`)

// forBuild is an option for the build of what a line asks for, which pip also takes in a shorter form.
// pip that downloads has no use for it, and pip that builds does not see the line.
var forBuild = regexp.MustCompile(`(?:^|\s)(-C|--(?:conf|g|ins)[a-z-]*)`)

// distribution is how the name of a file ends that pip can install.
var distribution = regexp.MustCompile(`(?i)\.(whl|zip|tar\.gz|tgz|tar\.bz2|tar\.xz|tar)$`)

// reference returns what a line names of the context, or why it cannot be.
func (f *file) reference(l line) (reference, error) {
	if spec.HasCredentials(l.text) {
		return reference{}, f.errorf(l, "%s", spec.CredentialsHelp)
	}
	if match := forBuild.FindStringSubmatch(l.text); match != nil {
		return reference{}, f.errorf(l, "%s is for a build, which does not see the requirements files: build a wheel with it, and name that", match[1])
	}
	if !strings.HasPrefix(l.text, "-") {
		return f.requirement(l)
	}
	match := option.FindStringSubmatch(l.text)
	if match == nil {
		return reference{}, nil // pip says what is wrong with it
	}
	value := match[2]
	if another.MatchString(value) {
		return reference{}, f.errorf(l, "an option that names a file follows another in this line: write a line for each")
	}
	if words := strings.Fields(value); len(words) > 1 && !strings.ContainsAny(value, `"'`) {
		value = words[0]
	}
	value = strings.Trim(value, `"'`)
	switch match[1] {
	case "-r", "--requirement", "-c", "--constraint":
		return f.inContext(l, path.Dir(f.name), value, true)
	case "-f", "--find-links":
		return f.inContext(l, path.Dir(f.name), value, false)
	case "-e", "--editable":
		return reference{}, f.errorf(l, "an editable requirement leads to a folder that an image has not got: "+
			"name a version, or build a wheel of the folder and name that")
	}
	return reference{}, nil
}

// requirement returns the file that a requirement is, if it is one.
func (f *file) requirement(l line) (reference, error) {
	words := strings.Fields(l.text)
	first, _, _ := strings.Cut(words[0], ";")
	name, _, _ := strings.Cut(first, "[") // which extras follow
	if _, url, found := strings.Cut(l.text, "@"); found && isFileURL(strings.TrimSpace(url)) || isFileURL(first) {
		return reference{}, f.errorf(l, "a file URL leads out of the build context: write the path of the file as it is in the context, such as ./wheels/name-1.0-py3-none-any.whl")
	}
	switch {
	case strings.Contains(first, "://"):
		return reference{}, nil
	case distribution.MatchString(name):
		return f.inContext(l, ".", name, false) // pip starts where it runs, not at the file
	case name == ".", name == "..", strings.Contains(name, "/"):
		return reference{}, f.errorf(l, "%s is a folder: build a wheel of it, and name that, or its folder under pip.find-links", name)
	}
	return reference{}, nil
}

// isFileURL tells it by its scheme, which may be written in capitals.
func isFileURL(text string) bool { return strings.HasPrefix(strings.ToLower(text), "file:") }

// inContext makes a path that starts at a folder of the context one that starts at its root.
func (f *file) inContext(l line, dir, name string, follow bool) (reference, error) {
	switch {
	case isFileURL(name):
		return reference{}, f.errorf(l, "a file URL leads out of the build context: write the path of the file as it is in the context")
	case strings.Contains(name, "://"):
		return reference{}, nil
	case name == "":
		return reference{}, f.errorf(l, "the name of a file is missing")
	}
	joined := path.Join(dir, name)
	if path.IsAbs(name) || joined == ".." || strings.HasPrefix(joined, "../") {
		return reference{}, f.errorf(l, "%s leaves the build context: copy the file into it", name)
	}
	return reference{path: joined, follow: follow}, nil
}
