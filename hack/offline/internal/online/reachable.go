package online

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"github.com/google/go-containerregistry/pkg/name"
)

// reachTimeout is how long a server may take to answer at all.
const reachTimeout = 3 * time.Second

// reachable tells soon what would otherwise fail late: that a server does not answer.
func (o Options) reachable(ctx context.Context) error {
	registry, err := name.NewRegistry(o.Registry)
	if err != nil {
		return err
	}
	for _, url := range []string{
		registry.Scheme() + "://" + registry.RegistryStr() + "/v2/",
		o.Alpine + "/v" + o.Branch + "/main/",
	} {
		if err := answers(ctx, url); err != nil {
			return fmt.Errorf("it cannot be reached: %w", err)
		}
	}
	return nil
}

// answers is content with any answer: a registry's first is that one has to log in.
func answers(ctx context.Context, url string) error {
	ctx, cancel := context.WithTimeout(ctx, reachTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodHead, url, nil)
	if err != nil {
		return err
	}
	res, err := http.DefaultClient.Do(req)
	if err != nil {
		return err
	}
	if err := res.Body.Close(); err != nil {
		return err
	}
	if res.StatusCode >= http.StatusInternalServerError || res.StatusCode == http.StatusForbidden {
		return fmt.Errorf("%s answers %s", url, res.Status) // a proxy that lets nobody through
	}
	return nil
}
