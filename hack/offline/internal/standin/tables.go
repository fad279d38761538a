package standin

import (
	"io/fs"

	"github.com/autumnjolitz/distroless-frontend/hack/offline/internal/apkfile"
)

const (
	suite         = "trixie" // the Debian release that has Python 3.13
	pythonXY      = "3.13"
	alpineBranch  = "3.20"
	alpineRelease = "3.20.0"
	goAlpine      = "3.23" // of the golang image in Dockerfile.frontend
)

// libraries are the packages of shared libraries: Alpine's name, and the Debian
// packages whose libraries it gets. Dependencies and provides follow from the files.
var libraries = []struct {
	name string
	debs []string
	only []string // patterns of file names; all libraries when empty

	loads []string // dependencies that no file tells of
}{
	{name: "glibc", debs: []string{"libc6", "libc-bin"}, loads: []string{"so:libgcc_s.so.1"}}, // to end a thread
	{name: "libgcc", debs: []string{"libgcc-s1"}},
	{name: "libstdc++", debs: []string{"libstdc++6"}},
	{name: "libcap2", debs: []string{"libcap2"}},
	{name: "libseccomp", debs: []string{"libseccomp2"}},
	{name: "zlib", debs: []string{"zlib1g"}},
	{name: "libbz2", debs: []string{"libbz2-1.0"}},
	{name: "xz-libs", debs: []string{"liblzma5"}},
	{name: "zstd-libs", debs: []string{"libzstd1"}},
	{name: "libffi", debs: []string{"libffi8"}},
	{name: "sqlite-libs", debs: []string{"libsqlite3-0"}},
	{name: "libexpat", debs: []string{"libexpat1"}},
	{name: "libuuid", debs: []string{"libuuid1"}},
	{name: "mpdecimal", debs: []string{"libmpdec4"}},
	{name: "db", debs: []string{"libdb5.3t64"}},
	{name: "libncursesw", debs: []string{"libncursesw6", "libtinfo6"}},
	{name: "readline", debs: []string{"libreadline8t64"}},
	{name: "libcrypto3", debs: []string{"libssl3t64"}, only: []string{"libcrypto.so.*"}},
	{name: "libssl3", debs: []string{"libssl3t64"}, only: []string{"libssl.so.*"}},
}

// recipe makes a package that has more than libraries.
type recipe struct {
	apkfile.Package
	deb   string            // the Debian package that files are taken from; its version is taken as well
	files map[string]string // from a path in the Debian package to one in ours
	make  func(*maker, string) error

	private []string // Debian packages whose libraries are for its own programs, which make puts in place
}

// debs are the Debian packages it is made of.
func (r recipe) debs() []string {
	if r.deb == "" {
		return r.private
	}
	return append([]string{r.deb}, r.private...)
}

// helloScripts do what a package of a service does: it needs a user, writes files
// and watches a directory of another package.
var helloScripts = map[string]string{
	"pre-install": `#!/bin/sh
grep -q '^hello:' /etc/group || echo 'hello:x:101:' >>/etc/group
grep -q '^hello:' /etc/passwd || echo 'hello:x:100:101:hello:/var/lib/hello:/sbin/nologin' >>/etc/passwd
grep -q '^hello:' /etc/shadow || echo 'hello:!::0:::::' >>/etc/shadow
exit 0
`,
	"post-install": `#!/bin/sh
set -e
mkdir -p /var/lib/hello
chown hello:hello /var/lib/hello
printf 'installed\n' >/var/lib/hello/state
`,
	"trigger": `#!/bin/sh
set -e
for directory; do echo "$directory" >>/var/lib/hello/triggered; done
`,
}

