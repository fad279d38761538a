package frontend_test

import (
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
	"golang.org/x/sys/unix"

	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
)

// A fault of a server makes the build fail with one error at the line of the spec that asked
// for the download, or is got over by asking again. Either way the next build is right: no
// damaged file was kept. Each case downloads something that the daemon has not had yet.
func TestIntegrationFaultyDownloads(t *testing.T) {
	env := shared.Env(t)
	daemon := freshDaemon(t, env)
	for _, c := range []struct {
		name, line, path string
		fault            testenv.Fault
	}{
		{"package: 500", "packages: [hello-apk]", "/hello-apk-", testenv.FaultError},
		{"package: cut short", "packages: [zip]", "/zip-", testenv.FaultTruncate},
		{"package: corrupt", "packages: [tzdata]", "/tzdata-", testenv.FaultCorrupt},
		{"index: 500", "packages: [scanelf]", "/APKINDEX", testenv.FaultError},
		{"index: cut short", "packages: [scanelf, zip]", "/APKINDEX", testenv.FaultTruncate},
		{"index: corrupt", "packages: [scanelf, tzdata]", "/APKINDEX", testenv.FaultCorrupt},
		{"wheel: 500", "pip: {packages: [six]}", "/six-", testenv.FaultError},
		{"wheel: cut short", "pip: {packages: [idna]}", "/idna-", testenv.FaultTruncate},
		{"wheel: corrupt", "pip: {packages: [tqdm]}", "/tqdm-", testenv.FaultCorrupt},
	} {
		t.Run(c.name, func(t *testing.T) {
			warm, err := daemon.Build(t.Context(), build{spec: minimal}.on(t, env))
			require.NoError(t, err, "%s", warm.Log())

			restore := env.Fixtures.Fail(c.path, c.fault, 0)
			defer restore()
			faulty := build{spec: minimal + c.line + "\n"}
			res, err := daemon.Build(t.Context(), faulty.on(t, env))
			// apk takes the index it had when it cannot get a new one.
			if c.path != "/APKINDEX" {
				require.Error(t, err, "%s", res.Log())
				require.Contains(t, testenv.SourceExcerpt(err), ">>> "+c.line)
			}
			if err != nil {
				require.Nil(t, res.Image)
			}

			restore()
			res, err = daemon.Build(t.Context(), faulty.on(t, env))
			require.NoError(t, err, "%s", res.Log())
			require.Equal(t, faulty.must(t).Image.Config.RootFS, res.Image.Config.RootFS)
		})
	}
}

// Of the layers of the base image BuildKit knows the digest: what comes damaged is not taken.
func TestIntegrationFaultyRegistry(t *testing.T) {
	env := shared.Env(t)
	base, err := env.Build(t.Context(), testenv.BuildRequest{DockerfileInline: "FROM python:3.13-alpine3.20\n"})
	require.NoError(t, err)
	layer := "/blobs/" + base.Image.Layers[len(base.Image.Layers)-1].Digest.String()
	want := build{spec: minimal}.must(t).Image.Config.RootFS
	for name, fault := range map[string]testenv.Fault{"500": testenv.FaultError, "cut short": testenv.FaultTruncate, "corrupt": testenv.FaultCorrupt} {
		t.Run(name, func(t *testing.T) {
			daemon := freshDaemon(t, env)
			restore := env.Registry.Fail(layer, fault, 0)
			defer restore()
			req := build{spec: minimal}.on(t, env)
			res, err := daemon.Build(t.Context(), req)
			require.Error(t, err)
			require.Nil(t, res.Image)

			restore()
			if fault == testenv.FaultCorrupt {
				// BuildKit keeps such a download to resume it, and refuses it until it is pruned.
				require.NoError(t, daemon.Prune(t.Context()))
			}
			res, err = daemon.Build(t.Context(), req)
			require.NoError(t, err, "%s", res.Log())
			require.Equal(t, want, res.Image.Config.RootFS)
		})
	}
}

func TestIntegrationFullDisk(t *testing.T) {
	env := shared.Env(t)
	daemon, disk := daemonOnDisk(t, env, 80<<20)

	req := build{spec: minimal}.on(t, env)
	res, err := daemon.Build(t.Context(), req)
	require.Error(t, err)
	require.Nil(t, res.Image)
	require.Regexp(t, "(?i)no space left on device", err.Error()+res.Log())

	resize(t, disk, 1<<30)
	res, err = daemon.Build(t.Context(), req)
	require.NoError(t, err, "%s", res.Log())
	require.Equal(t, build{spec: minimal}.must(t).Image.Config.RootFS, res.Image.Config.RootFS)
}

