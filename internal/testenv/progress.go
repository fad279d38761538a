package testenv

import (
	"slices"
	"strings"
	"time"

	"github.com/moby/buildkit/client"
	"github.com/opencontainers/go-digest"
)

// Vertex is a step of a build.
type Vertex struct {
	Name   string
	Digest digest.Digest
	Inputs []digest.Digest
	// Group is the name of the progress group; "" for none.
	Group     string
	Cached    bool
	Started   time.Time
	Completed time.Time
	Error     string
	// Log is what the step printed, standard output and error as they came.
	Log string
}

// Ran tells whether the step did its work, rather than being found in the cache
// or not needed.
func (v *Vertex) Ran() bool { return !v.Cached && !v.Completed.IsZero() }

// Took is how long the step worked.
func (v *Vertex) Took() time.Duration {
	if v.Completed.IsZero() {
		return 0
	}
	return v.Completed.Sub(v.Started)
}

// Vertex returns the first step whose name contains substring, or nil.
func (r *BuildResult) Vertex(substring string) *Vertex {
	for _, v := range r.Vertices {
		if strings.Contains(v.Name, substring) {
			return v
		}
	}
	return nil
}

// Log returns what all steps printed, each after its name: for failed tests.
func (r *BuildResult) Log() string {
	var b strings.Builder
	for _, v := range r.Vertices {
		if v.Log == "" && v.Error == "" {
			continue
		}
		b.WriteString("--- " + v.Name + "\n" + v.Log)
		if v.Error != "" {
			b.WriteString("ERROR: " + v.Error + "\n")
		}
	}
	return b.String()
}

// progress gathers the status messages of a build.
type progress struct {
	vertices []*Vertex
	warnings []*client.VertexWarning
	index    map[digest.Digest]*Vertex
}

func newProgress() *progress {
	return &progress{index: map[digest.Digest]*Vertex{}}
}

func (p *progress) add(status *client.SolveStatus) {
	for _, v := range status.Vertexes {
		p.vertex(v.Digest).update(v)
	}
	for _, l := range status.Logs {
		p.vertex(l.Vertex).Log += string(l.Data)
	}
	p.warnings = append(p.warnings, status.Warnings...)
}

func (p *progress) vertex(d digest.Digest) *Vertex {
	v, ok := p.index[d]
	if !ok {
		v = &Vertex{Digest: d}
		p.index[d] = v
		p.vertices = append(p.vertices, v)
	}
	return v
}

// update takes a newer message about the vertex in. A vertex can start and
// complete more than once; the first start and the last end bound its work.
func (v *Vertex) update(m *client.Vertex) {
	v.Name = m.Name
	v.Inputs = slices.Clone(m.Inputs)
	v.Cached = v.Cached || m.Cached
	if m.ProgressGroup != nil {
		v.Group = m.ProgressGroup.Name
	}
	if m.Started != nil && v.Started.IsZero() {
		v.Started = *m.Started
	}
	if m.Completed != nil {
		v.Completed = *m.Completed
	}
	if m.Error != "" {
		v.Error = m.Error
	}
}
