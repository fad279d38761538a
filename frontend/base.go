package frontend

import (
	"context"
	"encoding/json"
	"regexp"
	"strings"

	"github.com/distribution/reference"
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/client/llb/sourceresolver"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/moby/buildkit/frontend/gateway/client"
	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	digest "github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/pkg/errors"

	graph "github.com/autumnjolitz/distroless-frontend/llb"
)

// resolveBase finds the base image of the spec for a platform: a named context of its name
// first, as for a Dockerfile's FROM, then the registry.
func (b *builder) resolveBase(ctx context.Context, platform ocispecs.Platform) (*graph.Base, error) {
	name, path := b.baseName()
	base, err := b.bases.get(name, platform, func() (*graph.Base, error) { return b.resolve(ctx, name, platform) })
	if err != nil {
		return nil, parser.WithLocation(errors.Wrapf(err, "resolve the base image %s", name), b.locate(path))
	}
	return base, nil
}

// baseName returns the reference of the base, and the key of the spec it follows from.
func (b *builder) baseName() (name, path string) {
	if b.spec.Base != "" {
		return b.spec.Base, "base"
	}
	return "docker.io/library/python:" + b.spec.Python + "-alpine" + b.spec.Alpine, "python"
}

func (b *builder) resolve(ctx context.Context, name string, platform ocispecs.Platform) (*graph.Base, error) {
	named, err := reference.ParseNormalizedNamed(name)
	if err != nil {
		return nil, errors.Wrap(err, "parse the reference")
	}
	named = reference.TagNameOnly(named)
	base, err := b.fromNamedContext(ctx, named, platform)
	if err != nil {
		return nil, err
	}
	if base == nil {
		if base, err = b.fromRegistry(ctx, named, platform); err != nil {
			return nil, err
		}
	}
	if base.Python, err = graph.PythonVersionOf(base.Image); err != nil {
		return nil, err
	}
	base.State = withoutSettings(base.State, base.Image)
	base.Alpine, err = b.alpineVersion(ctx, base)
	return base, err
}

// withoutSettings empties the variables of an image by which its interpreter would write other
// bytecode, or elsewhere, than in one that has none, such as PYTHONOPTIMIZE: the result has none.
// To an interpreter an empty variable is one that is not set. PYTHON_VERSION is nothing to it.
func withoutSettings(st llb.State, img dockerspec.DockerOCIImage) llb.State {
	for _, variable := range img.Config.Env {
		name, _, _ := strings.Cut(variable, "=")
		if strings.HasPrefix(name, "PYTHON") && !strings.Contains(name, "_") {
			st = st.AddEnv(name, "")
		}
	}
	return st
}

func (b *builder) fromNamedContext(ctx context.Context, named reference.Named, platform ocispecs.Platform) (*graph.Base, error) {
	var dgst digest.Digest
	nc, err := b.bc.NamedContext(named.String(), dockerui.ContextOpt{
		Platform:      &platform,
		ResolveMode:   b.bc.ImageResolveMode.String(),
		CaptureDigest: &dgst,
	})
	if err != nil || nc == nil {
		return nil, err
	}
	st, img, err := nc.Load(ctx)
	if err != nil {
		return nil, errors.Wrap(err, "load the build context of that name")
	}
	if img == nil {
		return nil, errors.New("the build context of that name is not an image: give one as docker-image://, oci-layout:// or target:")
	}
	return &graph.Base{Name: named.String(), Digest: dgst, State: *st, Image: *img, Platform: platform}, nil
}

func (b *builder) fromRegistry(ctx context.Context, named reference.Named, platform ocispecs.Platform) (*graph.Base, error) {
	ref, dgst, config, err := b.bc.GatewayClient().ResolveImageConfig(ctx, named.String(), sourceresolver.Opt{
		LogName: "[base] find " + reference.FamiliarString(named),
		ImageOpt: &sourceresolver.ResolveImageOpt{
			Platform:    &platform,
			ResolveMode: b.bc.ImageResolveMode.String(),
		},
	})
	if err != nil {
		return nil, err
	}
	var img dockerspec.DockerOCIImage
	if err := json.Unmarshal(config, &img); err != nil {
		return nil, errors.Wrap(err, "read the image config")
	}
	pinned, err := pin(ref, dgst)
	if err != nil {
		return nil, err
	}
	st, err := llb.Image(pinned.String(),
		llb.Platform(platform),
		b.bc.ImageResolveMode,
		llb.WithCustomName("[base] "+pinned.String()),
	).WithImageConfig(config)
	if err != nil {
		return nil, errors.Wrap(err, "apply the image config")
	}
	return &graph.Base{Name: named.String(), Digest: dgst, State: st, Image: img, Platform: platform}, nil
}

// pin has a reference name one image for good.
func pin(ref string, dgst digest.Digest) (reference.Named, error) {
	named, err := reference.ParseNormalizedNamed(ref)
	if err != nil {
		return nil, errors.Wrapf(err, "parse the resolved reference %s", ref)
	}
	if dgst == "" {
		return named, nil
	}
	pinned, err := reference.WithDigest(reference.TrimNamed(named), dgst)
	if err != nil {
		return nil, errors.Wrapf(err, "pin %s to %s", ref, dgst)
	}
	if tagged, ok := named.(reference.Tagged); ok {
		return reference.WithTag(pinned, tagged.Tag())
	}
	return pinned, nil
}

var alpineTag = regexp.MustCompile(`-alpine(\d+\.\d+)$`)

// alpineVersion returns X.Y. An official image says it in its tag; any other has to be asked,
// which costs pulling it before the graph is made.
func (b *builder) alpineVersion(ctx context.Context, base *graph.Base) (string, error) {
	if b.spec.Alpine != "" {
		return b.spec.Alpine, nil
	}
	name, _, _ := strings.Cut(base.Name, "@")
	if match := alpineTag.FindStringSubmatch(name); match != nil {
		return match[1], nil
	}
	ref, err := b.solve(ctx, base.State, base.Platform)
	if err != nil {
		return "", err
	}
	release, err := ref.ReadFile(ctx, client.ReadRequest{Filename: "/etc/alpine-release"})
	if err != nil {
		return "", errors.Wrap(err, "read its /etc/alpine-release (the base has to be an Alpine image)")
	}
	numbers := strings.SplitN(strings.TrimSpace(string(release)), ".", 3)
	if len(numbers) < 2 {
		return "", errors.Errorf("its /etc/alpine-release is %q: expected X.Y.Z", release)
	}
	return numbers[0] + "." + numbers[1], nil
}
