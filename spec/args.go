package spec

import (
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode"

	"github.com/moby/buildkit/frontend/dockerfile/shell"
	"github.com/moby/buildkit/util/suggest"
	"github.com/pkg/errors"
	"go.yaml.in/yaml/v3"
)

// An Arg is a build argument that a spec declares, as Dockerfile's ARG does.
type Arg struct {
	Name string
	// Default is nil if the spec gives none.
	Default *string
	// Value is what the argument stands for, nil for nothing: what the client gave, else the
	// default, else what the name is predefined as.
	Value *string
	// Description is the comment above the argument that begins with its name.
	Description string
	// Used is true if a value of the spec refers to the argument.
	Used bool
}

// Variables are what the arguments of a spec get their values from, by name.
type Variables struct {
	// BuildArgs are those of the client.
	BuildArgs map[string]string
	// Predefined are those that have a value without anyone giving one, such as TARGETARCH. As
	// in a stage of a Dockerfile, they have to be declared to be used.
	Predefined map[string]string
}

// An expander replaces variables in the values of a spec.
type expander struct {
	lex  *shell.Lex
	vars Variables
	args []Arg
	// env has the arguments that have a value, as NAME=value.
	env []string
	// longest is the length of the longest value, and left how much text may still be made.
	longest, left int
}

func newExpander(vars Variables) *expander {
	lex := shell.NewLex('\\')
	lex.SkipProcessQuotes = true // the quotes that mean something are YAML's
	return &expander{lex: lex, vars: vars, left: maxText}
}

var argName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// declareArgs reads the key args, wherever in the file it is, before any value is expanded.
// A spec without it has no variables: in its values a $ is a $.
func (d *decoder) declareArgs(root *yaml.Node, vars Variables) error {
	entries, err := d.entries("", root)
	if err != nil {
		return err
	}
	i := slices.IndexFunc(entries, func(e entry) bool { return e.key.Value == "args" })
	if i < 0 {
		return nil
	}
	n := resolve(entries[i].value)
	if n.Kind != yaml.MappingNode {
		return nil // the error is that of any value of the wrong type
	}
	d.expander = newExpander(vars)
	args, err := d.entries("args", n)
	if err != nil {
		return err
	}
	for _, e := range args {
		if err := d.declareArg(e); err != nil {
			return err
		}
	}
	return nil
}

func (d *decoder) declareArg(e entry) error {
	x, name := d.expander, e.key.Value
	if !argName.MatchString(name) {
		return d.errorf("args", e.key, "%s is not the name of an argument: expected letters, digits and _, such as APP_VERSION", quote(name))
	}
	path := join("args", name)
	d.locations[path] = d.src.nodeRange(e.key)
	arg := Arg{Name: name, Description: description(name, e.key.HeadComment)}
	if value := resolve(e.value); !isNull(value) {
		d.locations[path] = d.src.nodeRange(value)
		if !isText(value) {
			return d.typeError(path, value, "a string, or nothing for no default", "")
		}
		expanded, err := d.expand(path, value)
		if err != nil {
			return err
		}
		if err := d.checkText(path, expanded); err != nil {
			return err
		}
		arg.Default = &expanded.Value
	}
	given, ok := x.vars.BuildArgs[name]
	predefined, known := x.vars.Predefined[name]
	switch {
	case ok:
		arg.Value = &given
	case arg.Default != nil:
		arg.Value = arg.Default
	case known:
		arg.Value = &predefined
	}
	if arg.Value != nil {
		x.env = append(x.env, name+"="+*arg.Value)
		x.longest = max(x.longest, len(*arg.Value))
	}
	x.args = append(x.args, arg)
	return nil
}

// description returns what the last line of a comment says of a name, as for Dockerfile's ARG.
func description(name, comment string) string {
	lines := strings.Split(comment, "\n")
	last := strings.TrimSpace(strings.TrimPrefix(lines[len(lines)-1], "#"))
	text, ok := strings.CutPrefix(last, name+" ")
	if !ok {
		return ""
	}
	return strings.TrimSpace(text)
}

// arguments decodes the key args, which declareArgs has read.
func (d *decoder) arguments(path string, n *yaml.Node, p *[]Arg, tag reflect.StructTag) error {
	if n.Kind != yaml.MappingNode {
		return d.typeError(path, n, "a mapping", tag)
	}
	*p = d.expander.args
	return nil
}

// expand returns a scalar with its variables replaced, by Dockerfile's rules: $NAME, ${NAME},
// ${NAME:-default} and so on, and \$ for a dollar sign. One without a $ is returned as it is.
// The result is a scalar whatever is put in: a value cannot add keys or items.
func (d *decoder) expand(path string, n *yaml.Node) (*yaml.Node, error) {
	x := d.expander
	if x == nil || d.literal > 0 || !isText(n) || !strings.Contains(n.Value, "$") {
		return n, nil
	}
	// Each $ is at most one value, but for replacements; those the sum of all bounds.
	if strings.Count(n.Value, "$")*x.longest+len(n.Value) > x.left {
		return nil, d.errorf(path, n, "with its arguments expanded the spec has more than %d bytes; use fewer or shorter values", maxText)
	}
	res, err := x.lex.ProcessWordWithMatches(n.Value, shell.EnvsFromSlice(x.env))
	if err != nil {
		return nil, d.errorf(path, n, "%s cannot be expanded: %s", quote(n.Value), substitutionProblem(err))
	}
	for _, names := range []map[string]struct{}{res.Matched, res.Unmatched} {
		for _, name := range sortedNames(names) {
			i := slices.IndexFunc(x.args, func(a Arg) bool { return a.Name == name })
			if i < 0 {
				return nil, d.undefined(path, n, name)
			}
			x.args[i].Used = true
		}
	}
	x.left -= len(res.Result)
	expanded := *n
	expanded.Value, expanded.Tag = res.Result, tagOf(res.Result)
	d.written[&expanded] = n
	return &expanded, nil
}

// substitutionProblem is what the lexer found wrong. At the end of the text it takes the end
// for a modifier.
func substitutionProblem(err error) string {
	problem := errors.Cause(err).Error()
	if strings.ContainsRune(problem, unicode.ReplacementChar) {
		return "syntax error: missing '}'"
	}
	return problem
}

// undefined says that a variable is none. Dockerfile warns and goes on with an empty string,
// which for a version or the name of a package is never what was meant.
func (d *decoder) undefined(path string, n *yaml.Node, name string) error {
	var names []string
	for _, arg := range d.expander.args {
		names = append(names, arg.Name)
	}
	hint := ""
	if meant, ok := suggest.Search(name, names, true); ok && argName.MatchString(name) {
		hint = ", did you mean $" + meant + "?"
	}
	return d.errorf(path, n, `undefined variable $%s%s; declare it under args, or write \$%s for the text`, name, hint, name)
}

func sortedNames(set map[string]struct{}) []string {
	names := make([]string, 0, len(set))
	for name := range set {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// tagOf is the type of an expanded value, for keys that are no strings.
func tagOf(value string) string {
	if _, err := strconv.Atoi(value); err == nil {
		return "!!int"
	}
	switch strings.ToLower(value) {
	case "true", "false":
		return "!!bool"
	}
	return "!!str"
}
