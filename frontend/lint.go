package frontend

import (
	"context"

	"github.com/moby/buildkit/frontend/dockerfile/linter"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/moby/buildkit/frontend/gateway/client"
	lintrequest "github.com/moby/buildkit/frontend/subrequests/lint"
	"github.com/moby/patternmatcher"
	"github.com/pkg/errors"

	"github.com/autumnjolitz/distroless-frontend/internal/sourcemap"
	"github.com/autumnjolitz/distroless-frontend/lint"
	graph "github.com/autumnjolitz/distroless-frontend/llb"
	"github.com/autumnjolitz/distroless-frontend/spec"
)

// check answers --call=check: what the rules find and, if the spec is none, the error.
func check(ctx context.Context, bc *dockerui.Client, src *dockerui.Source) (*lintrequest.LintResults, error) {
	results := &lintrequest.LintResults{}
	index := results.AddSource(src.SourceMap)
	l, err := lint.NewLinter(bc.LinterConfig, src.Data, func(rule, description, url, message string, location []parser.Range) {
		results.AddWarning(rule, description, url, message, index, location)
	})
	var s *spec.Spec
	if err == nil {
		s, err = parse(bc, src)
	}
	if err == nil {
		err = runRules(ctx, bc, l, s, false)
	}
	if err != nil {
		results.Error = &lintrequest.BuildError{Message: err.Error()}
		var located *parser.LocationError
		if errors.As(err, &located) {
			for _, ranges := range located.Locations {
				results.Error.Location.Ranges = append(results.Error.Location.Ranges, sourcemap.Ranges(ranges)...)
			}
		}
	}
	return results, nil
}

// warnOf shows what the rules for builds find, as BuildKit shows that of its own for a
// Dockerfile. The error is that of a spec whose warnings are to be errors.
func warnOf(ctx context.Context, bc *dockerui.Client, src *dockerui.Source, s *spec.Spec) error {
	l, err := lint.NewLinter(bc.LinterConfig, src.Data, func(rule, description, url, message string, location []parser.Range) {
		line := 0
		if len(location) > 0 {
			line = location[0].Start.Line
		}
		src.Warn(ctx, linter.LintFormatShort(rule, message, line), client.WarnOpts{
			Detail: [][]byte{[]byte(description)},
			URL:    url,
			Range:  sourcemap.Ranges(location),
		})
	})
	if err != nil {
		return err
	}
	return runRules(ctx, bc, l, s, true)
}

// runRules returns an error if there are warnings and they are to be errors.
func runRules(ctx context.Context, bc *dockerui.Client, l *linter.Linter, s *spec.Spec, building bool) error {
	in := lint.Input{Spec: s, Unconsumed: unconsumedArgs(bc.BuildArgs, s)}
	if _, used := graph.ContextPaths(s, graph.Overrides{}, nil, ""); used {
		var err error
		if in.Ignored, err = ignored(ctx, bc); err != nil {
			return err
		}
		if !building || l.ReturnAsError {
			in.Requirements = requirementsTexts(ctx, bc, s)
		}
	}
	lint.Run(l, in, building)
	return l.Error()
}

// ignored returns what tells whether .dockerignore excludes a path, or nil if that cannot be
// told of a path alone because the file makes exceptions.
func ignored(ctx context.Context, bc *dockerui.Client) (func(string) bool, error) {
	patterns, err := bc.DockerIgnorePatterns(ctx)
	if err != nil {
		return nil, errors.Wrap(err, "read .dockerignore")
	}
	matcher, err := patternmatcher.New(patterns)
	if err != nil {
		return nil, errors.Wrap(err, "read .dockerignore")
	}
	if matcher.Exclusions() {
		return nil, nil
	}
	return func(path string) bool {
		excluded, err := matcher.MatchesOrParentMatches(path)
		return err == nil && excluded
	}, nil
}

// requirementsTexts returns those of the requirements files that can be read. What is wrong
// with the others is for a build to say.
func requirementsTexts(ctx context.Context, bc *dockerui.Client, s *spec.Spec) map[string]string {
	files := contextFiles{builder: &builder{bc: bc}, next: s.Pip.Requirements}
	texts := map[string]string{}
	for _, path := range s.Pip.Requirements {
		if spec.IsLock(path) || spec.IsPyproject(path) {
			continue // is not made of lines
		}
		if text, err := files.read(ctx, path); err == nil {
			texts[path] = string(text)
		}
	}
	return texts
}
