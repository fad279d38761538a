package frontend_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/stretchr/testify/require"

	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
)

// anotherTime is when the files of the second build's context are from.
var anotherTime = time.Date(2001, 2, 3, 4, 5, 6, 0, time.UTC)

// twice builds the same at two times on two daemons that share nothing, and returns both
// images. The files of the context are as old as they were made, then of anotherTime.
func (b build) twice(t *testing.T, second *testenv.Daemon) (one, two *testenv.Image) {
	t.Helper()
	env := shared.Env(t)
	b.NoCache = true
	b.BuildArgs = map[string]string{"SOURCE_DATE_EPOCH": "0"}
	one = b.must(t).Image

	time.Sleep(1100 * time.Millisecond) // times in layers count seconds
	b.Dir = contextDir(t, b.files)
	require.NoError(t, filepath.WalkDir(b.Dir, func(path string, _ os.DirEntry, err error) error {
		require.NoError(t, err)
		return os.Chtimes(path, anotherTime, anotherTime)
	}))
	res, err := second.Build(t.Context(), b.on(t, env))
	require.NoError(t, err, res.Log())
	require.NotEmpty(t, ran(res))
	return one, res.Image
}

// requireSame fails with the first file that differs, which says more than two digests.
func requireSame(t *testing.T, one, two *testenv.Image) {
	t.Helper()
	if one.Digest == two.Digest {
		return
	}
	require.JSONEq(t, string(one.RawConfig), string(two.RawConfig))
	before, after := filesOf(t, one), filesOf(t, two)
	require.Equal(t, before.Paths(), after.Paths())
	for _, path := range before.Paths() {
		require.Equal(t, before[path], after[path])
	}
	require.Equal(t, one.Layers, two.Layers)
	require.Equal(t, one.Digest, two.Digest)
}

func TestIntegrationReproducible(t *testing.T) {
	env := shared.Env(t)
	second, err := env.StartDaemon(t.Context())
	require.NoError(t, err)
	defer func() { require.NoError(t, second.Close()) }()

	const withoutFiles = minimal + `
packages: [hello-service, zip]
apk: {build: [hello-apk]}
pip: {requirements: [requirements.txt], packages: [httpie, markupsafe]}
workdir: /app/data
users: [{name: app, uid: 1000}]
volumes: [/data]
writable: [/var/cache/app]
healthcheck: {tcp: 80}
user: nonroot
`
	files := map[string]string{"requirements.txt": "flask\n", "app/main.py": "import six\n", "app/data.txt": "1", "run": "#!/bin/sh\n"}
	rewritten := map[string]string{"rewrite-timestamp": "true"}
	settled := time.Date(1980, time.January, 2, 0, 0, 0, 0, time.UTC) // the latest time that steps give
	for name, b := range map[string]build{
		"minimal":            {spec: minimal},
		"minimal, buildroot": {spec: minimal, BuildRequest: testenv.BuildRequest{Target: "buildroot"}},
		"all but files":      {spec: withoutFiles, files: files},
		"all but files, buildroot": {
			spec: withoutFiles, files: files, BuildRequest: testenv.BuildRequest{Target: "buildroot"},
		},
		"all but files, debug": {
			spec: withoutFiles, files: files, BuildRequest: testenv.BuildRequest{Target: "debug"},
		},
		"files": {
			spec:  withoutFiles + "files: [{from: app, to: ./app/}, {from: run, to: /usr/local/bin/, chmod: 755, chown: nonroot}]\n",
			files: files, BuildRequest: testenv.BuildRequest{ExportAttrs: rewritten},
		},
	} {
		t.Run(name, func(t *testing.T) {
			one, two := b.twice(t, second)
			requireSame(t, one, two)
			require.NotNil(t, one.Config.Created)
			require.Equal(t, time.Unix(0, 0).UTC(), one.Config.Created.UTC())
			for _, entry := range one.Config.History {
				if entry.Created != nil {
					require.Equal(t, time.Unix(0, 0).UTC(), entry.Created.UTC(), entry.CreatedBy)
				}
			}
			if b.Target == "buildroot" {
				return // the files of the base are of their own times
			}
			for _, file := range filesOf(t, one) {
				require.False(t, file.ModTime.After(settled), "%s is of %v", file.Path, file.ModTime)
			}
		})
	}
}
