package main

import (
	"context"

	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
)

// What the minimal image may weigh.
const (
	maxDisk   = 23.0e6
	maxPulled = 11.0 * (1 << 20)
)

// size weighs the images: what their files take on disk, and what a pull transfers (gzip).
// The minimal image is held against the base, the flask image against its peer.
func (b *bench) size(ctx context.Context) error {
	base, err := b.base(ctx)
	if err != nil {
		return err
	}
	minimal, err := b.minimalImage(ctx)
	if err != nil {
		return err
	}
	if err := b.addSizes("minimal | base", minimal, base, maxDisk, maxPulled); err != nil {
		return err
	}
	f, err := b.newFlask()
	if err != nil {
		return err
	}
	ours, err := b.image(ctx, "flask", f.ours)
	if err != nil {
		return err
	}
	peer, err := b.image(ctx, "peer of flask", f.peer)
	if err != nil {
		return err
	}
	return b.addSizes("flask | peer", ours, peer, 0, 0)
}

func (b *bench) addSizes(what string, ours, peer *testenv.Image, disk, pulled float64) error {
	onDisk, err := ours.DiskSize()
	if err != nil {
		return err
	}
	peerOnDisk, err := peer.DiskSize()
	if err != nil {
		return err
	}
	b.table.add(comparison{
		what: "on disk: " + what, unit: megabytes, ours: float64(onDisk), peer: float64(peerOnDisk), value: disk,
	})
	b.table.add(comparison{
		what: "pulled: " + what, unit: mebibytes, ours: float64(ours.PulledSize()), peer: float64(peer.PulledSize()), value: pulled,
	})
	return nil
}
