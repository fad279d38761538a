package llb

import (
	"regexp"
	"slices"
	"strings"

	"github.com/moby/buildkit/client/llb"
	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	digest "github.com/opencontainers/go-digest"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"
	"github.com/pkg/errors"
)

// Base is the image an interpreter comes from, resolved for one platform.
type Base struct {
	Name     string        // as a user would pull it: docker.io/library/python:3.13-alpine3.20
	Digest   digest.Digest // of the index or manifest Name stood for; empty for a context without one
	State    llb.State     // its file system with its environment, pinned to Digest if it is from a registry
	Image    dockerspec.DockerOCIImage
	Platform ocispecs.Platform

	Python string // X.Y.Z, from the image's environment
	Alpine string // X.Y
}

var (
	pythonVersion = regexp.MustCompile(`^\d+\.\d+(\.\d+)?`)
	tooOld        = regexp.MustCompile(`^([0-2]\.|3\.\d(\.|$))`)
)

// PythonVersionOf returns the X.Y.Z that an official Python image has in PYTHON_VERSION. It
// must be 3.10 or later: before, the scripts of the ops do not run.
func PythonVersionOf(img dockerspec.DockerOCIImage) (string, error) {
	for _, kv := range img.Config.Env {
		version, ok := strings.CutPrefix(kv, "PYTHON_VERSION=")
		if !ok || !pythonVersion.MatchString(version) {
			continue
		}
		if tooOld.MatchString(version) {
			return "", errors.Errorf("its Python is %s: expected 3.10 or later", version)
		}
		return version, nil
	}
	return "", errors.New("its environment has no PYTHON_VERSION, as every python:X.Y-alpineA.B image has: " +
		"name an image that was made from one of these")
}

// PythonXY returns the first two numbers of the version, by which Python names its folders.
func (b Base) PythonXY() string {
	numbers := strings.SplitN(b.Python, ".", 3)
	return strings.Join(numbers[:2], ".")
}

// Env returns the value of a variable of the image, or "".
func (b Base) Env(name string) string {
	i := slices.IndexFunc(b.Image.Config.Env, func(kv string) bool { return strings.HasPrefix(kv, name+"=") })
	if i < 0 {
		return ""
	}
	return b.Image.Config.Env[i][len(name)+1:]
}
