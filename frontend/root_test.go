package frontend_test

import (
	"io/fs"
	"maps"
	"net"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
)

const (
	withService = minimal + "packages: [hello-service]\n"
	withBusybox = minimal + "packages: [busybox]\n"
)

func TestIntegrationUnknownTargetNamesTheOthers(t *testing.T) {
	_, err := build{spec: minimal, BuildRequest: testenv.BuildRequest{Target: "buidroot"}}.fails(t)
	for _, word := range []string{`"buidroot"`, "final", "did you mean buildroot?"} {
		require.ErrorContains(t, err, word)
	}
}

func TestIntegrationTargetOfAnyCase(t *testing.T) {
	res := build{spec: minimal, BuildRequest: testenv.BuildRequest{Target: "BuildRoot"}}.must(t)
	require.Contains(t, filesOf(t, res.Image), "/usr/local/bin/chroot-apk")
}

// The package's pre-install script adds a user, with busybox's applets; its post-install
// script makes the folder, and a trigger of it is run for what its dependency brings.
func TestIntegrationPackageScriptsRun(t *testing.T) {
	img := finalOf(t, withService)
	files := filesOf(t, img)
	for name, want := range map[string]string{
		"/var/lib/hello/state":     "installed\n",
		"/var/lib/hello/triggered": "/usr/share/hello-apk\n",
	} {
		got, err := img.ReadFile(t.Context(), name)
		require.NoError(t, err)
		require.Equal(t, want, string(got), name)
	}
	passwd, err := img.ReadFile(t.Context(), "/etc/passwd")
	require.NoError(t, err)
	require.Regexp(t, `(?m)^hello:x:\d+:\d+:hello:/var/lib/hello:/sbin/nologin$`, string(passwd))
	shadow, err := img.ReadFile(t.Context(), "/etc/shadow")
	require.NoError(t, err)
	require.Regexp(t, `(?m)^hello:!::`, string(shadow), "the day of the build must not be in it")
	owner := python(t, img, "import os, pwd; print(pwd.getpwuid(os.stat('/var/lib/hello').st_uid).pw_name)")
	require.Equal(t, "hello", owner)
	require.NotZero(t, files["/var/lib/hello"].UID)
}

func TestIntegrationRootKeepsNoneOfTheTools(t *testing.T) {
	for name, img := range map[string]*testenv.Image{
		"minimal":          finalOf(t, minimal),
		"package with use": finalOf(t, withService),
	} {
		t.Run(name, func(t *testing.T) {
			for file, f := range filesOf(t, img) {
				require.Zero(t, f.Mode&(fs.ModeDevice|fs.ModeNamedPipe|fs.ModeSocket), file)
				require.NotContains(t, file, "busybox")
				require.NotContains(t, f.Link, "busybox", file)
				require.NotContains(t, file, ".chroot")
				require.NotContains(t, f.Link, ".chroot", file)
				require.NotContains(t, []string{"ls", "cat", "adduser", "pip", "wget"}, path.Base(file))
				require.False(t, strings.HasPrefix(file, "/dev/"), file)
			}
		})
	}
}

// otherOwners are the files that no apk package brings. A pattern that ends in a slash
// stands for the folder and all below it.
var otherOwners = []struct{ owner, pattern string }{
	{"interpreter", "/usr/local/bin/python*"},
	{"interpreter", "/usr/local/lib/libpython*.so*"},
	{"stdlib", "/usr/local/lib/python3.13/"},
	{"stdlib", "/usr/local/lib/python313.zip"},
	{"apk", "/etc/apk/arch"},
	{"apk", "/etc/apk/world"},
	{"apk", "/lib/apk/"},
	{"update-ca-certificates", "/etc/ssl/certs/ca-cert-*.pem"},
	{"nonroot", "/home/nonroot/"},
}

// serviceOwners are those of the package whose scripts make files.
var serviceOwners = []struct{ owner, pattern string }{
	{"hello-service's script", "/var/lib/hello/"},
}

// changed are the files of packages whose content is not the package's any more, and who
// changed them.
var changed = map[string]string{
	"/etc/passwd":                        "nonroot",
	"/etc/group":                         "nonroot",
	"/etc/shadow":                        "nonroot",
	"/etc/shells":                        "dash's post-install script",
	"/etc/ssl/certs/ca-certificates.crt": "update-ca-certificates",
}

