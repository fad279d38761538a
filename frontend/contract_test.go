package frontend_test

import (
	"io/fs"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
)

func TestIntegrationPathsOfFinal(t *testing.T) {
	files := filesOf(t, finalOf(t, minimal))
	for name, want := range map[string]struct {
		mode fs.FileMode
		link string
		id   int
	}{
		"/usr/local/bin/python":              {fs.ModeSymlink | 0o777, "python3", 0},
		"/usr/local/bin/python3":             {fs.ModeSymlink | 0o777, "python3.13", 0},
		"/usr/local/bin/python3.13":          {0o755, "", 0},
		"/usr/local/lib/python313.zip":       {0o644, "", 0},
		"/usr/local/lib/python3.13":          {fs.ModeDir | 0o755, "", 0},
		"/usr/local/lib/libpython3.13.so":    {fs.ModeSymlink | 0o777, "libpython3.13.so.1.0", 0},
		"/usr/bin/dash":                      {0o755, "", 0},
		"/bin/sh":                            {fs.ModeSymlink | 0o777, "/usr/bin/dash", 0},
		"/usr/bin/env":                       {0o755, "", 0},
		"/usr/sbin/update-ca-certificates":   {0o755, "", 0},
		"/usr/bin/run-parts":                 {0o755, "", 0},
		"/etc/ssl/certs/ca-certificates.crt": {0o644, "", 0},
		"/etc/ssl/cert.pem":                  {fs.ModeSymlink | 0o777, "certs/ca-certificates.crt", 0},
		"/tmp":                               {fs.ModeDir | fs.ModeSticky | 0o777, "", 0},
		"/var/tmp":                           {fs.ModeDir | fs.ModeSticky | 0o777, "", 0},
		"/root":                              {fs.ModeDir | 0o700, "", 0},
		"/home/nonroot":                      {fs.ModeDir | 0o700, "", 65532},
		"/etc/passwd":                        {0o644, "", 0},
		"/etc/group":                         {0o644, "", 0},
		"/etc/os-release":                    {0o644, "", 0},
		"/lib/apk/db/installed":              {0o644, "", 0},
	} {
		file, ok := files[name]
		require.True(t, ok, name)
		require.Equal(t, want.mode, file.Mode, name)
		require.Equal(t, want.link, file.Link, name)
		require.Equal(t, []int{want.id, want.id}, []int{file.UID, file.GID}, name)
	}
	require.Equal(t, fs.FileMode(0o640), files["/etc/shadow"].Mode)
}

func TestIntegrationAbsentFromFinal(t *testing.T) {
	files := filesOf(t, finalOf(t, minimal))
	for _, name := range []string{
		"/bin/busybox", "/bin/ls", "/sbin/apk", "/usr/local/bin/pip", "/usr/local/bin/pip3", "/usr/local/bin/idle3",
		"/usr/local/bin/pydoc3", "/usr/local/bin/python3-config", "/usr/local/include", "/etc/apk/repositories",
		"/usr/local/lib/python3.13/site-packages/pip", "/usr/local/lib/python3.13/site-packages/setuptools",
		"/usr/local/lib/python3.13/os.py", "/d", "/out", "/distroless", "/var/cache/chroot",
	} {
		require.NotContains(t, files, name)
	}
	for name := range files {
		require.NotContains(t, name, "__pycache__")
		require.NotContains(t, name, "setuptools")
		require.NotRegexp(t, `site-packages/(?:.*/)?pip`, name)
	}
}

func TestIntegrationConfigOfFinal(t *testing.T) {
	img := finalOf(t, minimal)
	config := img.Config.Config
	require.Equal(t, []string{
		"PATH=/usr/local/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"LANG=C.UTF-8",
		"BUILD_ROOT=/d",
		"PYTHON_VERSION=3.13",
		"ALPINE_VERSION=3.20",
		"PYTHONDONTWRITEBYTECODE=1",
	}, config.Env)
	require.Equal(t, []string{"/usr/local/bin/python"}, config.Entrypoint)
	require.Empty(t, config.Cmd)
	require.Equal(t, []string{"/usr/bin/dash", "-c"}, config.Shell)
	require.Empty(t, config.User)
	require.Equal(t, "/", config.WorkingDir)
	require.Equal(t, "linux", img.Config.OS)
	require.Equal(t, "amd64", img.Config.Architecture)
}

