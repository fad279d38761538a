package frontend_test

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/stretchr/testify/require"
)

// commitTime is that of every commit in the repositories of the tests.
const commitTime = "2024-02-03T04:05:06Z"

// gitIn runs git in a folder, as somebody who has no configuration.
func gitIn(t *testing.T, dir string) func(args ...string) string {
	t.Helper()
	return func(args ...string) string {
		t.Helper()
		cmd := exec.CommandContext(t.Context(), "git", args...)
		cmd.Dir = dir
		cmd.Env = append(os.Environ(),
			"GIT_CONFIG_NOSYSTEM=1", "HOME="+dir,
			"GIT_AUTHOR_NAME=a", "GIT_AUTHOR_EMAIL=a@example.com", "GIT_AUTHOR_DATE="+commitTime,
			"GIT_COMMITTER_NAME=a", "GIT_COMMITTER_EMAIL=a@example.com", "GIT_COMMITTER_DATE="+commitTime)
		out, err := cmd.Output()
		require.NoError(t, err, "git %s", args)
		return strings.TrimSpace(string(out))
	}
}

// gitDaemon serves the repositories below a folder by git's own protocol.
func gitDaemon(t *testing.T, dir string) net.Addr {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	require.NoError(t, err)
	var answers sync.WaitGroup
	t.Cleanup(answers.Wait)
	t.Cleanup(func() { listener.Close() })
	answers.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			answers.Go(func() { answerGit(t, dir, conn.(*net.TCPConn)) })
		}
	})
	return listener.Addr()
}

// answerGit has git answer one client.
func answerGit(t *testing.T, dir string, conn *net.TCPConn) {
	file, err := conn.File()
	conn.Close()
	if err != nil {
		t.Error(err)
		return
	}
	defer file.Close()
	daemon := exec.CommandContext(t.Context(), "git", "daemon", "--inetd", "--export-all", "--base-path="+dir)
	daemon.Stdin, daemon.Stdout = file, file
	_ = daemon.Run() // the client may go whenever it likes
}

// watchful is a setup.py that fails if it can reach the address. It has more arguments of setup.
func watchful(address net.Addr, arguments string) string {
	tcp := address.(*net.TCPAddr)
	return fmt.Sprintf(`import socket, subprocess
try:
    socket.create_connection((%q, %d), 5)
except PermissionError:
    pass
else:
    raise SystemExit('build code reached the network')
`, tcp.IP.String(), tcp.Port) + fmt.Sprintf(setupOfDebian, arguments)
}

// gears are two projects in one folder. The version of cog is that of the tag.
func gears(address net.Addr, version string) map[string]string {
	const (
		backend  = "[build-system]\nrequires = ['setuptools>=61']\nbuild-backend = 'setuptools.build_meta'\n"
		describe = "version=subprocess.check_output(['git', 'describe', '--tags'], text=True).strip()"
	)
	return map[string]string{
		"gear.py":                  "version = '" + version + "'\n",
		"setup.py":                 watchful(address, ""),
		"pyproject.toml":           backend + "[project]\nname = 'gear'\nversion = '" + version + "'\n[tool.setuptools]\npy-modules = ['gear']\n",
		"parts/cog/cog.py":         "",
		"parts/cog/setup.py":       watchful(address, describe),
		"parts/cog/pyproject.toml": backend + "[project]\nname = 'cog'\ndynamic = ['version']\n[tool.setuptools]\npy-modules = ['cog']\n",
	}
}

// gearRepository serves a repository of them, and returns its URL and its first commit. That has
// the tag 1.0 and is the branch stable; what comes next has the tag 2.0.
func gearRepository(t *testing.T) (url, first string) {
	t.Helper()
	if out, err := exec.CommandContext(t.Context(), "git", "daemon", "-h").CombinedOutput(); !strings.Contains(string(out), "--inetd") {
		t.Skipf("this machine has no git to serve repositories with: %v: %s", err, out)
	}
	root := t.TempDir()
	address := gitDaemon(t, root)
	dir := filepath.Join(root, "gear")
	require.NoError(t, os.Mkdir(dir, 0o755))
	git := gitIn(t, dir)
	git("init", "--quiet", "--initial-branch", "main")
	git("config", "uploadpack.allowFilter", "true") // as on public hosts: pip leaves out what it can
	for _, version := range []string{"1.0", "2.0"} {
		writeFiles(t, dir, gears(address, version))
		git("add", ".")
		git("commit", "--quiet", "--message", version)
		git("tag", "--annotate", "--message", version, version)
	}
	git("branch", "stable", "1.0")
	return "git+git://" + address.String() + "/gear", git("rev-parse", "stable")
}

// Whatever names a revision, all of the repository is there when it is built. What cannot be had
// of it is one error, at the requirement.
func TestIntegrationPipClonesRepositories(t *testing.T) {
	git := extraPackage(t, "git")
	url, first := gearRepository(t)
	requiring := func(requirements ...string) build {
		return build{
			spec:  minimal + "apk: {build: [git]}\npip: {requirements: [requirements.txt]}\n",
			files: map[string]string{"requirements.txt": strings.Join(requirements, "\n") + "\n"},
		}.withPackages(t, git)
	}
	for name, test := range map[string]struct{ requirements, want []string }{
		"a commit, and a folder of a branch": {
			[]string{"gear @ " + url + "@" + first, "cog @ " + url + "@stable#subdirectory=parts/cog"},
			[]string{"cog==1.0", "gear==1.0"},
		},
		"what is newest, and a folder of a tag": {
			[]string{"gear @ " + url, "cog @ " + url + "@1.0#subdirectory=parts/cog"},
			[]string{"cog==1.0", "gear==2.0"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			img := requiring(test.requirements...).must(t).Image
			require.Equal(t, test.want, versions(t, img))
			require.NotContains(t, filesOf(t, img), "/usr/bin/git")
		})
	}

	const noRevision = ", see above: name a branch, a tag or a commit that it has"
	none := strings.Repeat("0", 64)
	for name, test := range map[string]struct{ line, want string }{
		"no such branch":     {"gear @ " + url + "@absent", "the repository of gear has no absent" + noRevision},
		"no such commit":     {"gear @ " + url + "@" + none[:40], "the repository of gear has no " + none[:40] + noRevision},
		"no such repository": {"gear @ " + url + "less", "git could not get the repository of gear, see above. "},
		"nobody there":       {"gear @ git+git://127.0.0.1:1/gear", "git could not get the repository of gear, see above. "},
		"no project there":   {"gear @ " + url + "#subdirectory=parts", "gear has neither pyproject.toml nor setup.py: "},
		"hash":               {"gear @ " + url + " --hash=sha256:" + none, "a repository has no hash, "},
		"only binary":        {"gear @ " + url + "\n--only-binary=gear", "gear is no wheel, and only-binary takes nothing else: "},
	} {
		t.Run(name, func(t *testing.T) {
			log, err := requiring("--prefer-binary", test.line).fails(t)
			require.Equal(t, 1, strings.Count(log, "\nrequirements.txt:2: "+test.want), log)
			require.Equal(t, "pip: {requirements: [requirements.txt]}", marked(err))
		})
	}
}
