package frontend_test

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// nosyBackend is a build backend (PEP 517) that tries to get at what is no business of its,
// in every hook that pip calls, and fails if anything comes of it.
const nosyBackend = `
import glob, os, socket, subprocess, sys, zipfile
import helper  # a requirement of the build

CANARY, HOST, PORT = %q[::-1], %q, %d

SECRETS = [
    '/run/secrets/netrc', '/etc/ssh/ssh_known_hosts', '/run/secrets/pip-cert', '/run/secrets/pip-client-cert',
    '/run/secrets/pip/user', '/run/secrets/pip/password', '/run/secrets/pip/token',
]

def read(secret):
    # There is none when it is built, and then the cache stands for it.
    return open(secret).read() if os.path.exists(secret) else os.listdir('/var/cache/chroot/pip')

def attempt(what):
    try:
        return what()
    except Exception as e:
        return type(e).__name__

def secrets():
    seen = [name for name, value in os.environ.items() if CANARY in value]
    for pattern in ('/run/**', '/tmp/**', '/var/cache/**', '/proc/*/environ', '/proc/*/cmdline', '/out/**', '/root/**', '/downloads/**'):
        for path in glob.glob(pattern, recursive=True):
            try:
                with open(path, 'rb') as file:
                    if CANARY.encode() in file.read(1 << 20):
                        seen.append(path)
            except OSError:
                pass
    return seen

def connect(family, kind):
    with socket.socket(family, kind) as s:
        s.settimeout(5)
        s.connect((HOST, PORT))
        s.send(b'GET / HTTP/1.0')

def write(path):
    open(path, 'w').close()

def lingering():
    return [path for path in glob.glob('/proc/[0-9]*/cmdline') if b'sleep(600)' in open(path, 'rb').read()]

def snoop(hook):
    refused = {
        **{path: lambda path=path: read(path) for path in SECRETS},
        'tcp': lambda: connect(socket.AF_INET, socket.SOCK_STREAM),
        'udp': lambda: connect(socket.AF_INET, socket.SOCK_DGRAM),
        'tcp6': lambda: connect(socket.AF_INET6, socket.SOCK_STREAM),
        'root': lambda: os.setuid(0),
        'cache': lambda: os.listdir('/var/cache/chroot/pip'),
        'cache file': lambda: write('/var/cache/chroot/pip/x'),
        'memory': lambda: open('/proc/1/mem', 'rb').read(1),
        'output': lambda: write('/out/x'),
        'interpreter': lambda: write('/usr/local/bin/x'),
    }
    findings = {name: attempt(what) for name, what in refused.items()}
    findings.update(secrets=secrets(), lingering=lingering(), uid=os.getuid())
    expected = {**dict.fromkeys(refused, 'PermissionError'), 'secrets': [], 'lingering': [], 'uid': 65534}
    if findings != expected:
        raise SystemExit('FOUND in %%s: %%s' %% (hook, {k: v for k, v in findings.items() if v != expected[k]}))
    len(socket.socketpair())  # as what runs processes of its own needs
    # One that stays, to look again while pip works on.
    null = subprocess.DEVNULL
    subprocess.Popen([sys.executable, '-c', 'import time; time.sleep(600)'], stdin=null, stdout=null, stderr=null, start_new_session=True)

def get_requires_for_build_wheel(config_settings=None):
    snoop('requires')
    return ['late']

INFO = 'nosy-1.0.dist-info'
METADATA = 'Metadata-Version: 2.1\nName: nosy\nVersion: 1.0\nRequires-Dist: six\n'

def prepare_metadata_for_build_wheel(directory, config_settings=None):
    snoop('metadata')
    os.mkdir(os.path.join(directory, INFO))
    with open(os.path.join(directory, INFO, 'METADATA'), 'w') as file:
        file.write(METADATA)
    return INFO

def build_wheel(directory, config_settings=None, metadata_directory=None):
    import late
    snoop('wheel')
    name = 'nosy-1.0-py3-none-any.whl'
    with zipfile.ZipFile(os.path.join(directory, name), 'w') as wheel:
        wheel.writestr('nosy.py', 'answer = 42\n')
        wheel.writestr(INFO + '/METADATA', METADATA)
        wheel.writestr(INFO + '/WHEEL', 'Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n')
        wheel.writestr(INFO + '/RECORD', '')
    return name
`

// nosy is a source distribution with that backend.
func nosy(t *testing.T, server net.Addr) (file, content string) {
	t.Helper()
	address := server.(*net.TCPAddr)
	reversed := []byte(canary) // the word itself would be found in the backend
	slices.Reverse(reversed)
	return sdist(t, "nosy", "1.0", map[string]string{
		"pyproject.toml": "[build-system]\nrequires = ['helper']\nbuild-backend = 'backend'\nbackend-path = ['.']\n",
		"backend.py":     fmt.Sprintf(nosyBackend, reversed, address.IP.String(), address.Port),
	})
}

// The code of a source distribution runs while pip resolves, beside the secret, and when it
// is built. Neither time can it read the secret, reach the network, write to anything of
// root's or stay. What it is built with comes from the index all the same.
func TestIntegrationPipConfinesBuildCode(t *testing.T) {
	spec, secrets := nosyIndex(t)
	res := build{spec: spec, BuildRequest: withSecrets(secrets)}.must(t)
	require.Equal(t, []string{"nosy==1.0", "six==1.17.0"}, versions(t, res.Image))
	require.Equal(t, "42", python(t, res.Image, "import nosy; print(nosy.answer)"))
}

// What only wheels are taken of is not built either where a URL or a path names a source
// distribution, also when that is a requirement of another.
func TestIntegrationPipOnlyBinary(t *testing.T) {
	source, content := taggedSdist(t, "gear", "py3-none-any")
	index := newIndex(t)
	index.add(source, content)
	url := strings.TrimSuffix(index.start(t, false), "/simple") + "/wheels/" + source
	leading, leadingContent := wheel(t, "leading", "1.0", map[string]string{
		"leading-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: leading\nVersion: 1.0\nRequires-Dist: gear @ " + url + "\n",
	})
	for name, test := range map[string]struct{ only, requirement, want string }{
		"URL":             {":all:", "gear @ " + url, "requirements.txt:2: "},
		"path":            {"gear", "./" + source, "requirements.txt:2: "},
		"of a dependency": {":all:", "./" + leading, ""},
	} {
		t.Run(name, func(t *testing.T) {
			log, err := build{
				spec:  minimal + "pip: {requirements: [requirements.txt], only-binary: ['" + test.only + "']}\n",
				files: map[string]string{"requirements.txt": "six\n" + test.requirement + "\n", source: content, leading: leadingContent},
			}.fails(t)
			require.Contains(t, log, "\n"+test.want+source+" is no wheel, and only-binary takes nothing else: name a wheel of it")
			require.NotContains(t, log, "Preparing metadata")
			require.Contains(t, marked(err), "pip: {requirements: [requirements.txt]")
		})
	}
	img := build{
		spec:  minimal + "pip: {requirements: [requirements.txt], only-binary: [six]}\n",
		files: map[string]string{"requirements.txt": "six\n./" + source + "\n", source: content},
	}.must(t).Image
	require.Equal(t, []string{"gear==1.0", "six==1.17.0"}, versions(t, img))
}
