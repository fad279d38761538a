package testenv

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"

	controlapi "github.com/moby/buildkit/api/services/control"
	"github.com/moby/buildkit/client"
)

// A PastBuild is what a daemon remembers of a build.
type PastBuild struct {
	// FrontendAttrs are the options that the frontend was given, such as "platform".
	FrontendAttrs map[string]string
	// Vertices are the steps, in the order they were first heard of.
	Vertices []*Vertex

	ref string
}

// History returns the builds that the daemon has completed, oldest first, whoever asked for
// them.
func (d *Daemon) History(ctx context.Context) ([]*PastBuild, error) {
	c, err := d.Client(ctx)
	if err != nil {
		return nil, err
	}
	defer c.Close()
	builds, err := completedBuilds(ctx, c.ControlClient())
	if err != nil {
		return nil, fmt.Errorf("listing the builds: %w", err)
	}
	for _, b := range builds {
		if b.Vertices, err = replay(ctx, c.ControlClient(), b.ref); err != nil {
			return nil, fmt.Errorf("build %s: %w", b.ref, err)
		}
	}
	return builds, nil
}

func completedBuilds(ctx context.Context, c controlapi.ControlClient) ([]*PastBuild, error) {
	events, err := c.ListenBuildHistory(ctx, &controlapi.BuildHistoryRequest{EarlyExit: true})
	if err != nil {
		return nil, err
	}
	var records []*controlapi.BuildHistoryRecord
	for {
		event, err := events.Recv()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, err
		}
		if event.Type == controlapi.BuildHistoryEventType_COMPLETE {
			records = append(records, event.Record)
		}
	}
	slices.SortFunc(records, func(a, b *controlapi.BuildHistoryRecord) int {
		return a.CreatedAt.AsTime().Compare(b.CreatedAt.AsTime())
	})
	var builds []*PastBuild
	for _, r := range records {
		builds = append(builds, &PastBuild{FrontendAttrs: r.FrontendAttrs, ref: r.Ref})
	}
	return builds, nil
}

// replay has the daemon send the progress of a build again.
func replay(ctx context.Context, c controlapi.ControlClient, ref string) ([]*Vertex, error) {
	stream, err := c.Status(ctx, &controlapi.StatusRequest{Ref: ref})
	if err != nil {
		return nil, err
	}
	progress := newProgress()
	for {
		status, err := stream.Recv()
		if errors.Is(err, io.EOF) {
			return progress.vertices, nil
		}
		if err != nil {
			return nil, err
		}
		progress.add(client.NewSolveStatus(status))
	}
}
