package frontend_test

import (
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
)

// finals are the images that several tests look at, by spec. They are exported and unpacked
// once; who changes one of their files does so in a container.
var finals = struct {
	sync.Mutex
	bySpec map[string]*testenv.Image
}{bySpec: map[string]*testenv.Image{}}

// finalOf returns the image of a spec that needs no files of the context.
func finalOf(t *testing.T, spec string) *testenv.Image {
	t.Helper()
	finals.Lock()
	defer finals.Unlock()
	if img, ok := finals.bySpec[spec]; ok {
		return img
	}
	img := build{spec: spec}.must(t).Image
	finals.bySpec[spec] = img
	return img
}

// dockerfile builds a Dockerfile by the daemon's own frontend.
func dockerfile(t *testing.T, text string) *testenv.Image {
	t.Helper()
	res, err := shared.Env(t).Build(t.Context(), testenv.BuildRequest{DockerfileInline: text})
	require.NoError(t, err, "%s\n%s", testenv.SourceExcerpt(err), res.Log())
	return res.Image
}

// baseImage returns the image that the minimal spec stands on, to run Python in it.
func baseImage(t *testing.T) *testenv.Image {
	t.Helper()
	return dockerfile(t, "FROM python:3.13-alpine3.20\nENTRYPOINT [\"/usr/local/bin/python\"]\n")
}

func filesOf(t *testing.T, img *testenv.Image) testenv.Files {
	t.Helper()
	files, err := img.Files()
	require.NoError(t, err)
	return files
}

// lines returns the lines of a text, without the last one's end.
func lines(text string) []string {
	text = strings.TrimSuffix(text, "\n")
	if text == "" {
		return nil
	}
	return strings.Split(text, "\n")
}
