package frontend

import (
	"bytes"
	"context"
	"encoding/json"

	"github.com/moby/buildkit/frontend/dockerui"
	"github.com/moby/buildkit/frontend/gateway/client"
	"github.com/moby/buildkit/frontend/subrequests"
	"github.com/moby/buildkit/frontend/subrequests/lint"
	"github.com/moby/buildkit/frontend/subrequests/outline"
	"github.com/moby/buildkit/frontend/subrequests/targets"
	"github.com/pkg/errors"

	"github.com/autumnjolitz/distroless-frontend/spec"
)

// keyRequestID is the option by which a client asks for something else than a build.
const keyRequestID = "requestid"

// schemaRequest asks for the JSON Schema of a spec: docker buildx build --call=schema.
var schemaRequest = subrequests.Request{
	Name:        "frontend.schema",
	Version:     "1.0.0",
	Type:        subrequests.TypeRPC,
	Description: "Print the JSON Schema of a spec",
	Opts:        []subrequests.Named{},
	Metadata:    []subrequests.Named{{Name: "result.json"}, {Name: "result.txt"}},
}

// requests are those that are answered for a spec.
func requests() []subrequests.Request {
	return []subrequests.Request{
		outline.SubrequestsOutlineDefinition,
		targets.SubrequestsTargetsDefinition,
		lint.SubrequestLintDefinition,
		schemaRequest,
		subrequests.SubrequestsDescribeDefinition,
	}
}

// handleSubrequest answers requests that build nothing, such as --call=targets.
func handleSubrequest(ctx context.Context, bc *dockerui.Client, src *dockerui.Source) (*client.Result, bool, error) {
	if bc.BuildOpts().Opts[keyRequestID] == subrequests.RequestSubrequestsDescribe {
		// The library's own answer leaves out lint.
		res, err := describe()
		return res, true, err
	}
	return bc.HandleSubrequest(ctx, dockerui.RequestHandler{
		ListTargets: listTargets,
		Outline:     func(context.Context) (*outline.Outline, error) { return outlineOf(bc, src) },
		Lint:        func(ctx context.Context) (*lint.LintResults, error) { return check(ctx, bc, src) },
	})
}

// describe lists the requests that are answered.
func describe() (*client.Result, error) {
	list, err := json.MarshalIndent(requests(), "", "  ")
	if err != nil {
		return nil, errors.Wrap(err, "marshal the list of requests")
	}
	var text bytes.Buffer
	if err := subrequests.PrintDescribe(list, &text); err != nil {
		return nil, errors.Wrap(err, "print the list of requests")
	}
	return answer(subrequests.SubrequestsDescribeDefinition, list, text.Bytes()), nil
}

func schemaResult() *client.Result {
	return answer(schemaRequest, spec.Schema(), spec.Schema())
}

// answer is the result of a request, for programs and for people.
func answer(request subrequests.Request, json, text []byte) *client.Result {
	res := client.NewResult()
	res.AddMeta("result.json", json)
	res.AddMeta("result.txt", text)
	res.AddMeta("version", []byte(request.Version))
	return res
}
