package main

import (
	"bytes"
	"io"
	"log"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/google/go-containerregistry/pkg/name"
	"github.com/google/go-containerregistry/pkg/registry"
	v1 "github.com/google/go-containerregistry/pkg/v1"
	"github.com/google/go-containerregistry/pkg/v1/empty"
	"github.com/google/go-containerregistry/pkg/v1/mutate"
	"github.com/google/go-containerregistry/pkg/v1/remote"
	"github.com/stretchr/testify/require"
)

const plan = `{"target": {
	"python-3-13-alpine3-20-final": {"dockerfile-inline": "#syntax=x\npython: \"3.13.1\"\nalpine: \"3.20\"\n"},
	"python-3-13-alpine3-20-buildroot": {"dockerfile-inline": "#syntax=x\npython: \"3.13.1\"\nalpine: \"3.20\"\n"},
	"python-3-10-alpine3-21-final": {"dockerfile-inline": "#syntax=x\npython: \"3.10.2\"\nalpine: \"3.21\"\n"},
	"frontend": {"context": "."}
}}`

// registryWith starts a registry that has base images of these environments, and returns the
// name of their repository.
func registryWith(t *testing.T, envs map[string][]string) string {
	t.Helper()
	server := httptest.NewServer(registry.New(registry.Logger(log.New(io.Discard, "", 0))))
	t.Cleanup(server.Close)
	repository := strings.TrimPrefix(server.URL, "http://") + "/library/python"
	for tag, env := range envs {
		img, err := mutate.Config(empty.Image, v1.Config{Env: env})
		require.NoError(t, err)
		ref, err := name.NewTag(repository + ":" + tag)
		require.NoError(t, err)
		require.NoError(t, remote.Write(ref, img))
	}
	return repository
}

func TestVersionsAreThoseOfTheRegistry(t *testing.T) {
	repository := registryWith(t, map[string][]string{
		"3.10-alpine3.21": {"PATH=/bin", "PYTHON_VERSION=3.10.19"},
		"3.13-alpine3.20": {"PYTHON_VERSION=3.13.5"},
	})
	var out bytes.Buffer
	require.NoError(t, run(t.Context(), strings.NewReader(plan), &out, repository))
	require.JSONEq(t, `{"3.10-alpine3.21": "3.10.19", "3.13-alpine3.20": "3.13.5"}`, out.String())
}

func TestWhatIsWrongIsNamed(t *testing.T) {
	one := `{"target": {"p": {"dockerfile-inline": "python: \"3.13.1\"\nalpine: \"3.20\"\n"}}}`
	for _, test := range []struct {
		name, plan string
		env        []string
		want       string
	}{
		{"no plan", "", nil, "reading what bake would build: EOF"},
		{"no spec", `{"target": {"frontend": {}}}`, nil, "no target has a spec inline"},
		{"bad spec", `{"target": {"p": {"dockerfile-inline": "pyton: 3"}}}`, nil, "pyton"},
		{"no version", one, []string{"PATH=/bin"}, "/library/python:3.13-alpine3.20: its environment has no PYTHON_VERSION=3.13.Z"},
		{"other version", one, []string{"PYTHON_VERSION=3.130.1"}, "no PYTHON_VERSION=3.13.Z"},
		{"no image", strings.ReplaceAll(one, "3.20", "3.23"), nil, "3.13-alpine3.23"},
	} {
		t.Run(test.name, func(t *testing.T) {
			repository := registryWith(t, map[string][]string{"3.13-alpine3.20": test.env})
			var out bytes.Buffer
			require.ErrorContains(t, run(t.Context(), strings.NewReader(test.plan), &out, repository), test.want)
			require.Empty(t, out.String(), "nothing half-written")
		})
	}
}
