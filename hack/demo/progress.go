package main

import (
	"context"
	"os"
	"sync"

	"github.com/moby/buildkit/client"
	"github.com/moby/buildkit/util/progress/progressui"
	"golang.org/x/sys/unix"
)

// A progress shows a build as it goes on: as docker does on a terminal, and elsewhere one
// line for each step that did something.
type progress struct {
	statuses chan *client.SolveStatus
	shown    sync.WaitGroup
}

func newProgress(out *os.File) *progress {
	p := &progress{statuses: make(chan *client.SolveStatus)}
	p.shown.Add(1)
	go func() {
		defer p.shown.Done()
		display, err := progressui.NewDisplay(out, progressui.TtyMode)
		if err != nil || !isTerminal(out) {
			p.lines(out)
			return
		}
		// Not the build's context: the display ends when the statuses do.
		_, _ = display.UpdateFrom(context.Background(), p.statuses)
	}()
	return p
}

func (p *progress) status(s *client.SolveStatus) { p.statuses <- s }

func (p *progress) done() {
	close(p.statuses)
	p.shown.Wait()
}

// lines prints a line when a step ends, but not for those without interest.
func (p *progress) lines(out *os.File) {
	printed := map[string]bool{}
	for s := range p.statuses {
		for _, v := range s.Vertexes {
			if v.Completed == nil || v.Started == nil || printed[v.Digest.String()] || internal(v.Name) {
				continue
			}
			printed[v.Digest.String()] = true
			if v.Cached {
				printf(out, "    %s (cached)\n", v.Name)
				continue
			}
			printf(out, "    %s (%.1f s)\n", v.Name, v.Completed.Sub(*v.Started).Seconds())
		}
	}
}

func isTerminal(f *os.File) bool {
	_, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS)
	return err == nil
}
