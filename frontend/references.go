package frontend

import (
	"bytes"
	"maps"
	"regexp"
	"slices"
	"strconv"
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
	platform  ocispecs.Platform
	location  []parser.Range
}

// key is the name of the named context that stands for the image.
func (r imageReference) key() string {
	return r.name + "::" + platforms.FormatAll(platforms.Normalize(r.platform))
}

var distrolessImage = regexp.MustCompile(`(?:^|/)distroless-python:(\d+\.\d+(?:\.\d+)?)-alpine(\d+\.\d+)(-buildroot)?$`)

// isDockerfile tells a Dockerfile from a spec by its first word. A Dockerfile begins with FROM,
// or with the ARG of one, and neither can begin a YAML mapping.
func isDockerfile(data []byte) bool {
	data = bytes.TrimPrefix(data, []byte("\xef\xbb\xbf"))
	for line := range bytes.Lines(data) {
		words := bytes.Fields(line)
		if len(words) == 0 || words[0][0] == '#' {
			continue
		}
		return bytes.EqualFold(words[0], []byte("from")) || bytes.EqualFold(words[0], []byte("arg"))
	}
	return false
}

// A referenceFinder collects the distroless-python images that a Dockerfile names.
type referenceFinder struct {
	lex    *shell.Lex
	args   shell.EnvGetter
	target ocispecs.Platform
	stages []instructions.Stage
	seen   map[int]bool // stages that were looked into
	found  []imageReference
}

// everyStage stands for all targets at once. No stage can have the name.
const everyStage = "*"

// findReferences returns the images that the stages which a target needs name with FROM,
// COPY --from and RUN --mount=from, each once for each platform. One that is pinned to a
// digest is not among them: who asks for certain bytes shall have those.
func findReferences(file *parser.Result, targetStage string, buildArgs map[string]string, target, host ocispecs.Platform) ([]imageReference, error) {
	stages, metaArgs, err := instructions.Parse(file.AST, nil)
	if err != nil {
		return nil, errNotOurs
	}
	lex := shell.NewLex(file.EscapeToken)
	args, err := globalArgs(lex, metaArgs, buildArgs, target, host)
	if err != nil {
		return nil, err
	}
	f := &referenceFinder{lex: lex, args: args, target: target, stages: stages, seen: map[int]bool{}}
	starts := []int{len(stages) - 1}
	switch targetStage {
	case "":
	case everyStage:
		starts = nil
		for i := range stages {
			starts = append(starts, i)
		}
	default:
		starts[0] = f.stage(targetStage, len(stages))
	}
	for _, start := range starts {
		if err := f.visit(start); err != nil {
			return nil, err
		}
	}
	return f.found, nil
}

// errNotOurs says that BuildKit's own frontend will not build the file either, and say why.
var errNotOurs = errors.New("not a valid Dockerfile")

// stage returns the index of the stage of that name or number among the first so many, or -1.
func (f *referenceFinder) stage(name string, before int) int {
	for i := before - 1; i >= 0; i-- {
		if strings.EqualFold(f.stages[i].Name, name) {
			return i
		}
	}
	if i, err := strconv.Atoi(name); err == nil && i >= 0 && i < before {
		return i
	}
	return -1
}

// visit collects from a stage and from those it needs.
func (f *referenceFinder) visit(i int) error {
	if i < 0 || f.seen[i] {
		return nil
	}
	f.seen[i] = true
	stage := f.stages[i]
	platform, err := f.platformOf(stage)
	if err != nil {
		return err
	}
	if err := f.add(i, stage.BaseName, platform, stage.Location); err != nil {
		return err
	}
	for _, command := range stage.Commands {
		for _, from := range imagesOf(command) {
			if err := f.add(i, from, f.target, command.Location()); err != nil {
				return err
			}
		}
	}
	return nil
}

// platformOf returns that of FROM --platform, or the target's.
func (f *referenceFinder) platformOf(stage instructions.Stage) (ocispecs.Platform, error) {
	if stage.Platform == "" {
		return f.target, nil
	}
	word, _, err := f.lex.ProcessWord(stage.Platform, f.args)
	if err != nil {
		return ocispecs.Platform{}, parser.WithLocation(errors.Wrapf(err, "expand %s", stage.Platform), stage.Location)
	}
	platform, err := platforms.Parse(word)
	if err != nil {
		return ocispecs.Platform{}, parser.WithLocation(errors.Wrapf(err, "parse the platform %s", word), stage.Location)
	}
	return platforms.Normalize(platform), nil
}

// add collects what a stage names: another stage, an image of ours, or one that is not.
func (f *referenceFinder) add(stage int, word string, platform ocispecs.Platform, location []parser.Range) error {
	name, _, err := f.lex.ProcessWord(word, f.args)
	if err != nil {
		return parser.WithLocation(errors.Wrapf(err, "expand %s", word), location)
	}
	if other := f.stage(name, stage); other >= 0 {
		return f.visit(other)
	}
	ref, ok := parseReference(name)
	ref.platform = platform
	if !ok || slices.ContainsFunc(f.found, func(r imageReference) bool { return r.key() == ref.key() }) {
		return nil
	}
	ref.location = location
	f.found = append(f.found, ref)
	return nil
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
	var args []string
	predefined := predefinedArgs(target, host, "default")
	for _, name := range slices.Sorted(maps.Keys(predefined)) {
		value := predefined[name]
		if given, ok := buildArgs[name]; ok {
			value = given
		}
		args = append(args, name+"="+value)
	}
	for _, command := range metaArgs {
		for _, arg := range command.Args {
			value, given := buildArgs[arg.Key]
			if !given && arg.Value == nil {
				continue // it keeps what it was before
			}
			if !given {
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
