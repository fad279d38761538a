package frontend_test

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
)

// pushFinal has an ordinary Dockerfile find the image of the minimal spec as test/final.
func pushFinal(t *testing.T) {
	t.Helper()
	ref := shared.Env(t).Registry.Ref("test/final:latest")
	build{spec: minimal, BuildRequest: testenv.BuildRequest{Push: ref}}.must(t)
}

// peer builds the Dockerfile that a spec is compared with by the daemon's own frontend.
func peer(t *testing.T, text string, req testenv.BuildRequest) *testenv.Image {
	t.Helper()
	req.DockerfileInline = text
	res, err := shared.Env(t).Build(t.Context(), req)
	require.NoError(t, err, "%s\n%s", testenv.SourceExcerpt(err), res.Log())
	return res.Image
}

// Each spec stands for the Dockerfile that says the same in its own words, on the image of
// the spec without these keys.
func TestIntegrationConfigIsThatOfADockerfile(t *testing.T) {
	pushFinal(t)
	labels := map[string]string{"from": "client", "client": "only"}
	for name, test := range map[string]struct{ spec, dockerfile string }{
		"nothing": {"", ""},
		"env": {
			`env: {Z: "1", A: two words, PATH: "/app/bin:/usr/local/bin", LANG: C, EMPTY: "", Q: 'a"b', NUMBER: 8080}`,
			"ENV Z=1 A=\"two words\" PATH=/app/bin:/usr/local/bin LANG=C EMPTY= Q='a\"b' NUMBER=8080",
		},
		"user":                {"user: nonroot", "USER nonroot"},
		"user and group":      {"user: 1000:2000", "USER 1000:2000"},
		"workdir":             {"workdir: /srv/data/", "WORKDIR /srv/data"},
		"workdir /":           {"workdir: /", "WORKDIR /"},
		"entrypoint":          {"entrypoint: [python, -m, http.server]", `ENTRYPOINT ["python", "-m", "http.server"]`},
		"entrypoint, shell":   {"entrypoint: exec python -m http.server $PORT", "ENTRYPOINT exec python -m http.server $PORT"},
		"entrypoint, cleared": {"entrypoint: []", "ENTRYPOINT []"},
		"cmd":                 {"cmd: [-c, 'print(1)']", `CMD ["-c", "print(1)"]`},
		"cmd, shell":          {"cmd: print 1", "CMD print 1"},
		"both": {
			"cmd: [--help]\nentrypoint: [python]", "ENTRYPOINT [\"python\"]\nCMD [\"--help\"]",
		},
		"shell": {
			"shell: [/usr/local/bin/python, -c]\nentrypoint: print(1)\ncmd: print(2)",
			"SHELL [\"/usr/local/bin/python\", \"-c\"]\nENTRYPOINT print(1)\nCMD print(2)",
		},
		"expose":     {"expose: [8080, 53/udp, 8000-8002/TCP, '8001']", "EXPOSE 8080 53/udp 8000-8002/tcp 8001"},
		"volumes":    {"volumes: [/data, /var/lib/app/]", "VOLUME /data /var/lib/app"},
		"labels":     {"labels: {from: spec, org.opencontainers.image.title: mine, a.b: 'c d'}", "LABEL from=spec org.opencontainers.image.title=mine a.b=\"c d\""},
		"stopsignal": {"stopsignal: SIGINT", "STOPSIGNAL SIGINT"},
		"stopsignal, a number": {
			"stopsignal: 9", "STOPSIGNAL 9",
		},
		"healthcheck": {
			"healthcheck: {cmd: [python, -V], interval: 1m30s, timeout: 5s, start-period: 2s, start-interval: 500ms, retries: 4}",
			"HEALTHCHECK --interval=1m30s --timeout=5s --start-period=2s --start-interval=500ms --retries=4 CMD [\"python\", \"-V\"]",
		},
		"healthcheck, none": {"healthcheck: none", "HEALTHCHECK NONE"},
	} {
		t.Run(name, func(t *testing.T) {
			req := testenv.BuildRequest{Labels: labels}
			want := peer(t, "FROM test/final\n"+test.dockerfile+"\n", req).Config.Config
			got := build{spec: minimal + test.spec + "\n", BuildRequest: req}.must(t).Image.Config.Config
			//lint:ignore SA1019 a flag of Windows that every CMD sets
			want.ArgsEscaped = false
			require.Equal(t, want, got)
		})
	}
}

