package spec

import (
	"unicode"

	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"go.yaml.in/yaml/v3"
)

// nodeRange is where a node is written. The YAML library says where a node
// starts; the end, one past the last character, is found in the text.
func (s *source) nodeRange(n *yaml.Node) parser.Range {
	start := s.nodeStart(n)
	return parser.Range{Start: start, End: s.nodeEnd(n, start)}
}

// nodeStart keeps within the text: YAML gives a value that was left out at the
// end of the file a position behind the last line.
func (s *source) nodeStart(n *yaml.Node) parser.Position {
	if n.Line < 1 || n.Line > len(s.lines) {
		return s.whole().End
	}
	end := s.endOfLine(n.Line)
	return parser.Position{Line: n.Line, Character: min(max(n.Column, 1), end.Character)}
}

func (s *source) nodeEnd(n *yaml.Node, start parser.Position) parser.Position {
	switch {
	case len(n.Content) > 0:
		end := start
		for _, child := range n.Content {
			if e := s.nodeEnd(child, s.nodeStart(child)); before(end, e) {
				end = e
			}
		}
		return end
	case n.Kind == yaml.AliasNode:
		return s.skipText("*"+n.Value, start)
	case n.Kind != yaml.ScalarNode || n.Anchor != "" || n.Style&yaml.TaggedStyle != 0:
		return s.endOfLine(start.Line)
	case n.Style&(yaml.LiteralStyle|yaml.FoldedStyle) != 0:
		return s.skipBlock(start)
	case n.Style&yaml.DoubleQuotedStyle != 0:
		return s.skipQuoted('"', start)
	case n.Style&yaml.SingleQuotedStyle != 0:
		return s.skipQuoted('\'', start)
	default:
		return s.skipText(n.Value, start)
	}
}

// skipText returns the end of a plain scalar, which may be folded: only the
// characters that are not blank have to agree with the text.
func (s *source) skipText(text string, start parser.Position) parser.Position {
	c := cursor{src: s, pos: start}
	for _, want := range text {
		if unicode.IsSpace(want) {
			continue
		}
		got, ok := c.next()
		for ok && unicode.IsSpace(got) {
			got, ok = c.next()
		}
		if got != want {
			return s.endOfLine(start.Line)
		}
	}
	return c.pos
}

// skipQuoted returns the end of a quoted scalar. A single quote within single
// quotes is doubled; two quoted scalars in a row have the same end.
func (s *source) skipQuoted(quote rune, start parser.Position) parser.Position {
	c := cursor{src: s, pos: start}
	c.next()
	for {
		r, ok := c.next()
		switch {
		case !ok:
			return s.endOfLine(start.Line)
		case r == '\\' && quote == '"':
			c.next()
		case r == quote:
			after := c
			if r, _ := after.next(); quote != '\'' || r != '\'' {
				return c.pos
			}
			c = after
		}
	}
}

// skipBlock returns the end of a literal or folded block: the last line that is
// not blank before the indentation of its first line ends.
func (s *source) skipBlock(start parser.Position) parser.Position {
	last, least := start.Line, 0
	for number := start.Line + 1; number <= len(s.lines); number++ {
		line := s.lines[number-1]
		blanks := indent(line)
		if blanks == len(line) {
			continue
		}
		if least == 0 {
			least = max(blanks, 1)
		}
		if blanks < least {
			break
		}
		last = number
	}
	return s.endOfLine(last)
}

// cursor reads a source by characters, line ends included.
type cursor struct {
	src *source
	pos parser.Position
}

func (c *cursor) next() (rune, bool) {
	line := c.src.lines[c.pos.Line-1]
	if i := c.pos.Character - 1; i < len(line) {
		c.pos.Character++
		return line[i], true
	}
	if c.pos.Line == len(c.src.lines) {
		return 0, false
	}
	c.pos = parser.Position{Line: c.pos.Line + 1, Character: 1}
	return '\n', true
}

func before(a, b parser.Position) bool {
	return a.Line < b.Line || a.Line == b.Line && a.Character < b.Character
}
