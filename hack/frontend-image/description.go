package main

import (
	"errors"
	"fmt"
	"maps"
	"os"
	"slices"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerfile/shell"
)

// description is what the last stage of a Dockerfile says about its image.
type description struct {
	labels     map[string]string
	entrypoint []string
	// binary is where the stage puts the one file it copies.
	binary string
}

// readDescription reads the last stage of a Dockerfile: a scratch image with one
// file, labels and an entrypoint. Anything else in it is an error, so that what we
// do not do is not left out in silence.
func readDescription(path string, buildArgs map[string]string) (*description, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	parsed, err := parser.Parse(f)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	stages, _, err := instructions.Parse(parsed.AST, nil)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(stages) == 0 {
		return nil, fmt.Errorf("%s: no stages", path)
	}
	desc, err := describeStage(stages[len(stages)-1], shell.NewLex(parsed.EscapeToken), buildArgs)
	if err != nil {
		return nil, fmt.Errorf("%s: last stage: %w", path, err)
	}
	return desc, nil
}

func describeStage(stage instructions.Stage, lex *shell.Lex, buildArgs map[string]string) (*description, error) {
	if stage.BaseName != "scratch" {
		return nil, fmt.Errorf("FROM %s: expected scratch", stage.BaseName)
	}
	desc := &description{labels: map[string]string{}}
	args := stageArgs{}
	for _, cmd := range stage.Commands {
		if err := desc.add(cmd, lex, args, buildArgs); err != nil {
			return nil, fmt.Errorf("%s: %w", cmd.Name(), err)
		}
	}
	for name := range buildArgs {
		if _, ok := args[name]; !ok {
			return nil, fmt.Errorf("there is no ARG %s", name)
		}
	}
	if desc.binary == "" || len(desc.entrypoint) == 0 {
		return nil, errors.New("expected a COPY and an ENTRYPOINT")
	}
	return desc, nil
}

// add takes an instruction of the stage in.
func (d *description) add(cmd instructions.Command, lex *shell.Lex, args stageArgs, buildArgs map[string]string) error {
	expand := func(word string) (string, error) {
		value, _, err := lex.ProcessWord(word, args)
		return value, err
	}
	if expandable, ok := cmd.(instructions.SupportsSingleWordExpansion); ok {
		if err := expandable.Expand(expand); err != nil {
			return err
		}
	}
	switch cmd := cmd.(type) {
	case *instructions.ArgCommand:
		for _, arg := range cmd.Args {
			args.define(arg, buildArgs)
		}
	case *instructions.LabelCommand:
		for _, label := range cmd.Labels {
			d.labels[label.Key] = label.Value
		}
	case *instructions.CopyCommand:
		if d.binary != "" || len(cmd.SourcePaths) != 1 {
			return errors.New("expected one file")
		}
		d.binary = cmd.DestPath
	case *instructions.EntrypointCommand:
		if cmd.PrependShell {
			return errors.New("expected the JSON form")
		}
		d.entrypoint = cmd.CmdLine
	default:
		return errors.New("not known here")
	}
	return nil
}

// stageArgs are the ARGs defined so far.
type stageArgs map[string]string

func (a stageArgs) define(arg instructions.KeyValuePairOptional, buildArgs map[string]string) {
	value, ok := buildArgs[arg.Key]
	if !ok {
		value = arg.ValueString()
	}
	a[arg.Key] = value
}

// Get implements shell.EnvGetter.
func (a stageArgs) Get(name string) (string, bool) {
	value, ok := a[name]
	return value, ok
}

// Keys implements shell.EnvGetter.
func (a stageArgs) Keys() []string { return slices.Sorted(maps.Keys(a)) }
