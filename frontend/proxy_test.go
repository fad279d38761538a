package frontend_test

import (
	"net"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
)

// The proxies of the client are there for apk and pip, in either case, without the spec
// declaring them, and not in the image.
func TestIntegrationProxyArgs(t *testing.T) {
	mirror, err := url.Parse(shared.Env(t).Fixtures.URL())
	require.NoError(t, err)
	var apkAsked, pipAsked atomic.Bool
	forward := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) {
		r.SetURL(mirror)
	}}
	proxy := httptest.NewUnstartedServer(nil)
	t.Cleanup(proxy.Close)
	// A name of this run, for proxies are no part of what steps are cached by.
	_, port, err := net.SplitHostPort(proxy.Listener.Addr().String())
	require.NoError(t, err)
	host := "mirror-" + port + ".invalid"
	proxy.Config.Handler = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Host != host {
			http.Error(w, "not asked as a proxy", http.StatusBadRequest)
			return
		}
		apkAsked.CompareAndSwap(false, strings.HasPrefix(r.URL.Path, "/alpine/"))
		pipAsked.CompareAndSwap(false, strings.HasPrefix(r.URL.Path, "/wheels/"))
		forward.ServeHTTP(w, r)
	})
	proxy.Start()

	apk, err := url.Parse(shared.Env(t).Fixtures.APKRepository())
	require.NoError(t, err)
	res := build{
		spec: minimal + "packages: [zip]\npip: {packages: [six==1.17.0]}\n",
		BuildRequest: testenv.BuildRequest{BuildArgs: map[string]string{
			"APK_REPOSITORIES": "http://" + host + apk.Path,
			"PIP_FIND_LINKS":   "http://" + host + "/wheels/",
			"PIP_TRUSTED_HOST": host,
			"http_proxy":       proxy.URL,
			"NO_PROXY":         "localhost",
		}},
	}.must(t)
	require.True(t, apkAsked.Load(), "apk asked for nothing")
	require.True(t, pipAsked.Load(), "pip asked for nothing")
	require.Empty(t, res.Warnings)
	for _, env := range res.Image.Config.Config.Env {
		require.NotRegexp(t, `(?i)proxy`, env)
	}
}