// recipes are the packages of the repository other than libraries.
var recipes = []recipe{
	{
		Package: apkfile.Package{
			Name: "alpine-baselayout", Version: "3.6.5-r0", Description: "Directories of a root", License: "GPL-2.0-only",
			Depends: []string{"alpine-baselayout-data=3.6.5-r0", "/bin/sh"},
			Modes: map[string]fs.FileMode{
				"/tmp": 0o1777, "/var/tmp": 0o1777, "/root": 0o700, "/proc": 0o555, "/sys": 0o555,
			},
		},
		make: (*maker).baselayout,
	},
	{
		Package: apkfile.Package{
			Name: "alpine-baselayout-data", Version: "3.6.5-r0", Description: "Configuration of a root",
			License: "GPL-2.0-only", Replaces: []string{"alpine-baselayout"},
			Modes: map[string]fs.FileMode{"/etc/shadow": 0o640},
		},
		deb:   "netbase",
		files: map[string]string{"etc/protocols": "etc/protocols", "etc/services": "etc/services"},
		make:  (*maker).baselayoutData,
	},
	{
		Package: apkfile.Package{
			Name: "alpine-release", Version: alpineRelease + "-r0", Description: "Release data of the stand-in for Alpine",
			License: "MIT", Depends: []string{"alpine-keys"},
		},
		make: (*maker).release,
	},
	{
		Package: apkfile.Package{Name: "alpine-keys", Version: "2.4-r1", Description: "Nobody's keys", License: "MIT"},
		make:    (*maker).keys,
	},
	{
		Package: apkfile.Package{Name: "apk-tools", Version: "2.14.4-r0", Description: "apk, made of Go libraries", License: "Apache-2.0"},
		make:    (*maker).apkTools,
	},
	{
		Package: apkfile.Package{
			Name: "busybox", Description: "Size optimized toolbox of many common UNIX utilities", License: "GPL-2.0-only",
			Scripts: map[string]string{"post-install": "#!/bin/busybox sh\nexec /bin/busybox --install -s\n"},
		},
		deb:  "busybox-static",
		make: (*maker).busybox,
	},
	{
		Package: apkfile.Package{
			Name: "busybox-binsh", Description: "busybox ash as /bin/sh", License: "GPL-2.0-only", Priority: 100,
			Depends: []string{"busybox", "!dash-binsh"}, Provides: []string{"/bin/sh", "cmd:sh=1"},
		},
		deb:  "busybox-static",
		make: link("bin/sh", "/bin/busybox"),
	},
	{
		Package: apkfile.Package{
			Name: "busybox-accounts", Version: "1.0-r0", Description: "adduser and addgroup for a busybox without them",
			License: "MIT", Depends: []string{"busybox"},
		},
		make: (*maker).accountsTools,
	},
	{
		Package: apkfile.Package{Name: "scanelf", Description: "Scans ELF files", License: "GPL-2.0-only"},
		deb:     "pax-utils",
		files:   map[string]string{"usr/bin/scanelf": "usr/bin/scanelf"},
	},
	{
		Package: apkfile.Package{
			Name: "dash", Description: "Small and fast POSIX-compliant shell", License: "BSD-3-Clause",
			Scripts: map[string]string{"post-install": "#!/bin/sh\nexit 0\n"},
		},
		deb:   "dash",
		files: map[string]string{"usr/bin/dash": "usr/bin/dash"},
	},
	{
		Package: apkfile.Package{
			Name: "dash-binsh", Description: "dash as /bin/sh", License: "BSD-3-Clause", Priority: 60,
			Depends: []string{"dash", "!busybox-binsh"}, Provides: []string{"/bin/sh", "cmd:sh=2"},
		},
		deb:  "dash",
		make: link("bin/sh", "/usr/bin/dash"),
	},
	{
		Package: apkfile.Package{
			Name: "coreutils-env", Description: "GNU env", License: "GPL-3.0-or-later", Replaces: []string{"busybox"},
		},
		deb:   "coreutils",
		files: map[string]string{"usr/bin/env": "usr/bin/env"},
	},
	{
		Package: apkfile.Package{Name: "run-parts", Description: "Run scripts in a directory", License: "GPL-2.0-or-later"},
		deb:     "debianutils",
		files:   map[string]string{"usr/bin/run-parts": "usr/bin/run-parts"},
	},
	{
		Package: apkfile.Package{
			Name: "ca-certificates", Description: "Mozilla's certificates as PEM files", License: "MPL-2.0 AND MIT",
			Depends:  []string{"/bin/sh"},
			Triggers: []string{"/usr/share/ca-certificates", "/usr/local/share/ca-certificates", "/etc/ca-certificates/update.d"},
			Scripts:  map[string]string{"trigger": "#!/bin/sh\nexec /usr/sbin/update-ca-certificates --fresh\n"},
		},
		deb:   "ca-certificates",
		files: map[string]string{"usr/share/ca-certificates": "usr/share/ca-certificates"},
		make:  (*maker).certificates,
	},
	{
		Package: apkfile.Package{
			Name: "ca-certificates-bundle", Description: "Mozilla's certificates in one file", License: "MPL-2.0 AND MIT",
		},
		deb:  "ca-certificates",
		make: (*maker).certificateBundle,
	},
	{
		Package: apkfile.Package{Name: "ncurses-terminfo-base", Description: "Common terminals", License: "MIT"},
		deb:     "ncurses-base",
		files:   map[string]string{"usr/share/terminfo": "usr/share/terminfo"},
	},
	{
		Package: apkfile.Package{Name: "tzdata", Description: "Timezone data", License: "Public-Domain"},
		deb:     "tzdata",
		files:   map[string]string{"usr/share/zoneinfo": "usr/share/zoneinfo"},
	},
	{
		Package: apkfile.Package{Name: "zip", Description: "Creates PKZIP-compatible .zip files", License: "Info-ZIP"},
		deb:     "zip",
		files:   map[string]string{"usr/bin/zip": "usr/bin/zip"},
	},
	{
		Package: apkfile.Package{
			Name: "hello-apk", Version: "1.0-r0", Description: "A package with one data file, for tests", License: "MIT",
			Provides: []string{"cmd:none=1"},
		},
		make: text("usr/share/hello-apk/greeting", "hello from an apk package\n"),
	},
	{
		Package: apkfile.Package{
			Name: "hello-service", Version: "1.0-r0", Description: "A package that adds a user, with scripts and a trigger, for tests",
			License: "MIT", Depends: []string{"hello-apk", "/bin/sh"}, Triggers: []string{"/usr/share/hello-apk"},
			Scripts: helloScripts,
		},
		make: text("usr/share/hello-service/README", "The scripts of this package add the user hello.\n"),
	},
}