// The shell form of a health check is the one thing written in other words: CMD-SHELL is
// run by /bin/sh where an engine does not know SHELL.
func TestIntegrationHealthcheckInAShell(t *testing.T) {
	img := build{spec: minimal + "healthcheck: {cmd: python -V || exit 1}\n"}.must(t).Image
	require.Equal(t, []string{"CMD", "/usr/bin/dash", "-c", "python -V || exit 1"}, img.Config.Config.Healthcheck.Test)
}

func TestIntegrationCommandsRun(t *testing.T) {
	for name, test := range map[string]struct{ spec, want string }{
		"exec":  {"entrypoint: [python, -c]\ncmd: ['print(\"$HOME\", 1)']", "$HOME 1\n"},
		"shell": {"env: {WORD: hello}\nentrypoint: echo $WORD \"to  you\" && exit 0", "hello to  you\n"},
		"other shell": {
			"shell: [python, -c]\nentrypoint: |\n  import sys\n  print(sys.argv)\n", "['-c']\n",
		},
		"workdir is where it runs": {"workdir: /some/where\nentrypoint: pwd", "/some/where\n"},
	} {
		t.Run(name, func(t *testing.T) {
			img := build{spec: minimal + test.spec + "\n"}.must(t).Image
			require.Equal(t, test.want, run(t, img, testenv.RunOptions{}))
		})
	}
}

func TestIntegrationUserNonroot(t *testing.T) {
	img := build{spec: minimal + "user: nonroot\nworkdir: /srv\n"}.must(t).Image
	out := python(t, img, "import os, getpass, pathlib, grp\n"+
		"home = pathlib.Path.home()\n(home / 'mine').touch()\n"+
		"print(os.getuid(), os.getgid(), os.getgroups(), getpass.getuser(), grp.getgrgid(os.getgid()).gr_name, home, "+
		"os.environ['HOME'], oct(home.stat().st_mode), home.stat().st_uid, os.getcwd(), os.access('/srv', os.W_OK))")
	require.Equal(t, "65532 65532 [65532] nonroot nonroot /home/nonroot /home/nonroot 0o40700 65532 /srv False", out)
}

// A folder that is there stays as it is, whoever works or copies in it.
func TestIntegrationFoldersKeepTheirOwnersAndModes(t *testing.T) {
	folders := []string{"/", "/etc", "/home", "/home/nonroot", "/root", "/tmp", "/usr/local/bin", "/var"}
	before := filesOf(t, finalOf(t, minimal))
	var entries strings.Builder
	for _, folder := range folders {
		entries.WriteString("  - {from: app.py, to: " + strings.TrimSuffix(folder, "/") + "/app.py}\n")
	}
	for _, workdir := range []string{"/home/nonroot", "/tmp"} {
		img := build{
			spec:  minimal + "workdir: " + workdir + "\nfiles:\n" + entries.String(),
			files: map[string]string{"app.py": ""},
		}.must(t).Image
		after := filesOf(t, img)
		for _, folder := range folders {
			was, is := before[folder], after[folder]
			require.Contains(t, after, strings.TrimSuffix(folder, "/")+"/app.py")
			if _, ok := before[folder]; !ok && folder == "/" {
				continue
			}
			require.Equal(t, was.Mode, is.Mode, folder)
			require.Equal(t, []int{was.UID, was.GID}, []int{is.UID, is.GID}, folder)
		}
	}
}
