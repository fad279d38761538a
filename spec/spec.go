// Package spec reads the YAML file that describes a distroless Python image.
//
// The exported types are the only list of keys there is: [Parse] walks them by
// reflection, so a key, its type and its description cannot drift apart. The
// struct tags are
//
//	yaml      the key; "-" for a field no key sets
//	doc       one sentence that describes the key
//	example   a value, in YAML's flow style, shown when the type is wrong
//	enum      the values allowed, separated by commas
//	required  "true" when the mapping makes no sense without the key
//	expand    "false" when variables in the value are not for us to replace
package spec

import "github.com/moby/buildkit/frontend/dockerfile/parser"

// MaxSize is the size in bytes above which [Parse] refuses a file.
const MaxSize = 1 << 20

// Spec describes one image. Of an empty field the package llb says what it means.
type Spec struct {
	// Python is X.Y or X.Y.Z, as written: an unquoted 3.10 stays "3.10".
	Python string `yaml:"python" doc:"Python version of the base image, X.Y or X.Y.Z." example:"\"3.13\""`
	// Alpine is X.Y, as written: an unquoted 3.20 stays "3.20".
	Alpine string `yaml:"alpine" doc:"Alpine version of the base image, X.Y." example:"\"3.20\""`
	// Base is set if and only if Python and Alpine are empty.
	Base string `yaml:"base" doc:"Image reference to start from, instead of python and alpine." example:"docker.io/library/python:3.13-alpine3.20"`

	// Args are in the order of the file.
	Args []Arg `yaml:"args" doc:"Build arguments, with their defaults, that values refer to as ${NAME}." example:"{APP_VERSION: \"1.0\"}" json:",omitempty"`

	// Packages are in the syntax of /etc/apk/world and never begin with - or !.
	Packages  []string  `yaml:"packages" doc:"Alpine packages of the final image." example:"[libpq]"`
	APK       APK       `yaml:"apk" doc:"Where Alpine packages come from, and those needed only to build." example:"{build: [gcc, musl-dev]}"`
	Stdlib    Stdlib    `yaml:"stdlib" doc:"How Python's standard library is packed." example:"{exclude: [sqlite3]}"`
	Pip       Pip       `yaml:"pip" doc:"What pip installs, and from where." example:"{requirements: [requirements.txt]}"`
	Bytecode  Bytecode  `yaml:"bytecode" doc:"What becomes of Python sources." example:"{optimize: 2, sources: drop}" json:",omitzero"`
	Libraries Libraries `yaml:"libraries" doc:"Which shared libraries have to be in the image." example:"{ignore: [libtcl8.6.so]}" json:",omitzero"`
	Trim      *Trim     `yaml:"trim" doc:"What to run to find what of the standard library the image needs." example:"{run: [[python, -m, app, --version]]}" json:",omitempty"`
	Files     []File    `yaml:"files" doc:"Files copied into the image, in order." example:"[{from: hello.py, to: /app/}]"`

	Users   []User `yaml:"users" doc:"Users of the image besides root and nonroot." example:"[{name: app, uid: 1000}]" json:",omitempty"`
	User    string `yaml:"user" doc:"User, and optionally group, that the container runs as." example:"nonroot"`
	Workdir string `yaml:"workdir" doc:"Absolute path of the directory the container starts in." example:"/app"`
	// Env and Labels keep the order of the file.
	Env        []KeyValue `yaml:"env" doc:"Environment variables of the container." example:"{FLASK_RUN_PORT: \"8080\"}"`
	Labels     []KeyValue `yaml:"labels" doc:"Labels of the image." example:"{org.opencontainers.image.title: hello}"`
	Entrypoint *Command   `yaml:"entrypoint" doc:"Command that always runs: a list is the exec form, a string the shell form." example:"[flask]"`
	Init       bool       `yaml:"init" doc:"Whether a minimal init is the first process and runs the command." example:"true" json:",omitempty"`
	Cmd        *Command   `yaml:"cmd" doc:"Default arguments, or the command when there is no entrypoint." example:"[--app, hello, run]"`
	// Expose holds "port/protocol" or "first-last/protocol", the protocol
	// always in place; see [Spec.ExposedPorts].
	Expose []string `yaml:"expose" doc:"Ports that the container listens on." example:"[8080, 53/udp]"`
	// Volumes are absolute and clean paths.
	Volumes     []string     `yaml:"volumes" doc:"Absolute paths of directories that are volumes." example:"[/data]"`
	Writable    []Writable   `yaml:"writable" doc:"Absolute paths of directories that the user of the image may write to." example:"[/var/lib/app]" json:",omitempty"`
	Shell       []string     `yaml:"shell" doc:"Program and arguments that run the shell form of commands." example:"[/bin/sh, -c]" expand:"false"`
	StopSignal  string       `yaml:"stopsignal" doc:"Signal that stops the container, a name or a number." example:"SIGTERM"`
	Healthcheck *Healthcheck `yaml:"healthcheck" doc:"How to tell that the container works, or none for no check." example:"{http: 8080/health, interval: 30s}"`

	Tests []Test `yaml:"tests" doc:"What must hold of the image for the build to succeed." example:"[{run: [python, -V]}]" json:",omitempty"`

	src       *source
	locations map[string]parser.Range
}

