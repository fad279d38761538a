package spec

import (
	"bytes"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/moby/buildkit/frontend/dockerfile/parser"
)

const byteOrderMark = "\ufeff"

// source is the text of a spec, known to consist of characters that YAML
// accepts and of lines that YAML and BuildKit count alike.
type source struct {
	filename string
	data     []byte   // without the byte order mark
	lines    [][]rune // without line ends; runes, because columns count them
}

func newSource(filename string, data []byte) (*source, error) {
	src := &source{filename: filename}
	if len(data) > MaxSize {
		return nil, src.errorf(point(1, 1),
			"the spec has %d bytes, more than the %d that are allowed; is this the right file?", len(data), MaxSize)
	}
	src.data = bytes.TrimPrefix(data, []byte(byteOrderMark))
	for line := range strings.SplitSeq(string(src.data), "\n") {
		line = strings.TrimSuffix(line, "\r")
		if err := src.checkLine(len(src.lines)+1, line); err != nil {
			return nil, err
		}
		src.lines = append(src.lines, []rune(line))
	}
	return src, nil
}

// checkLine refuses the characters that YAML refuses, because the YAML library
// gives no position for them, and the line ends that only YAML counts, because
// every position after them would be wrong.
func (s *source) checkLine(number int, line string) error {
	column := 0
	for i, r := range line {
		column++
		where := point(number, column)
		switch {
		case r == utf8.RuneError && !strings.HasPrefix(line[i:], string(utf8.RuneError)):
			return s.errorf(where, "byte 0x%02x is not valid UTF-8; save the file in the UTF-8 encoding", line[i])
		case r == '\r', r == '\u0085', r == '\u2028', r == '\u2029':
			return s.errorf(where, "line separator %U is not allowed; end lines with LF or CR LF", r)
		case r < ' ' && r != '\t', r >= 0x7f && r < 0xa0, r == 0xfffe, r == 0xffff:
			return s.errorf(where, "control character %U is not allowed; remove it", r)
		}
	}
	return nil
}

// errorf returns an error located at r.
func (s *source) errorf(r parser.Range, format string, args ...any) error {
	err := fmt.Errorf("%s:%d:%d: %s", s.filename, r.Start.Line, r.Start.Character, fmt.Sprintf(format, args...))
	return parser.WithLocation(err, []parser.Range{r})
}

// whole is the range of the text from its first to its last character.
func (s *source) whole() parser.Range {
	last := len(s.lines)
	for last > 1 && len(s.lines[last-1]) == 0 {
		last--
	}
	return parser.Range{
		Start: parser.Position{Line: 1, Character: 1},
		End:   s.endOfLine(last),
	}
}

func (s *source) endOfLine(number int) parser.Position {
	return parser.Position{Line: number, Character: len(s.lines[number-1]) + 1}
}

// startOfText is the first character of a line that is not blank.
func (s *source) startOfText(number int) parser.Position {
	return parser.Position{Line: number, Character: indent(s.lines[number-1]) + 1}
}

// indent counts the blanks that a line begins with.
func indent(line []rune) int {
	for i, r := range line {
		if r != ' ' && r != '\t' {
			return i
		}
	}
	return len(line)
}

// point is the empty range at a line and a column, both counted from 1.
func point(line, column int) parser.Range {
	p := parser.Position{Line: line, Character: column}
	return parser.Range{Start: p, End: p}
}
