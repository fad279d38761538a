// Package lint finds what a spec may say but mostly does not mean.
//
// The rules are run by BuildKit's linter, so they are switched off as those of a Dockerfile
// are: https://docs.docker.com/reference/dockerfile/#check
package lint

import (
	"strings"

	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/pkg/errors"

	"github.com/autumnjolitz/distroless-frontend/spec"
)

// docs is the page that has a section for every rule.
const docs = "https://github.com/autumnjolitz/distroless-frontend/blob/main/docs/checks.rst"

// Input is what the rules look at.
type Input struct {
	Spec *spec.Spec
	// Unconsumed are the names of build arguments that nothing reads.
	Unconsumed []string
	// Ignored tells whether .dockerignore keeps a path out of the build context; nil if that
	// is not known.
	Ignored func(path string) bool
	// Requirements are the texts of requirements files by their paths, as far as they are known.
	Requirements map[string]string
}

// A Rule is something to look for.
type Rule struct {
	Name string
	// Description says what to do, in a sentence without a full stop.
	Description string
	// Building is true if a build shows what the rule finds; a check shows it of every rule.
	Building bool
	find     func(Input) []finding
}

// A finding is where a rule does not hold.
type finding struct {
	path    string // of a value in the spec; "" if it is about none
	message string
}

// URL is that of the section of the rule in the documents.
func (r Rule) URL() string { return docs + "#" + strings.ToLower(r.Name) }

// Run has the linter warn of all that is found. While building it does so of the rules that
// are for builds, unless every warning is to be an error.
func Run(l *linter.Linter, in Input, building bool) {
	for _, rule := range Rules() {
		if building && !rule.Building && !l.ReturnAsError {
			continue
		}
		asked := &linter.LinterRule[string]{Name: rule.Name, Description: rule.Description, URL: rule.URL()}
		for _, f := range rule.find(in) {
			var location []parser.Range
			if f.path != "" {
				location = in.Spec.Location(f.path)
			}
			l.Run(asked, location, f.message)
		}
	}
}

// NewLinter returns a linter with the options of the client or, if there are none, of the
// file: "# check=skip=A,B;error=true", among the comments that it begins with.
func NewLinter(client *linter.Config, file []byte, warn linter.LintWarnFunc) (*linter.Linter, error) {
	var config linter.Config
	if client != nil {
		config = *client
	} else {
		options, _, location, _ := parser.ParseDirective("check", file)
		parsed, err := linter.ParseLintOptions(options)
		if err != nil {
			return nil, parser.WithLocation(errors.Wrap(err, "parse the options of # check="), location)
		}
		config = *parsed
	}
	config.Warn = warn
	return linter.New(&config), nil
}
