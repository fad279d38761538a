package frontend

import (
	"bytes"
	"regexp"
	"slices"
	"strings"

	"github.com/containerd/platforms"
	"github.com/distribution/reference"
	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerfile/shell"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/pkg/errors"
)

// An imageReference is a distroless-python image that a Dockerfile names.
type imageReference struct {
	name      string // as named contexts are keyed: familiar, with its tag
	python    string
	alpine    string
	buildroot bool
	location  []parser.Range
}

var distrolessImage = regexp.MustCompile(`(?:^|/)distroless-python:(\d+\.\d+(?:\.\d+)?)-alpine(\d+\.\d+)(-buildroot)?$`)

// isDockerfile tells a Dockerfile from a spec. A Dockerfile begins with FROM, or with the ARG
// of one, and neither can begin a YAML mapping.
func isDockerfile(data []byte) bool {
	ast, err := parser.Parse(bytes.NewReader(data))
	if err != nil || len(ast.AST.Children) == 0 {
		return false
	}
	first := strings.ToLower(ast.AST.Children[0].Value)
	return first == "from" || first == "arg"
}

// findReferences returns the distroless-python images that a Dockerfile names with FROM,
// COPY --from and RUN --mount=from, each once, for one platform. One that is pinned to a
// digest is not among them: who asks for certain bytes shall have those.
func findReferences(data []byte, buildArgs map[string]string, target, host ocispecs.Platform) ([]imageReference, error) {
	ast, err := parser.Parse(bytes.NewReader(data))
	if err != nil {
		return nil, errors.Wrap(err, "parse the Dockerfile")
	}
	stages, metaArgs, err := instructions.Parse(ast.AST, nil)
	if err != nil {
		return nil, errors.Wrap(err, "parse the Dockerfile")
	}
	lex := shell.NewLex(ast.EscapeToken)
	args, err := globalArgs(lex, metaArgs, buildArgs, target, host)
	if err != nil {
		return nil, err
	}

	var found []imageReference
	add := func(word string, location []parser.Range) error {
		name, _, err := lex.ProcessWord(word, args)
		if err != nil {
			return parser.WithLocation(errors.Wrapf(err, "expand %s", word), location)
		}
		ref, ok := parseReference(name)
		if ok && !slices.ContainsFunc(found, func(r imageReference) bool { return r.name == ref.name }) {
			ref.location = location
			found = append(found, ref)
		}
		return nil
	}
	for _, stage := range stages {
		if err := add(stage.BaseName, stage.Location); err != nil {
			return nil, err
		}
		for _, command := range stage.Commands {
			for _, from := range imagesOf(command) {
				if err := add(from, command.Location()); err != nil {
					return nil, err
				}
			}
		}
	}
	return found, nil
}

// imagesOf returns what a command names as --from.
func imagesOf(command instructions.Command) []string {
	switch c := command.(type) {
	case *instructions.CopyCommand:
		return []string{c.From}
	case *instructions.RunCommand:
		var images []string
		for _, mount := range instructions.GetMounts(c) {
			images = append(images, mount.From)
		}
		return images
	}
	return nil
}

// parseReference reads REGISTRY/ORGANISATION/distroless-python:X.Y-alpineA.B[-buildroot].
func parseReference(name string) (imageReference, bool) {
	match := distrolessImage.FindStringSubmatch(name)
	if match == nil {
		return imageReference{}, false
	}
	named, err := reference.ParseNormalizedNamed(name)
	if err != nil {
		return imageReference{}, false
	}
	return imageReference{
		name:      reference.FamiliarString(named),
		python:    match[1],
		alpine:    match[2],
		buildroot: match[3] != "",
	}, true
}

// globalArgs returns the arguments that FROM may use: those declared before the first stage,
// and the predefined ones for platforms.
func globalArgs(lex *shell.Lex, metaArgs []instructions.ArgCommand, buildArgs map[string]string, target, host ocispecs.Platform) (shell.EnvGetter, error) {
	args := []string{
		"BUILDPLATFORM=" + platforms.Format(host), "BUILDOS=" + host.OS,
		"BUILDARCH=" + host.Architecture, "BUILDVARIANT=" + host.Variant,
		"TARGETPLATFORM=" + platforms.Format(target), "TARGETOS=" + target.OS,
		"TARGETARCH=" + target.Architecture, "TARGETVARIANT=" + target.Variant,
	}
	for _, command := range metaArgs {
		for _, arg := range command.Args {
			value, given := buildArgs[arg.Key]
			if !given && arg.Value != nil {
				expanded, _, err := lex.ProcessWord(*arg.Value, shell.EnvsFromSlice(args))
				if err != nil {
					return nil, parser.WithLocation(errors.Wrapf(err, "expand ARG %s", arg.Key), command.Location())
				}
				value = expanded
			}
			args = append(args, arg.Key+"="+value)
		}
	}
	return shell.EnvsFromSlice(args), nil
}