// APK says where Alpine packages come from.
type APK struct {
	// Repositories are "url" or "@tag url", http or https, without credentials.
	// When there are any they replace those of the base image.
	Repositories []string `yaml:"repositories" doc:"Package repositories to use instead of the base image's own." example:"[https://mirror.example/alpine/v3.20/main]"`
	// Keys are clean paths relative to the root of the build context.
	Keys []string `yaml:"keys" doc:"Public keys of the build context that are trusted, named *.rsa.pub." example:"[keys/mirror.rsa.pub]"`
	// Build has the syntax of Spec.Packages.
	Build []string `yaml:"build" doc:"Alpine packages present while pip builds and absent from the image." example:"[gcc, musl-dev]"`
}

// Compression is how the archive of the standard library is compressed.
type Compression string

// The compressions of the standard library's archive.
const (
	CompressionDeflate Compression = "deflate"
	CompressionStore   Compression = "store"
)

// Stdlib says how the standard library is packed.
type Stdlib struct {
	// Compression is never empty in a parsed spec; the default is deflate.
	Compression Compression `yaml:"compression" doc:"Compression of the standard library's archive; deflate when not given." enum:"deflate,store" example:"deflate"`
	Include     []string    `yaml:"include" doc:"Parts to keep that are left out by default." example:"[pydoc_data]"`
	Exclude     []string    `yaml:"exclude" doc:"Dotted names of modules to leave out." example:"[sqlite3, xml.sax]"`
}