// baseWorld is what the base image has, as the official image has it.
var baseWorld = []string{
	"alpine-baselayout", "alpine-keys", "alpine-release", "apk-tools", "busybox", "busybox-accounts", "busybox-binsh",
	"ca-certificates", "ca-certificates-bundle", "tzdata",
}

// pythonDebs are the Debian packages that the interpreter is made of.
var pythonDebs = []string{
	"python3.13-minimal", "libpython3.13", "libpython3.13-minimal", "libpython3.13-stdlib", "python3.13", "python3.13-venv",
	"python3.13-tk", "idle-python3.13", "python3.13-examples", "python3-pip-whl", // turtledemo is an example
}

// wheelDebs are the Debian packages that have a Python package each.
var wheelDebs = []string{
	"python3-flask", "python3-werkzeug", "python3-jinja2", "python3-markupsafe", "python3-itsdangerous",
	"python3-click", "python3-blinker", "python3-colorama",
	"httpie", "python3-requests", "python3-requests-toolbelt", "python3-urllib3", "python3-certifi",
	"python3-charset-normalizer", "python3-idna", "python3-socks", "python3-multidict", "python3-rich",
	"python3-markdown-it", "python3-mdurl", "python3-pygments", "python3-defusedxml", "python3-typing-extensions",
	"python3-gunicorn", "python3-packaging", "python3-attr", "python3-dateutil", "python3-six", "python3-dotenv",
	"python3-tqdm", "python3-yaml",
}

// extensions are those of wheelDebs that also get a wheel with their code for this
// machine, so that installing one can be tested.
var extensions = []string{"python3-markupsafe"}

// wheelhouses are the Debian packages that have wheels as they are.
var wheelhouses = []string{"python3-pip-whl", "python3-setuptools-whl"}
