package main

import (
	"errors"
	"fmt"
	"regexp"
	"strings"

	"github.com/nikolalohinski/gonja/v2/exec"
)

// directive is one of Python's printf-style formatting: flags, width, precision, type.
var directive = regexp.MustCompile(`%([-+ 0]*)(\d*)(\.\d+)?(.?)`)

// format is Jinja's filter. The library's own leaves formatting to Go, whose verbs take
// values of one type each and write an error into the text.
func format(_ *exec.Evaluator, in *exec.Value, params *exec.VarArgs) *exec.Value {
	if in.IsError() {
		return in
	}
	args := params.Args
	var failed error
	text := directive.ReplaceAllStringFunc(in.String(), func(match string) string {
		m := directive.FindStringSubmatch(match)
		if match == "%%" {
			return "%"
		}
		if len(args) == 0 {
			failed = errors.Join(failed, errors.New("not enough arguments"))
			return ""
		}
		arg := args[0]
		args = args[1:]
		formatted, err := formatOne(m[1], m[2], m[3], m[4], arg)
		failed = errors.Join(failed, err)
		return formatted
	})
	if len(args) > 0 {
		failed = errors.Join(failed, errors.New("too many arguments"))
	}
	if failed != nil {
		return exec.AsValue(fmt.Errorf("format %q: %w", in.String(), failed))
	}
	return exec.AsValue(text)
}

// formatOne formats one argument.
func formatOne(flags, width, precision, kind string, arg *exec.Value) (string, error) {
	if kind == "s" {
		text := arg.String()
		if arg.IsNil() {
			text = "None"
		}
		return fmt.Sprintf("%"+strings.ReplaceAll(flags, "0", "")+width+precision+"s", text), nil
	}
	if !arg.IsNumber() && !arg.IsBool() {
		return "", fmt.Errorf("%%%s needs a number and not %q", kind, arg.String())
	}
	switch kind {
	case "d", "i":
		return fmt.Sprintf("%"+flags+width+precision+"d", integer(arg)), nil
	case "x", "X", "o":
		if arg.IsFloat() {
			return "", fmt.Errorf("%%%s needs a whole number", kind)
		}
		return fmt.Sprintf("%"+flags+width+precision+kind, integer(arg)), nil
	case "g", "G":
		if precision == "" {
			precision = ".6"
		}
		fallthrough
	case "f", "F", "e", "E":
		number := arg.Float()
		if arg.IsBool() {
			number = float64(integer(arg))
		}
		return fmt.Sprintf("%"+flags+width+precision+kind, number), nil
	}
	return "", fmt.Errorf("%%%s is not known", kind)
}

// integer cuts off a fraction, as Python does; true is 1.
func integer(arg *exec.Value) int {
	switch {
	case arg.IsBool() && arg.Bool():
		return 1
	case arg.IsBool():
		return 0
	case arg.IsFloat():
		return int(arg.Float())
	}
	return arg.Integer()
}