func TestIntegrationDatabaseAndFilesAgree(t *testing.T) {
	for name, test := range map[string]struct {
		spec   string
		owners []struct{ owner, pattern string }
	}{
		"minimal": {minimal, otherOwners},
		"scripts": {withService, append(slices.Clone(otherOwners), serviceOwners...)},
		"busybox": {withBusybox, append(slices.Clone(otherOwners), busyboxOwners...)},
		"tzdata":  {minimal + "packages: [tzdata, zip]\n", otherOwners},
	} {
		t.Run(name, func(t *testing.T) {
			img := finalOf(t, test.spec)
			db := apkDatabase(t, img)
			requirePackagesWhole(t, img, db)
			requireFilesOwned(t, filesOf(t, img), db, test.owners)
			requireNoPhantoms(t, img, db)
		})
	}
}

// requirePackagesWhole checks that all the database lists is in the image.
func requirePackagesWhole(t *testing.T, img *testenv.Image, db map[string]*apkPackage) {
	t.Helper()
	files := filesOf(t, img)
	for _, p := range db {
		for _, folder := range p.folders {
			require.Contains(t, files, folder, p.name)
			require.True(t, files[folder].Mode.IsDir(), folder)
		}
		for name, checksum := range p.files {
			require.Contains(t, files, name, p.name)
			require.False(t, files[name].Mode.IsDir(), name)
			if changed[name] == "" {
				got, err := apkChecksum(t.Context(), img, files[name])
				require.NoError(t, err)
				require.Equal(t, checksum, got, name)
			}
		}
	}
}

// requireFilesOwned checks that all that is in the image is in the database or the table,
// and that no row of the table is out of date.
func requireFilesOwned(t *testing.T, files testenv.Files, db map[string]*apkPackage, others []struct{ owner, pattern string }) {
	t.Helper()
	owned := map[string]string{}
	for _, p := range db {
		for _, folder := range p.folders {
			owned[folder] = p.name
		}
		for file := range p.files {
			require.NotContains(t, owned, file, "owned by two packages")
			owned[file] = p.name
		}
	}
	used := map[string]bool{}
	var orphans []string
	for _, file := range files.Paths() {
		if owned[file] != "" {
			continue
		}
		at := slices.IndexFunc(others, func(o struct{ owner, pattern string }) bool { return covers(o.pattern, file) })
		if at < 0 {
			orphans = append(orphans, file)
		} else {
			used[others[at].pattern] = true
		}
	}
	require.Empty(t, orphans, "nobody owns these")
	for _, o := range others {
		require.True(t, used[o.pattern], "%s has no %s", o.owner, o.pattern)
	}
}

func covers(pattern, file string) bool {
	if folder, ok := strings.CutSuffix(pattern, "/"); ok {
		return file == folder || strings.HasPrefix(file, pattern)
	}
	ok, err := path.Match(pattern, file)
	return err == nil && ok
}

// requireNoPhantoms checks that every package has something in the image, that all it
// depends on is there, and that apk's own list of wishes names packages.
func requireNoPhantoms(t *testing.T, img *testenv.Image, db map[string]*apkPackage) {
	t.Helper()
	provided := map[string]bool{}
	for _, p := range db {
		require.NotEmpty(t, p.files, "%s has no files", p.name)
		require.False(t, strings.HasPrefix(p.name, "."), p.name)
		for _, name := range p.provides {
			provided[name] = true
		}
	}
	for _, p := range db {
		for _, name := range p.depends {
			require.True(t, provided[name], "%s needs %s", p.name, name)
		}
		for _, name := range p.conflicts {
			require.False(t, provided[name], "%s conflicts with %s", p.name, name)
		}
	}
	world, err := img.ReadFile(t.Context(), "/etc/apk/world")
	require.NoError(t, err)
	require.NotEmpty(t, unversioned(string(world)))
	for _, name := range unversioned(string(world)) {
		require.True(t, provided[name], "world names %s", name)
	}
}

func TestIntegrationOwnRepositoriesAndKeys(t *testing.T) {
	env := shared.Env(t)
	spec := minimal + "packages: [hello-apk]\napk:\n  repositories: [" + env.Fixtures.APKRepository() + "]\n  keys: [keys/mirror.rsa.pub]\n"
	b := build{spec: spec, files: map[string]string{"keys/mirror.rsa.pub": publicKey(t, env)}}
	// What comes from outside holds only where the spec says nothing.
	b.BuildArgs = map[string]string{"APK_REPOSITORIES": closedURL(t)}
	res, err := env.Build(t.Context(), b.withoutKeys(t, env))
	// apk finds keys by the name in a package's signature.
	require.Error(t, err)
	require.Contains(t, res.Log(), "UNTRUSTED signature")

	name := filepath.Base(env.Fixtures.APKKey())
	b.spec = strings.Replace(spec, "mirror.rsa.pub", name, 1)
	b.files = map[string]string{"keys/" + name: publicKey(t, env)}
	res, err = env.Build(t.Context(), b.withoutKeys(t, env))
	require.NoError(t, err, res.Log())
	files := filesOf(t, res.Image)
	require.Contains(t, files, "/usr/share/hello-apk/greeting")
	require.NotContains(t, files, "/etc/apk/keys/"+name, "trust holds for the build only")
	require.NotContains(t, files, "/etc/apk/repositories", "where packages came from is nobody's business")
}

