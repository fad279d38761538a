// Package sourcemap translates places in a spec from the parser's terms to those of the
// daemon's API.
package sourcemap

import (
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/solver/pb"
)

// Ranges returns the same ranges.
func Ranges(ranges []parser.Range) []*pb.Range {
	var protos []*pb.Range
	for _, r := range ranges {
		protos = append(protos, &pb.Range{
			Start: &pb.Position{Line: int32(r.Start.Line), Character: int32(r.Start.Character)},
			End:   &pb.Position{Line: int32(r.End.Line), Character: int32(r.End.Character)},
		})
	}
	return protos
}
