package frontend

import (
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/solver/errdefs"
	"github.com/moby/buildkit/solver/pb"
	"github.com/pkg/errors"
)

// withSource turns the locations of an error into excerpts of the spec, which clients print.
func withSource(err error, sm *llb.SourceMap) error {
	var located *parser.LocationError
	if !errors.As(err, &located) {
		return err
	}
	for _, ranges := range located.Locations {
		source := &errdefs.Source{Info: &pb.SourceInfo{
			Data:       sm.Data,
			Filename:   sm.Filename,
			Language:   sm.Language,
			Definition: sm.Definition.ToPB(),
		}}
		for _, r := range ranges {
			source.Ranges = append(source.Ranges, &pb.Range{
				Start: &pb.Position{Line: int32(r.Start.Line), Character: int32(r.Start.Character)},
				End:   &pb.Position{Line: int32(r.End.Line), Character: int32(r.End.Character)},
			})
		}
		err = errdefs.WithSource(err, source)
	}
	return err
}
