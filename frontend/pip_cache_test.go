package frontend_test

import (
	"encoding/base64"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/containerd/platforms"
	"github.com/stretchr/testify/require"

	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
)

// A varying index has a wheel of another content for each user, and lets pip keep all that it
// answers. It says of wheels that they depend on who asks, and of pages once they are asked for again.
type varyingIndex struct {
	*index
	wheels map[string]string // by user
}

func (v *varyingIndex) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	user, _, ok := r.BasicAuth()
	if !ok {
		w.Header().Set("WWW-Authenticate", `Basic realm="index"`)
		http.Error(w, "who are you?", http.StatusUnauthorized)
		return
	}
	const tag = `"1"`
	w.Header().Set("ETag", tag)
	switch {
	case strings.Contains(r.URL.Path, "/gear-"):
		w.Header().Set("Vary", "Accept-Encoding, authorization")
		w.Header().Set("Cache-Control", "max-age=365000000")
		_, _ = w.Write([]byte(v.wheels[user]))
	case strings.HasPrefix(r.URL.Path, "/simple/") && r.Header.Get("If-None-Match") == tag:
		w.Header().Set("Vary", "Authorization, Cookie")
		w.WriteHeader(http.StatusNotModified)
	default:
		v.index.ServeHTTP(w, r)
	}
}

// What pip keeps for later builds has no login in it, and what is for one user is not given to another.
func TestIntegrationPipKeepsNoLogins(t *testing.T) {
	v := &varyingIndex{newIndex(t), map[string]string{}}
	for _, user := range []string{"first", "second"} {
		file, content := wheel(t, "gear", "1.0", map[string]string{"gear.py": "owner = '" + user + "'\n"})
		v.index.wheels["gear"] = []string{file}
		v.wheels[user] = content
	}
	server := httptest.NewServer(v)
	t.Cleanup(server.Close)
	args := online().BuildArgs
	args["BUILDKIT_CACHE_MOUNT_NS"] = "no-logins"

	for _, step := range []struct{ user, credentials, packages string }{
		{"first", "", "gear"},
		{"second", ", credentials: [{host: 127.0.0.1, username: second, password-secret: p}]", "gear, six"},
		{"first", "", "gear, six, idna"},
	} {
		req := withSecrets(map[string]string{"netrc": "machine 127.0.0.1 login first password " + canary + "\n", "p": canary})
		req.BuildArgs = args
		spec := minimal + "pip: {packages: [" + step.packages + "], index-url: " + server.URL + "/simple, trusted-hosts: [127.0.0.1]" + step.credentials + "}\n"
		res := build{spec: spec, BuildRequest: req}.must(t)
		require.Equal(t, step.user, python(t, res.Image, "import gear; print(gear.owner)"))
	}

	kept := keptByPip(t, args)
	answers, err := filepath.Glob(filepath.Join(kept, "http*"))
	require.NoError(t, err)
	require.NotEmpty(t, answers)
	logins := newSearch(map[string]string{
		"password":     canary,
		"first login":  base64.StdEncoding.EncodeToString([]byte("first:" + canary)),
		"second login": base64.StdEncoding.EncodeToString([]byte("second:" + canary)),
	})
	require.Empty(t, logins.below(t, kept))
}

// pipCache is the id of the cache mount that pip has on the base of the tests.
func pipCache() string {
	return "distroless/pip/2/3.13-alpine3.20/" + platforms.Format(platforms.Normalize(platforms.DefaultSpec()))
}

// keptByPip returns a copy of what pip keeps of one build for others.
func keptByPip(t *testing.T, args map[string]string) (dir string) {
	t.Helper()
	res, err := shared.Env(t).Build(t.Context(), testenv.BuildRequest{
		DockerfileInline: "FROM python:3.13-alpine3.20\nRUN --mount=type=cache,id=" + pipCache() + ",target=/cache cp -R /cache /kept\n",
		BuildArgs:        args,
	})
	require.NoError(t, err, res.Log())
	root, err := res.Image.Rootfs(t.Context())
	require.NoError(t, err)
	kept := filepath.Join(root, "kept")
	entries, err := os.ReadDir(kept)
	require.NoError(t, err)
	require.NotEmpty(t, entries)
	return kept
}
