package llb

import (
	"cmp"
	"strconv"
	"time"

	"github.com/moby/buildkit/client/llb"
	"github.com/moby/docker-image-spec/specs-go/v1"

	"github.com/autumnjolitz/distroless-frontend/spec"
)

// healthcheckPath is where the image has the script that asks its server.
const healthcheckPath = "/usr/local/lib/distroless/healthcheck.py"

// healthcheckSource is where our scripts have it.
const healthcheckSource = "/image/healthcheck.py"

// healthcheckScript returns the tree of that script, or nothing if the health check of the spec
// does not use it. What it asks is in the configuration and changes no op.
func (g *Graph) healthcheckScript() []llb.State {
	if _, ok := g.Spec.Probe(); !ok {
		return nil
	}
	shared := g.shared()
	copied := shared.run(op{
		name: "[files] add the health check",
		args: shared.settled([]string{"install", "-D", "-m", "0644", toolsDir + healthcheckSource, outDir + healthcheckPath}),
		path: "healthcheck",
	})
	return []llb.State{copied.AddMount(outDir, llb.Scratch())}
}

// healthcheck writes the check in the words of the image config: NONE or CMD.
func healthcheck(s *spec.Spec, shell []string) *v1.HealthcheckConfig {
	h := s.Healthcheck
	switch {
	case h == nil:
		return nil
	case h.Disable:
		return &v1.HealthcheckConfig{Test: []string{"NONE"}}
	}
	return &v1.HealthcheckConfig{
		// CMD-SHELL would be run by the shell of the image as well, but not every engine
		// knows SHELL, and /bin/sh may be none.
		Test:          append([]string{"CMD"}, healthcheckWords(s, shell)...),
		Interval:      h.Interval,
		Timeout:       h.Timeout,
		StartPeriod:   h.StartPeriod,
		StartInterval: h.StartInterval,
		Retries:       h.Retries,
	}
}

func healthcheckWords(s *spec.Spec, shell []string) []string {
	h := s.Healthcheck
	if len(h.Exec) > 0 {
		return h.Exec
	}
	probe, ok := s.Probe()
	if !ok {
		return words(h.Cmd, shell)
	}
	python := []string{"/usr/local/bin/python", "-I", "-S", healthcheckPath}
	if probe.Path == "" {
		return append(python, "tcp", probeSeconds(h), probe.Port)
	}
	return append(python, "http", probeSeconds(h), probe.Port, probe.Path, probe.FirstStatus, probe.LastStatus)
}

// engineTimeout is that of a check that names none.
const engineTimeout = 30 * time.Second

// probeSeconds returns for how long to wait for an answer: a little less than the engine waits
// for the check, so that it can say what has failed.
func probeSeconds(h *spec.Healthcheck) string {
	wait := cmp.Or(h.Timeout, engineTimeout) * 9 / 10
	return strconv.FormatFloat(wait.Seconds(), 'f', -1, 64)
}
