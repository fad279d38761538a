package frontend

import (
	"github.com/moby/buildkit/client/llb"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/buildkit/solver/errdefs"
	"github.com/moby/buildkit/solver/pb"
	"github.com/moby/buildkit/util/grpcerrors"
	"github.com/pkg/errors"
	"google.golang.org/grpc/status"

	"github.com/autumnjolitz/distroless-frontend/internal/requirements"
	"github.com/autumnjolitz/distroless-frontend/internal/sourcemap"
)

// withSource turns the locations of an error into excerpts of the spec, which clients print.
func withSource(err error, sm *llb.SourceMap) error {
	var elsewhere *requirements.Error
	if errors.As(err, &elsewhere) {
		return withRequirementsSource(err, elsewhere)
	}
	var located *parser.LocationError
	if !errors.As(err, &located) {
		return err
	}
	for _, ranges := range located.Locations {
		source := &errdefs.Source{
			Info: &pb.SourceInfo{
				Data:       sm.Data,
				Filename:   sm.Filename,
				Language:   sm.Language,
				Definition: sm.Definition.ToPB(),
			},
			Ranges: sourcemap.Ranges(ranges),
		}
		err = errdefs.WithSource(err, source)
	}
	return err
}

// withRequirementsSource has clients print the line of a file that the spec names.
func withRequirementsSource(err error, at *requirements.Error) error {
	line := parser.Position{Line: at.Line}
	return errdefs.WithSource(err, &errdefs.Source{
		Info:   &pb.SourceInfo{Data: at.Data, Filename: at.File},
		Ranges: sourcemap.Ranges([]parser.Range{{Start: line, End: line}}),
	})
}

// worded keeps the words that were put around an error of the daemon. Of such a chain gRPC
// sends the innermost message alone, unless an error further out has a status of its own.
type worded struct{ error }

func withWords(err error) error {
	if err == nil {
		return nil
	}
	return worded{err}
}

func (w worded) Unwrap() error { return w.error }

func (w worded) GRPCStatus() *status.Status {
	return status.New(grpcerrors.Code(w.error), w.Error())
}
