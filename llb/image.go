package llb

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/moby/docker-image-spec/specs-go/v1"
	ocispecs "github.com/opencontainers/image-spec/specs-go/v1"

	"github.com/autumnjolitz/distroless-frontend/spec"
)

// nonroot is the user and group id of the user of that name.
const nonroot = 65532

const projectURL = "https://github.com/autumnjolitz/distroless-frontend"

// FinalImage returns the config of the distroless image, without its layers. The client's
// own labels go over all others.
func (g *Graph) FinalImage(labels map[string]string) *v1.DockerOCIImage {
	img := g.emptyImage()
	img.Config.Shell = []string{"/usr/bin/dash", "-c"}
	img.Config.Entrypoint = []string{"/usr/local/bin/python"}
	img.Config.Env = g.keptEnv()
	img.Config.Env = setEnv(img.Config.Env, "BUILD_ROOT", BuildRoot)
	img.Config.Env = setEnv(img.Config.Env, "PYTHON_VERSION", g.Base.PythonXY())
	img.Config.Env = setEnv(img.Config.Env, "ALPINE_VERSION", g.Base.Alpine)
	// What is in the image has bytecode, and of what is not the image is no place to keep any.
	img.Config.Env = setEnv(img.Config.Env, "PYTHONDONTWRITEBYTECODE", "1")
	if level := g.Spec.Bytecode.Optimize; level > 0 {
		// By this the interpreter knows the names of the pycs.
		img.Config.Env = setEnv(img.Config.Env, "PYTHONOPTIMIZE", strconv.Itoa(level))
	}
	img.Config.Labels = g.labels("distroless Python " + g.Base.Python + " on Alpine " + g.Base.Alpine)
	g.configure(&img.Config)
	maps.Copy(img.Config.Labels, labels)
	return img
}

// BuildrootImage returns the config of the companion image: the base's own, and where the
// root is.
func (g *Graph) BuildrootImage(labels map[string]string) *v1.DockerOCIImage {
	img := g.emptyImage()
	img.Config = g.Base.Image.Config
	// The commands work on a root, and what the base does on a build was done for the base.
	img.Config.User, img.Config.OnBuild = "", nil
	img.Config.Env = slices.Clone(g.Base.Image.Config.Env)
	img.Config.Env = setEnv(img.Config.Env, "BUILD_ROOT", BuildRoot)
	img.Config.Env = setEnv(img.Config.Env, "CACHE_ROOT", CacheRoot)
	img.Config.Env = setEnv(img.Config.Env, "PYTHON_VERSION", g.Base.PythonXY())
	img.Config.Env = setEnv(img.Config.Env, "ALPINE_VERSION", g.Base.Alpine)
	img.Config.Env = setEnv(img.Config.Env, "PIP_ROOT_USER_ACTION", "ignore")
	img.Config.Labels = maps.Clone(g.Base.Image.Config.Labels)
	if img.Config.Labels == nil {
		img.Config.Labels = map[string]string{}
	}
	maps.Copy(img.Config.Labels, g.labels("tools to install into a distroless Python "+g.Base.Python+" on Alpine "+g.Base.Alpine))
	maps.Copy(img.Config.Labels, labels)
	return img
}

// TestsImage returns the config of the image that has nothing.
func (g *Graph) TestsImage(labels map[string]string) *v1.DockerOCIImage {
	img := g.emptyImage()
	img.Config.Labels = maps.Clone(labels)
	return img
}

func (g *Graph) emptyImage() *v1.DockerOCIImage {
	img := &v1.DockerOCIImage{}
	img.Platform = g.Base.Platform
	img.RootFS = ocispecs.RootFS{Type: "layers"}
	return img
}

// keptEnv is what of the base's environment means something in an image without its tools.
func (g *Graph) keptEnv() []string {
	var env []string
	for _, name := range []string{"PATH", "LANG"} {
		if value := g.Base.Env(name); value != "" {
			env = append(env, name+"="+value)
		}
	}
	return env
}

func (g *Graph) labels(description string) map[string]string {
	labels := map[string]string{
		"org.opencontainers.image.authors":     "Autumn Jolitz",
		"org.opencontainers.image.source":      projectURL,
		"org.opencontainers.image.title":       "distroless-python",
		"org.opencontainers.image.description": description,
		"org.opencontainers.image.base.name":   g.Base.Name,
		"distroless.python-version":            g.Base.PythonXY(),
		"distroless.alpine-version":            g.Base.Alpine,
		"distroless.base-image":                g.Base.Name,
		"org.alpine.version":                   g.Base.Alpine,
		"org.python.version":                   g.Base.Python,
	}
	if g.Base.Digest != "" {
		labels["org.opencontainers.image.base.digest"] = g.Base.Digest.String()
	}
	return labels
}

// configure applies the keys of the spec that are run-time configuration. Each means what
// the Dockerfile instruction of its name means on an image that has the entrypoint above.
func (g *Graph) configure(config *v1.DockerOCIImageConfig) {
	s := g.Spec
	for _, kv := range s.Env {
		config.Env = setEnv(config.Env, kv.Key, kv.Value)
	}
	for _, kv := range s.Labels {
		config.Labels[kv.Key] = kv.Value
	}
	if len(s.Shell) > 0 {
		config.Shell = s.Shell
	}
	if s.Entrypoint != nil {
		config.Entrypoint = words(s.Entrypoint, config.Shell)
	}
	config.Entrypoint = g.underInit(config.Entrypoint)
	if s.Cmd != nil {
		config.Cmd = words(s.Cmd, config.Shell)
	}
	config.User = s.User
	config.WorkingDir = g.destination(cmp.Or(s.Workdir, "/"))
	config.StopSignal = s.StopSignal
	config.ExposedPorts = setOf(s.ExposedPorts())
	config.Volumes = setOf(s.Volumes)
	config.Healthcheck = healthcheck(s, config.Shell)
}

// words returns the command as exec wants it: a shell form is run by the shell.
func words(command *spec.Command, shell []string) []string {
	if command.Shell {
		return append(slices.Clone(shell), strings.Join(command.Args, " "))
	}
	return command.Args
}

func setEnv(env []string, name, value string) []string {
	kv := name + "=" + value
	for i := range env {
		if strings.HasPrefix(env[i], name+"=") {
			env[i] = kv
			return env
		}
	}
	return append(env, kv)
}

func setOf(values []string) map[string]struct{} {
	if len(values) == 0 {
		return nil
	}
	set := map[string]struct{}{}
	for _, value := range values {
		set[value] = struct{}{}
	}
	return set
}
