package frontend_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
)

// hardened is an application that writes to what it may write to, and to nothing else.
const hardened = minimal + `
users: [{name: app, uid: 1000, gid: 2000}]
packages: [hello-service]
files:
  - {from: app.py, to: /srv/app/}
  - {from: app.py, to: /var/lib/app/}
volumes: [/data, /etc]
writable:
  - /var/lib/app
  - /var/lib/hello
  - {path: /srv/shared, owner: nonroot:root, mode: "2770"}
entrypoint: [python, /srv/app/app.py]
`

// writer tries to write into every folder of an image, and prints those it could write to.
const writer = `
import os, sys

found = []
for folder, folders, _ in os.walk("/"):
    folders[:] = [name for name in folders if os.path.join(folder, name) not in ("/proc", "/sys", "/dev")]
    try:
        path = os.path.join(folder, "written")
        open(path, "x").close()
        os.remove(path)
        found.append(folder)
    except OSError:
        pass
status = open("/proc/self/status").read().split("\n")
print(*sorted(found))
print(*[line.split()[1] for line in status if line.startswith(("CapEff", "NoNewPrivs"))])
`

// withUser is that application run by a user.
func withUser(t *testing.T, user string) *testenv.Image {
	t.Helper()
	return build{spec: hardened + "user: " + user + "\n", files: map[string]string{"app.py": writer}}.must(t).Image
}

func TestIntegrationWritableFolders(t *testing.T) {
	for user, ids := range map[string][]int{"app": {1000, 2000}, "nonroot": {65532, 65532}, "app:root": {1000, 0}, "4000": {4000, 4000}} {
		t.Run(user, func(t *testing.T) {
			files := filesOf(t, withUser(t, user))
			for name, want := range map[string]struct {
				mode     fs.FileMode
				uid, gid int
			}{
				"/data":           {0o755, ids[0], ids[1]},
				"/etc":            {0o755, 0, 0}, // a volume that was there
				"/var/lib/app":    {0o755, ids[0], ids[1]},
				"/var/lib/hello":  {files["/var/lib/hello"].Mode.Perm(), ids[0], ids[1]},
				"/srv/shared":     {fs.ModeSetgid | 0o770, 65532, 0},
				"/srv/app":        {0o755, 0, 0},
				"/srv/app/app.py": {0o644, 0, 0},
				"/srv":            {0o755, 0, 0},
			} {
				require.Equal(t, want.mode, files[name].Mode&^fs.ModeDir, name)
				require.Equal(t, []int{want.uid, want.gid}, []int{files[name].UID, files[name].GID}, name)
			}
			require.Zero(t, files["/var/lib/app/app.py"].UID, "what is in a folder is not what the folder is")
		})
	}
}

// With no capability and no way to get one, on a root that cannot be written to, the
// application writes to what is mounted, as who owns the folder of the image.
func TestIntegrationHardenedContainer(t *testing.T) {
	for user, home := range map[string]string{"app": "/home/app", "nonroot": "/home/nonroot"} {
		t.Run(user, func(t *testing.T) {
			img := withUser(t, user)
			opts := testenv.RunOptions{
				NoNewPrivileges: true, CapDrop: []string{"ALL"},
				Mounts: []testenv.Mount{{Target: "/tmp"}, volumeOf(t, img, "/data"), volumeOf(t, img, "/var/lib/app")},
			}
			const noRights = "\n0000000000000000 1\n"
			shared := ""
			if user == "nonroot" {
				shared = " /srv/shared"
			}
			// Where the root can be written to, what the image has is what decides.
			require.Equal(t, "/data "+home+shared+" /tmp /var/lib/app /var/lib/hello /var/tmp"+noRights, run(t, img, opts))
			opts.ReadOnly = true
			require.Equal(t, "/data /tmp /var/lib/app"+noRights, run(t, img, opts))
		})
	}
}

// volumeOf is what an engine mounts for a new volume: an empty folder with the owner and the mode
// of the image's.
func volumeOf(t *testing.T, img *testenv.Image, path string) testenv.Mount {
	t.Helper()
	of := filesOf(t, img)[path]
	require.True(t, of.Mode.IsDir(), path)
	dir := filepath.Join(t.TempDir(), "volume")
	require.NoError(t, os.Mkdir(dir, 0o755))
	require.NoError(t, os.Chown(dir, of.UID, of.GID))
	require.NoError(t, os.Chmod(dir, of.Mode.Perm()))
	return testenv.Mount{Source: dir, Target: path}
}

// Only what folders there are and whose they are runs a step.
func TestIntegrationCachingOfWritableFolders(t *testing.T) {
	const spec = minimal + "user: nonroot\nwritable: [/data]\nfiles: [{from: app.py, to: /data/}]\n"
	b := build{spec: spec, files: map[string]string{"app.py": ""}}
	b.must(t)
	b.files["app.py"] = "edited"
	const stepCopy = "[files] copy app.py to /data/"
	require.Equal(t, []string{stepCompile, stepCopy, stepFind, stepMerge}, ran(b.must(t)))
	b.spec = spec + "volumes: [/cache]\n"
	require.Equal(t, []string{stepCopy, stepFind, "[files] make /data /cache writable", stepMerge}, ran(b.must(t)))
}
