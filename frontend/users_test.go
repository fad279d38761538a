package frontend_test

import (
	"io/fs"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
)

// ownUsers are a user by the shortest form, and one who says it all.
const ownUsers = minimal + `
users:
  - {name: app, uid: 1000}
  - {name: worker, uid: 2000, gid: 0, home: /srv/worker, shell: /bin/sh}
  - {name: third, uid: 3000, group: worker}
`

func TestIntegrationOwnUsers(t *testing.T) {
	before, after := finalOf(t, minimal), finalOf(t, ownUsers)
	for name, added := range map[string]string{
		"/etc/passwd": "app:x:1000:1000:app:/home/app:/sbin/nologin\nworker:x:2000:0:worker:/srv/worker:/bin/sh\n" +
			"third:x:3000:3000:third:/home/third:/sbin/nologin\n",
		"/etc/group":  "app:x:1000:\nworker:x:3000:\n",
		"/etc/shadow": "app:!::0:::::\nworker:!::0:::::\nthird:!::0:::::\n",
	} {
		was, err := before.ReadFile(t.Context(), name)
		require.NoError(t, err)
		is, err := after.ReadFile(t.Context(), name)
		require.NoError(t, err)
		require.Equal(t, string(was)+added, string(is))
		require.Equal(t, filesOf(t, before)[name].Mode, filesOf(t, after)[name].Mode)
	}
	files := filesOf(t, after)
	for name, want := range map[string][]int{"/home/app": {1000, 1000}, "/srv/worker": {2000, 0}} {
		require.Equal(t, fs.ModeDir|0o700, files[name].Mode, name)
		require.Equal(t, want, []int{files[name].UID, files[name].GID}, name)
	}
	require.NotContains(t, files, "/etc/passwd-")

	const program = "import getpass, grp, os; open(os.path.expanduser('~/mine'), 'w'); " +
		"print(getpass.getuser(), os.getuid(), grp.getgrgid(os.getgid()).gr_name, os.environ['HOME'])"
	for user, want := range map[string]string{"app": "app 1000 app /home/app\n", "worker": "worker 2000 root /srv/worker\n", "third:worker": "third 3000 worker /home/third\n"} {
		require.Equal(t, want, run(t, after, testenv.RunOptions{User: user, Args: []string{"-c", program}}))
	}
}

// Whoever owns a file may be named as in a Dockerfile that has the same users.
func TestIntegrationFilesOfOwnUsers(t *testing.T) {
	ref := shared.Env(t).Registry.Ref("test/users:latest")
	build{spec: ownUsers, BuildRequest: testenv.BuildRequest{Push: ref}}.must(t)
	req := testenv.BuildRequest{Dir: copyContext(t)}
	want := peer(t, `FROM test/users
COPY --chown=app folder /app/
COPY --chown=worker app.py /worker/
COPY --chown=worker:app app.py /both/
COPY --chown=third:worker app.py /third/
COPY --chown=nonroot:app --chmod=750 folder /modes/
`, req)
	got := build{spec: ownUsers + `
files:
  - {from: folder, to: /app/, chown: app}
  - {from: app.py, to: /worker/, chown: worker}
  - {from: app.py, to: /both/, chown: worker:app}
  - {from: app.py, to: /third/, chown: "third:worker"}
  - {from: folder, to: /modes/, chown: nonroot:app, chmod: "750"}
`, BuildRequest: req}.must(t).Image
	for _, dir := range []string{"/app", "/worker", "/both", "/third", "/modes"} {
		require.NotEmpty(t, tree(t, want, dir))
		require.Equal(t, tree(t, want, dir), tree(t, got, dir))
	}
}

// Packages have users as well, and only the build knows which.
func TestIntegrationUsersOfPackagesAreNotTaken(t *testing.T) {
	service := minimal + "packages: [hello-service]\n"
	for name, test := range map[string]struct{ spec, want string }{
		"name":   {"users: [{name: hello, uid: 1000}]\n", "the image has a user hello already"},
		"uid":    {"users: [{name: app, uid: 1}]\n", "1, for app, is the number of the image's user bin already"},
		"group":  {"users: [{name: app, uid: 1000, group: wheel}]\n", "the image has a group wheel already, 10, and app wants it to be 1000"},
		"gid":    {"users: [{name: app, uid: 1000, gid: 10, group: app}]\n", "10, for the group app of app, is the number of the image's group wheel"},
		"number": {"users: [{name: app, uid: 1000, gid: 10}]\n", "10, for the group app of app, is the number of the image's group wheel: choose that group"},
		"owner":  {"writable: [{path: /data, owner: nobody-there}]\n", "the image has no user nobody-there: expected a number, a name under users, or one of"},
		"user":   {"volumes: [/data]\nuser: nonrot\n", "the image has no user nonrot"},
	} {
		t.Run(name, func(t *testing.T) {
			log, err := build{spec: service + test.spec}.fails(t)
			require.Contains(t, log, test.want)
			require.Contains(t, testenv.SourceExcerpt(err), "   5 | >>> "+test.spec[:4])
		})
	}
}