func TestIntegrationLabels(t *testing.T) {
	base := build{spec: minimal}.must(t).Vertex("[base] docker.io/library/python:3.13-alpine3.20@sha256:")
	require.NotNil(t, base)
	_, digest, _ := strings.Cut(base.Name, "@")
	final := finalOf(t, minimal).Config.Config.Labels
	for label, want := range map[string]string{
		"org.opencontainers.image.title":       "distroless-python",
		"org.opencontainers.image.base.name":   "docker.io/library/python:3.13-alpine3.20",
		"org.opencontainers.image.base.digest": digest,
		"distroless.python-version":            "3.13",
		"distroless.alpine-version":            "3.20",
		"distroless.base-image":                "docker.io/library/python:3.13-alpine3.20",
		"org.alpine.version":                   "3.20",
		"org.python.version":                   shared.Env(t).PythonVersion(),
	} {
		require.Equal(t, want, final[label], label)
	}
	for _, label := range []string{"authors", "source", "description"} {
		require.NotEmpty(t, final["org.opencontainers.image."+label], label)
	}
	require.Len(t, final, 11)
}

func TestIntegrationUsersAndGroups(t *testing.T) {
	const program = "import grp, pwd; u = pwd.getpwnam('nonroot'); g = grp.getgrnam('nonroot'); " +
		"print(u.pw_uid, u.pw_gid, u.pw_dir, u.pw_shell, g.gr_gid, pwd.getpwuid(0).pw_name)"
	img := finalOf(t, minimal)
	require.Equal(t, "65532 65532 /home/nonroot /sbin/nologin 65532 root", python(t, img, program))

	who := run(t, img, testenv.RunOptions{
		User: "nonroot",
		Args: []string{"-c", "import os, tempfile; open(os.path.expanduser('~/mine'), 'w'); tempfile.TemporaryFile(); print(os.getuid(), os.getgroups())"},
	})
	require.Equal(t, "65532 [65532]\n", who)
}

func TestIntegrationLocale(t *testing.T) {
	const program = "import locale, sys; print(sys.getfilesystemencoding(), locale.setlocale(locale.LC_ALL, ''), " +
		"locale.getpreferredencoding(), sys.stdout.encoding, '\\N{SNOWMAN}')"
	img := finalOf(t, minimal)
	require.Equal(t, python(t, baseImage(t), program), python(t, img, program))
	require.Regexp(t, `^utf-8 C\.UTF-8\S* UTF-8 utf-8 ☃$`, python(t, img, program))
}

func TestIntegrationShellAndEnv(t *testing.T) {
	img := finalOf(t, minimal)
	const script = `for word in "$@"; do printf '<%s>' "$word"; done`
	for _, shell := range []string{"dash", "/bin/sh", "/usr/bin/dash"} {
		out := run(t, img, testenv.RunOptions{Entrypoint: []string{shell, "-c", script, "x", "a b", "", "*"}})
		require.Equal(t, "<a b><><*>", out)
	}
	out := run(t, img, testenv.RunOptions{
		Entrypoint: []string{"/usr/bin/env", "NAME=a b", "python", "-c", "import os; print(os.environ['NAME'], os.environ['PYTHON_VERSION'])"},
	})
	require.Equal(t, "a b 3.13\n", out)
	for _, command := range []string{"import os; os.system('echo from os.system')", "import subprocess; subprocess.run('echo from $0', shell=True)"} {
		require.Contains(t, python(t, img, command), "from ")
	}
}

func TestIntegrationSizeOfMinimal(t *testing.T) {
	testenv.RequireAlpine(t)
	img := finalOf(t, minimal)
	disk, err := img.DiskSize()
	require.NoError(t, err)
	t.Logf("%d bytes on disk, %d pulled", disk, img.PulledSize())
	require.LessOrEqual(t, disk, int64(23_000_000))
	require.LessOrEqual(t, img.PulledSize(), int64(11<<20))
}
