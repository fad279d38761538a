package main

import (
	"errors"
	"slices"
	"strings"

	"github.com/nikolalohinski/gonja/v2"
	"github.com/nikolalohinski/gonja/v2/builtins"
	"github.com/nikolalohinski/gonja/v2/exec"
	"github.com/nikolalohinski/gonja/v2/loaders"
)

// Render renders a Jinja template, to the byte as Jinja2 does with its default settings;
// keepNewline is its keep_trailing_newline. Templates can include no files. There is one
// filter more than Jinja's:
//
//	images | version_sort(attribute="tag", reverse=true)
//
// sorts as sort does, but versions as versions: see compareVersions.
//
// render_test.go lists what the library does otherwise than Jinja2.
func Render(template string, variables map[string]any, keepNewline bool) (string, error) {
	const name = "/template"
	loader, err := loaders.NewMemoryLoader(map[string]string{name: template})
	if err != nil {
		return "", err
	}
	settings := gonja.DefaultConfig.Inherit()
	settings.KeepTrailingNewline = keepNewline
	environment := *gonja.DefaultEnvironment
	environment.Filters = exec.NewFilterSet(map[string]exec.FilterFunction{}).
		Update(builtins.Filters).
		Update(exec.NewFilterSet(map[string]exec.FilterFunction{
			"format":       format,
			"version_sort": versionSort,
		}))
	parsed, err := exec.NewTemplate(name, settings, loader, &environment)
	if err != nil {
		if inner := errors.Unwrap(err); inner != nil {
			err = inner // the rest is the whole template
		}
		return "", err
	}
	return parsed.ExecuteToString(exec.NewContext(variables))
}

func versionSort(e *exec.Evaluator, in *exec.Value, params *exec.VarArgs) *exec.Value {
	if in.IsError() {
		return in
	}
	var reverse bool
	var attribute string
	err := params.Take(
		exec.KeywordArgument("reverse", exec.AsValue(false), func(v *exec.Value) error { reverse = v.Bool(); return nil }),
		exec.KeywordArgument("attribute", exec.AsValue(""), func(v *exec.Value) error { attribute = v.String(); return nil }),
	)
	if err != nil {
		return exec.AsValue(exec.ErrInvalidCall(err))
	}
	var items []*exec.Value
	in.Iterate(func(_, _ int, key, _ *exec.Value) bool {
		items = append(items, key)
		return true
	}, func() {})
	slices.SortStableFunc(items, func(a, b *exec.Value) int {
		c := compareVersions(versionOf(a, attribute), versionOf(b, attribute))
		if reverse {
			return -c
		}
		return c
	})
	sorted := make([]any, len(items))
	for i, item := range items {
		sorted[i] = item.Interface()
	}
	return exec.AsValue(sorted)
}

// versionOf is the item itself or, with an attribute such as a.b, the text that it has there.
func versionOf(item *exec.Value, attribute string) string {
	if attribute == "" {
		return item.String()
	}
	for part := range strings.SplitSeq(attribute, ".") {
		value, ok := item.GetItem(part)
		if !ok {
			return ""
		}
		item = value
	}
	return item.String()
}
