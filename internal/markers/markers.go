// Package markers evaluates environment markers of Python:
// https://packaging.python.org/en/latest/specifications/dependency-specifiers/#environment-markers
package markers

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	pep440 "github.com/aquasecurity/go-pep440-version"
)

// An Environment has the values of variables by their names, and those that are sets.
type Environment struct {
	Values map[string]string
	Sets   map[string][]string
}

// Linux returns the environment of CPython on Linux: its version is X.Y.Z, and the machine is
// as `uname -m` says it.
func Linux(python, machine string) Environment {
	parts := strings.SplitN(python, ".", 3)
	return Environment{
		Values: map[string]string{
			"python_version":                 strings.Join(parts[:min(2, len(parts))], "."),
			"python_full_version":            python,
			"implementation_version":         python,
			"implementation_name":            "cpython",
			"platform_python_implementation": "CPython",
			"os_name":                        "posix",
			"sys_platform":                   "linux",
			"platform_system":                "Linux",
			"platform_machine":               machine,
			"platform_release":               "",
			"platform_version":               "",
		},
		Sets: map[string][]string{},
	}
}

// Evaluate tells whether a marker holds. One that is empty does.
func (e Environment) Evaluate(marker string) (bool, error) {
	if strings.TrimSpace(marker) == "" {
		return true, nil
	}
	p := &parser{environment: e}
	if err := p.scan(marker); err != nil {
		return false, err
	}
	holds, err := p.or()
	if err == nil && len(p.tokens) > 0 {
		err = fmt.Errorf("%q is not expected here", p.tokens[0])
	}
	return holds, err
}

var token = regexp.MustCompile(`^\s*(\(|\)|'[^']*'|"[^"]*"|===|[~=!<>]=|[<>]|[A-Za-z_][A-Za-z0-9_.]*)\s*`)

type parser struct {
	environment Environment
	tokens      []string
}

func (p *parser) scan(text string) error {
	for text != "" {
		m := token.FindStringSubmatch(text)
		if m == nil {
			return fmt.Errorf("%q is not part of a marker", text)
		}
		p.tokens = append(p.tokens, m[1])
		text = text[len(m[0]):]
	}
	return nil
}

// take returns the next token if it is one of these.
func (p *parser) take(tokens ...string) (string, bool) {
	if len(p.tokens) == 0 || !slices.Contains(tokens, p.tokens[0]) {
		return "", false
	}
	next := p.tokens[0]
	p.tokens = p.tokens[1:]
	return next, true
}

func (p *parser) or() (bool, error) {
	holds, err := p.and()
	for err == nil {
		if _, ok := p.take("or"); !ok {
			break
		}
		var other bool
		other, err = p.and()
		holds = holds || other
	}
	return holds, err
}

func (p *parser) and() (bool, error) {
	holds, err := p.term()
	for err == nil {
		if _, ok := p.take("and"); !ok {
			break
		}
		var other bool
		other, err = p.term()
		holds = holds && other
	}
	return holds, err
}

func (p *parser) term() (bool, error) {
	if _, ok := p.take("("); ok {
		holds, err := p.or()
		if _, closed := p.take(")"); err == nil && !closed {
			err = fmt.Errorf("a ) is missing")
		}
		return holds, err
	}
	left, err := p.operand()
	if err != nil {
		return false, err
	}
	operator, err := p.operator()
	if err != nil {
		return false, err
	}
	right, err := p.operand()
	if err != nil {
		return false, err
	}
	return compare(left, operator, right)
}

func (p *parser) operator() (string, error) {
	if operator, ok := p.take("===", "==", "!=", "<=", ">=", "~=", "<", ">", "in"); ok {
		return operator, nil
	}
	if _, ok := p.take("not"); ok {
		if _, ok := p.take("in"); ok {
			return "not in", nil
		}
	}
	return "", fmt.Errorf("expected an operator, such as ==")
}

// An operand is a string or a set.
type operand struct {
	text  string
	set   []string
	isSet bool
}

func (p *parser) operand() (operand, error) {
	if len(p.tokens) == 0 {
		return operand{}, fmt.Errorf("it ends too early")
	}
	word := p.tokens[0]
	p.tokens = p.tokens[1:]
	if word[0] == '\'' || word[0] == '"' {
		return operand{text: word[1 : len(word)-1]}, nil
	}
	if set, ok := p.environment.Sets[word]; ok {
		return operand{set: set, isSet: true}, nil
	}
	if value, ok := p.environment.Values[word]; ok {
		return operand{text: value}, nil
	}
	return operand{}, fmt.Errorf("%s is not a variable of a marker", word)
}

func compare(left operand, operator string, right operand) (bool, error) {
	if right.isSet || left.isSet {
		held := slices.ContainsFunc(right.set, func(name string) bool { return normalized(name) == normalized(left.text) })
		switch {
		case operator == "in" && right.isSet && !left.isSet:
			return held, nil
		case operator == "not in" && right.isSet && !left.isSet:
			return !held, nil
		}
		return false, fmt.Errorf("a set takes in and not in only")
	}
	switch operator {
	case "in":
		return strings.Contains(right.text, left.text), nil
	case "not in":
		return !strings.Contains(right.text, left.text), nil
	}
	specifiers, err := pep440.NewSpecifiers(operator+right.text, pep440.WithPreRelease(true))
	if err == nil {
		if version, err := pep440.Parse(left.text); err == nil {
			return specifiers.Check(version), nil
		}
	}
	switch operator {
	case "==", "===":
		return left.text == right.text, nil
	case "!=":
		return left.text != right.text, nil
	case "<":
		return left.text < right.text, nil
	case "<=":
		return left.text <= right.text, nil
	case ">":
		return left.text > right.text, nil
	case ">=":
		return left.text >= right.text, nil
	}
	return false, fmt.Errorf("%s compares versions, and %q is none", operator, right.text)
}

var separators = regexp.MustCompile(`[-_.]+`)

func normalized(name string) string { return strings.ToLower(separators.ReplaceAllString(name, "-")) }