// withoutKeys returns the request of someone who gives no keys from outside of the spec.
func (b build) withoutKeys(t *testing.T, env *testenv.Env) testenv.BuildRequest {
	t.Helper()
	req := b.on(t, env)
	maps.DeleteFunc(req.NamedContexts, func(name, _ string) bool { return name == "apk-keys" })
	return req
}

func publicKey(t *testing.T, env *testenv.Env) string {
	t.Helper()
	key, err := os.ReadFile(env.Fixtures.APKKey())
	require.NoError(t, err)
	return string(key)
}

// closedURL returns a URL of a port that nobody listens on.
func closedURL(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	defer listener.Close()
	return "http://" + listener.Addr().String() + "/alpine/v3.20/main"
}

// A failure of apk shows the line of the spec that asked for it, and apk's own words.
func TestIntegrationFailuresOfAPK(t *testing.T) {
	env := shared.Env(t)
	repository := "apk:\n  repositories: [" + env.Fixtures.APKRepository() + "]\n"
	unreachable := "[" + closedURL(t) + "]"
	for name, test := range map[string]struct {
		keys      string
		untrusted bool
		line      string
		words     []string
	}{
		"no such package": {
			keys:  "packages: [hello-apk, no-such-package]\n",
			line:  "packages: [hello-apk, no-such-package]",
			words: []string{"no-such-package (no such package)", "required by: world[no-such-package]"},
		},
		"no such package to build with": {
			keys:  "apk:\n  build: [no-such-compiler]\npip:\n  packages: [six]\n",
			line:  "  build: [no-such-compiler]",
			words: []string{"no-such-compiler (no such package)"},
		},
		"untrusted key": {
			keys:      repository,
			untrusted: true,
			line:      strings.Split(repository, "\n")[1],
			words:     []string{"UNTRUSTED signature"},
		},
		"unreachable mirror": {
			keys:  "apk:\n  repositories: " + unreachable + "\n",
			line:  "  repositories: " + unreachable,
			words: []string{strings.Trim(unreachable, "[]") + ": ", "could not connect to server"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := build{spec: minimal + test.keys}
			req := b.on(t, env)
			if test.untrusted {
				req = b.withoutKeys(t, env)
			}
			res, err := env.Build(t.Context(), req)
			require.Error(t, err)
			require.Nil(t, res.Image)
			require.Contains(t, testenv.SourceExcerpt(err), ">>> "+test.line)
			for _, words := range test.words {
				require.Contains(t, res.Log(), words)
			}
		})
	}
}

// busyboxOwners are what busybox, and not apk, links.
var busyboxOwners = []struct{ owner, pattern string }{
	{"busybox --install", "/bin/[a-z]*"},
	{"busybox --install", "/sbin/[a-z]*"},
	{"busybox --install", "/usr/bin/[[a-z]*"},
	{"busybox --install", "/usr/sbin/[a-z]*"},
}

func TestIntegrationBusyboxOnRequest(t *testing.T) {
	img := finalOf(t, withBusybox)
	require.Contains(t, lines(run(t, img, testenv.RunOptions{Entrypoint: []string{"ls", "/usr/local"}})), "lib")
	files := filesOf(t, img)
	listed := lines(run(t, img, testenv.RunOptions{Entrypoint: []string{"busybox", "--list-full"}}))
	require.Greater(t, len(listed), 200)
	for _, applet := range listed {
		file, ok := files["/"+applet]
		require.True(t, ok, applet)
		switch applet {
		case "bin/busybox", "bin/sh", "usr/bin/env":
			require.NotEqual(t, "/bin/busybox", file.Link, "%s is another package's", applet)
		default:
			require.Equal(t, "/bin/busybox", file.Link, applet)
		}
	}
}

func TestIntegrationTimeZonesOnRequest(t *testing.T) {
	const program = "import datetime, zoneinfo\n" +
		"try: print(datetime.datetime(2024, 7, 1, tzinfo=zoneinfo.ZoneInfo('Europe/Berlin')).utcoffset())\n" +
		"except zoneinfo.ZoneInfoNotFoundError: print('not found')"
	require.Equal(t, "not found", python(t, finalOf(t, minimal), program))
	require.Equal(t, "2:00:00", python(t, finalOf(t, minimal+"packages: [tzdata, zip]\n"), program))
}