// Pip says what pip installs. Keys are the names of pip's own options.
type Pip struct {
	// Requirements and Constraints are clean paths relative to the root of the
	// build context.
	Requirements []string `yaml:"requirements" doc:"Requirements files of the build context, or a pylock.toml, or a pyproject.toml." example:"[requirements.txt]"`
	Packages     []string `yaml:"packages" doc:"Requirement specifiers to install." example:"[httpie==3.2.4]"`
	Constraints  []string `yaml:"constraints" doc:"Constraints files of the build context." example:"[constraints.txt]"`
	// Project is a clean path relative to the root of the build context.
	Project string `yaml:"project" doc:"Folder of the build context with the application as a project, that is built and installed." example:"." json:",omitempty"`
	// Extras and Groups are those of the one pyproject.toml or lock that the spec names.
	Extras []string `yaml:"extras" doc:"Extras that are installed, of the project or of the file under requirements that has some." example:"[postgres]" json:",omitempty"`
	Groups []string `yaml:"groups" doc:"Dependency groups that are installed, of the same file." example:"[prod]" json:",omitempty"`
	// IndexURL and ExtraIndexURLs are http or https URLs without credentials.
	IndexURL       string   `yaml:"index-url" doc:"Package index to use instead of PyPI." example:"https://pypi.org/simple"`
	ExtraIndexURLs []string `yaml:"extra-index-urls" doc:"Package indexes to use besides the first." example:"[https://mirror.example/simple]"`
	// FindLinks holds http or https URLs without credentials (they contain
	// "://"), clean paths relative to the root of the build context, and those
	// of other contexts (see [LinkedContext]).
	FindLinks    []string `yaml:"find-links" doc:"URLs, or paths of the build context or of context://NAME, where distributions lie." example:"[wheels/]"`
	TrustedHosts []string `yaml:"trusted-hosts" doc:"Hosts, as host or host:port, taken without valid HTTPS." example:"[mirror.example]"`
	NoIndex      bool     `yaml:"no-index" doc:"Use find-links only and no package index." example:"true"`
	// RequireHashes holds for all that is installed, not for what it is built with.
	RequireHashes bool `yaml:"require-hashes" doc:"Take nothing whose hash the requirements files do not state." example:"true"`
	// OnlyBinary and NoBinary hold names of projects, or nothing but ":all:".
	OnlyBinary []string `yaml:"only-binary" doc:"Projects of which only wheels are taken, or :all:." example:"[':all:']"`
	NoBinary   []string `yaml:"no-binary" doc:"Projects of which no wheels are taken, or :all:." example:"[markupsafe]"`
	// Credentials are for one host each.
	Credentials []Credential `yaml:"credentials" doc:"Logins of package indexes, with passwords that are build secrets." example:"[{host: pypi.example, username: bot, password-secret: pypi_password}]" json:",omitempty"`
	// Cert is a clean path relative to the root of the build context.
	Cert             string `yaml:"cert" doc:"File of the build context with the certificates of the authorities that pip trusts." example:"certs/company.pem" json:",omitempty"`
	ClientCertSecret string `yaml:"client-cert-secret" doc:"Id of the build secret with the certificate and the key by which pip shows who it is." example:"pip_client" json:",omitempty"`
}

// Libraries says which shared libraries have to be in the image.
type Libraries struct {
	// Ignore holds names without a path.
	Ignore []string `yaml:"ignore" doc:"Names of shared libraries that may be missing, though files of the image need them." example:"[libtcl8.6.so]"`
}

// File is one copy into the image, as the Dockerfile's COPY.
type File struct {
	// From holds at least one clean path relative to the root of the context.
	From Paths `yaml:"from" doc:"Path, or list of paths, relative to the root of the context." example:"hello.py" required:"true"`
	// To is as written. A trailing slash means a directory; a relative path
	// starts at the working directory.
	To string `yaml:"to" doc:"Where the files go; a path that ends in / is a directory." example:"/app/" required:"true"`
	// Chown is "user" or "user:group", numbers, or names of every image and of Spec.Users.
	Chown string `yaml:"chown" doc:"Owner of the copies, user or user:group: numbers, root, nonroot or names under users." example:"\"1000:1000\""`
	// Chmod is three or four octal digits.
	Chmod string `yaml:"chmod" doc:"Octal permissions of the copies." example:"\"0755\""`
	// Context is empty for the build's main context.
	Context string `yaml:"context" doc:"Named context to copy from instead of the main one." example:"assets"`
}

// Paths is a list of paths that may be written as a single string.
type Paths []string

// KeyValue is an entry of a mapping whose keys are free.
type KeyValue struct {
	Key   string
	Value string
}

// Command is the Dockerfile's exec form or shell form.
type Command struct {
	// Args are the program and its arguments, or with Shell a single script.
	// Empty Args mean no command.
	Args []string
	// Shell is true when a shell has to run Args[0].
	Shell bool
}
