package frontend_test

import "github.com/autumnjolitz/distroless-frontend/internal/testenv"

// What a document calls the reader's registry, and the machines that run BuildKit daemons.
const (
	exampleRegistry = "registry.example"
	firstMachine    = "tcp://build1.example:1234"
	secondMachine   = "tcp://build2.example:1234"
)

// secondDaemon is one that has built nothing before this document.
func (r *reader) secondDaemon() *testenv.Daemon {
	if r.second == nil {
		r.second = startDaemon(r.t, r.env)
	}
	return r.second
}

// create runs docker buildx create.
func (r *reader) create(args []string) (string, error) {
	return r.run(r.buildx, append([]string{"create"}, args...)...)
}
