// Command frontend serves the frontend to the BuildKit daemon that started it.
package main

import (
	"github.com/moby/buildkit/frontend/gateway/grpcclient"
	"github.com/moby/buildkit/util/appcontext"
	"github.com/sirupsen/logrus"

	"github.com/autumnjolitz/distroless-frontend/frontend"
)

func main() {
	if err := grpcclient.RunFromEnvironment(appcontext.Context(), frontend.Build); err != nil {
		logrus.Fatalf("distroless-frontend: %+v", err)
	}
}
