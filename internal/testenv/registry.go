package testenv

import (
	"context"
	"fmt"
	"io"
	"log"
	"net/http"
	"net/http/httptest"
	"strings"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	"github.com/google/go-containerregistry/pkg/v1/layout"
	"github.com/google/go-containerregistry/pkg/v1/remote"
)

// Registry is an in-memory container registry. Daemons of the environment see it
// as docker.io when they pull; BuildKit never pushes to a mirror, so a push names
// the registry itself: see Ref.
type Registry struct {
	Recorder

	server *server
}

// StartRegistry starts an empty registry.
func StartRegistry() (*Registry, error) {
	r := &Registry{}
	handler := registry.New(
		registry.Logger(log.New(io.Discard, "", 0)),
		registry.WithReferrersSupport(true),
	)
	srv, err := startServer(r.wrap(openRanges(handler)))
	if err != nil {
		return nil, fmt.Errorf("registry: %w", err)
	}
	r.server = srv
	return r, nil
}

// openRanges has a handler that only knows ranges with an end answer those without one, which
// is how a daemon asks for the rest of a blob that was cut short.
func openRanges(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		start, open := strings.CutSuffix(req.Header.Get("Range"), "-")
		if open {
			head := req.Clone(req.Context())
			head.Method = http.MethodHead
			head.Header.Del("Range")
			answer := httptest.NewRecorder()
			next.ServeHTTP(answer, head)
			if size := answer.Result().ContentLength; size > 0 {
				req.Header.Set("Range", fmt.Sprintf("%s-%d", start, size-1))
			}
		}
		next.ServeHTTP(w, req)
	})
}

// Host is the registry's address, as host:port.
func (r *Registry) Host() string { return r.server.host }

// Ref names the place in this registry of a reference of Docker Hub:
// "docker.io/me/image:tag" and "me/image:tag" give "127.0.0.1:PORT/me/image:tag".
func (r *Registry) Ref(ref string) string {
	ref = strings.TrimPrefix(ref, "docker.io/")
	return r.Host() + "/" + ref
}

// PushLayout pushes the only image or index of the OCI layout in dir as the
// reference ref of Docker Hub.
func (r *Registry) PushLayout(ctx context.Context, dir, ref string) error {
	tag, err := name.NewTag(r.Ref(ref), name.Insecure)
	if err != nil {
		return err
	}
	root, err := layout.ImageIndexFromPath(dir)
	if err != nil {
		return fmt.Errorf("reading the layout %s: %w", dir, err)
	}
	manifest, err := root.IndexManifest()
	if err != nil {
		return fmt.Errorf("reading the layout %s: %w", dir, err)
	}
	if n := len(manifest.Manifests); n != 1 {
		return fmt.Errorf("the layout %s has %d images, expected one", dir, n)
	}
	desc := manifest.Manifests[0]
	if desc.MediaType.IsIndex() {
		index, err := root.ImageIndex(desc.Digest)
		if err != nil {
			return err
		}
		return remote.WriteIndex(tag, index, remote.WithContext(ctx))
	}
	image, err := root.Image(desc.Digest)
	if err != nil {
		return err
	}
	return remote.Write(tag, image, remote.WithContext(ctx))
}

// Close stops the registry and forgets what it held.
func (r *Registry) Close() error { return r.server.Close() }
