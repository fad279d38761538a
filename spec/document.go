package spec

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"go.yaml.in/yaml/v3"
)

const wantMapping = `expected a YAML mapping such as python: "3.13" and alpine: "3.20", or a Dockerfile, which begins with FROM or ARG`

// document returns the root mapping of the only YAML document.
func (s *source) document() (*yaml.Node, error) {
	dec := yaml.NewDecoder(bytes.NewReader(s.data))
	var doc yaml.Node
	err := dec.Decode(&doc)
	if errors.Is(err, io.EOF) {
		return nil, s.errorf(point(1, 1), "the spec is empty; %s", wantMapping)
	}
	if err != nil {
		return nil, s.syntaxError(err)
	}
	var second yaml.Node
	switch err := dec.Decode(&second); {
	case err == nil:
		return nil, s.errorf(s.nodeRange(&second),
			"a second YAML document starts here; a spec is one document, remove the --- line")
	case !errors.Is(err, io.EOF):
		return nil, s.syntaxError(err)
	}
	root := doc.Content[0]
	if isNull(root) {
		return nil, s.errorf(s.nodeRange(root), "the spec is empty; %s", wantMapping)
	}
	if root.Kind != yaml.MappingNode {
		return nil, s.errorf(s.nodeRange(root), "%s, found %s", wantMapping, describe(root))
	}
	return root, nil
}

// parserProblems begin the messages of the library's parser, which count lines
// from 0; those of its scanner count them from 1.
var parserProblems = []string{
	"did not find expected <",
	"did not find expected ','",
	"did not find expected '-'",
	"did not find expected key",
	"did not find expected node content",
	"found undefined tag handle",
	"found duplicate %",
	"found incompatible YAML document",
}

// hints say what to do about the mistakes that people make most.
var hints = []struct{ problem, hint string }{
	{"found character that cannot start any token", "; indent with spaces, not tabs, and quote text that begins with @, ` or %"},
	{"mapping values are not allowed", "; quote text that contains a colon, and indent keys of one mapping alike"},
	{"could not find expected ':'", `; write a key as "key: value"`},
	{"did not find expected key", "; indent keys of one mapping alike"},
	{"did not find expected ',' or", "; close the bracket, and separate what is inside with commas"},
	{"did not find expected alphabetic or numeric character", "; quote text that begins with * or &"},
	{"found unexpected end of stream", "; close the quote"},
}

const anchorHint = "; define it with & further up, and quote text that begins with *"

var yamlMessage = regexp.MustCompile(`(?s)^(?:yaml: )?(?:line (\d+): )?(.*)$`)

// syntaxError locates an error of the YAML library, which has at most a line.
func (s *source) syntaxError(err error) error {
	line, problem := splitYAMLError(err)
	// For a broken block the library gives the line where the block starts,
	// unless that is the first line of all, when it gives the line of the
	// problem. So cut what precedes the document and ask again.
	if skip := s.leadingLines(); skip > 0 {
		var doc yaml.Node
		rest := bytes.SplitN(s.data, []byte("\n"), skip+1)[skip]
		if again := yaml.Unmarshal(rest, &doc); again != nil {
			if l, p := splitYAMLError(again); p == problem {
				line = l + skip
			}
		}
	}
	if name, ok := strings.CutPrefix(problem, "unknown anchor '"); ok {
		name, _, _ = strings.Cut(name, "'")
		return s.errorf(s.find("*"+name), "invalid YAML: %s%s", problem, anchorHint)
	}
	for _, h := range hints {
		if strings.HasPrefix(problem, h.problem) {
			problem += h.hint
			break
		}
	}
	start := s.startOfText(min(line, len(s.lines)))
	end := s.endOfLine(start.Line)
	return s.errorf(parser.Range{Start: start, End: end}, "invalid YAML: %s", problem)
}

// splitYAMLError returns the line of an error, counted from 1, and its text.
func splitYAMLError(err error) (line int, problem string) {
	m := yamlMessage.FindStringSubmatch(err.Error())
	line, _ = strconv.Atoi(m[1])
	problem = m[2]
	if slices.ContainsFunc(parserProblems, func(p string) bool { return strings.HasPrefix(problem, p) }) {
		line++
	}
	return max(line, 1), problem
}

// leadingLines counts the blank lines and comments that open the file.
func (s *source) leadingLines() int {
	n := slices.IndexFunc(s.lines, func(line []rune) bool {
		i := indent(line)
		return i < len(line) && line[i] != '#'
	})
	return max(n, 0)
}

// find returns the range of the first occurrence of text.
func (s *source) find(text string) parser.Range {
	for i, line := range s.lines {
		if before, _, ok := strings.Cut(string(line), text); ok {
			column := utf8.RuneCountInString(before) + 1
			r := point(i+1, column)
			r.End.Character += utf8.RuneCountInString(text)
			return r
		}
	}
	return point(1, 1)
}