// daemonOnDisk starts a daemon with a disk of its own, of a size in bytes, and returns the disk's folder.
func daemonOnDisk(t *testing.T, env *testenv.Env, size uint64) (daemon *testenv.Daemon, disk string) {
	t.Helper()
	disk = t.TempDir()
	require.NoError(t, unix.Mount("tmpfs", disk, "tmpfs", 0, fmt.Sprintf("size=%d", size)))
	t.Cleanup(func() { require.NoError(t, unix.Unmount(disk, unix.MNT_DETACH)) })
	daemon, err := testenv.StartDaemon(t.Context(), testenv.DaemonOptions{Registry: env.Registry, Root: disk})
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, daemon.Close()) })
	return daemon, disk
}

func resize(t *testing.T, disk string, size uint64) {
	t.Helper()
	require.NoError(t, unix.Mount("tmpfs", disk, "tmpfs", unix.MS_REMOUNT, fmt.Sprintf("size=%d", size)))
}

// A daemon that is killed in the middle of a build and started again builds right, and what
// it had finished is not done again.
func TestIntegrationKilledDaemon(t *testing.T) {
	env := shared.Env(t)
	daemon := freshDaemon(t, env)
	req := build{spec: minimal}.on(t, env)
	failed := make(chan error, 1)
	go func() {
		_, err := daemon.Build(t.Context(), req)
		failed <- err
	}()
	time.Sleep(1500 * time.Millisecond) // some op is at work then, whichever it is
	require.NoError(t, daemon.Kill())
	require.Error(t, <-failed)

	require.NoError(t, daemon.Restart(t.Context()))
	res, err := daemon.Build(t.Context(), req)
	require.NoError(t, err, "%s", res.Log())
	require.Equal(t, build{spec: minimal}.must(t).Image.Config.RootFS, res.Image.Config.RootFS)
}

// Two builds of one spec at the same time do the work once, and give one image.
func TestIntegrationTwoBuildsAtOnce(t *testing.T) {
	env := shared.Env(t)
	daemon := freshDaemon(t, env)
	req := build{spec: minimal + "pip: {packages: [six]}\n"}.on(t, env)
	req.BuildArgs["SOURCE_DATE_EPOCH"] = "0"
	var results [2]*testenv.BuildResult
	var errs [2]error
	var both sync.WaitGroup
	for i := range results {
		both.Go(func() { results[i], errs[i] = daemon.Build(t.Context(), req) })
	}
	both.Wait()
	require.NoError(t, errs[0], "%s", results[0].Log())
	require.NoError(t, errs[1], "%s", results[1].Log())
	require.Equal(t, results[0].Image.Digest, results[1].Image.Digest)
	require.Equal(t, results[0].Vertex("[python] compile").Digest, results[1].Vertex("[python] compile").Digest)
}

// freshDaemon is one with an empty cache.
func freshDaemon(t *testing.T, env *testenv.Env) *testenv.Daemon {
	t.Helper()
	daemon, err := env.StartDaemon(t.Context())
	require.NoError(t, err)
	t.Cleanup(func() { require.NoError(t, daemon.Close()) })
	return daemon
}

// Many builds of different specs in a row: none fails, and neither the frontend nor the
// cache of the daemon grows with their number.
func TestIntegrationSoak(t *testing.T) {
	const builds = 200
	env := shared.Env(t)
	before := heap()
	for i := range builds {
		req := build{spec: soakSpec(i), files: map[string]string{"app.py": fmt.Sprintf("print(%d)\n", i%7)}}.on(t, env)
		req.NoExport = true
		res, err := env.Build(t.Context(), req)
		require.NoError(t, err, "build %d\n%s", i, res.Log())
	}
	usage, err := cacheSize(t, env.Daemon)
	require.NoError(t, err)
	after := heap()
	t.Logf("%d builds: heap %d KiB before, %d KiB after; cache %d MiB", builds, before>>10, after>>10, usage>>20)
	require.Less(t, after, before+64<<20)
}

func soakSpec(i int) string {
	spec := minimal + fmt.Sprintf("env: {BUILD: %d}\nlabels: {build: '%d'}\nfiles: [{from: app.py, to: /app-%d/}]\n", i, i, i%5)
	if i%3 == 0 {
		spec += fmt.Sprintf("workdir: /work-%d\n", i%4)
	}
	if i%10 == 0 {
		spec += "packages: [hello-apk]\n"
	}
	return spec
}
