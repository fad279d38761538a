package spec

import "go.yaml.in/yaml/v3"

const (
	// maxNodes bounds the values of a document once its aliases are expanded,
	// so that nested aliases cannot exhaust memory. Real specs have hundreds.
	maxNodes = 100_000
	// maxText bounds the bytes of their keys and strings in the same way.
	maxText = 4 * MaxSize
	// maxDepth bounds nesting, aliases expanded. Real specs need five levels.
	maxDepth = 64
)

// extent is the size of a tree with its aliases expanded.
type extent struct {
	nodes int
	text  int // in bytes
	depth int
}

// limiter measures a document without expanding it.
type limiter struct {
	src *source
	// anchored holds what has an anchor; a nil extent is still being measured.
	anchored map[*yaml.Node]*extent
}

// checkLimits refuses documents that are too large or too deep to walk. After
// it, following aliases ends.
func checkLimits(src *source, root *yaml.Node) error {
	l := &limiter{src: src, anchored: map[*yaml.Node]*extent{}}
	_, err := l.measure(root, 1)
	return err
}

func (l *limiter) measure(n *yaml.Node, depth int) (extent, error) {
	if n.Kind == yaml.AliasNode {
		return l.alias(n, depth)
	}
	if depth > maxDepth {
		return extent{}, l.tooDeep(n)
	}
	if n.Anchor != "" {
		l.anchored[n] = nil
	}
	total := extent{nodes: 1, text: len(n.Value), depth: 1}
	for _, child := range n.Content {
		e, err := l.measure(child, depth+1)
		if err != nil {
			return extent{}, err
		}
		total.nodes += e.nodes
		total.text += e.text
		total.depth = max(total.depth, e.depth+1)
		if total.nodes > maxNodes || total.text > maxText {
			return extent{}, l.src.errorf(l.src.nodeRange(child),
				"with its aliases expanded the spec has more than %d values or %d bytes; use fewer or smaller aliases",
				maxNodes, maxText)
		}
	}
	if n.Anchor != "" {
		l.anchored[n] = &total
	}
	return total, nil
}

// alias relies on an anchor coming before its aliases: what it stands for is
// measured already, unless the alias is part of it.
func (l *limiter) alias(n *yaml.Node, depth int) (extent, error) {
	e := l.anchored[n.Alias]
	if e == nil {
		return extent{}, l.src.errorf(l.src.nodeRange(n),
			"alias *%s is part of what it stands for; move the alias out of its anchor", n.Value)
	}
	if depth+e.depth-1 > maxDepth {
		return extent{}, l.tooDeep(n)
	}
	return *e, nil
}

func (l *limiter) tooDeep(n *yaml.Node) error {
	start := l.src.nodeStart(n)
	return l.src.errorf(point(start.Line, start.Character),
		"values are nested more than %d levels deep; no key of a spec needs that", maxDepth)
}
