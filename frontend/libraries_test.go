package frontend_test

import (
	"crypto/sha256"
	"debug/elf"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"path"
	"runtime"
	"slices"
	"strings"
	"testing"

	"github.com/opencontainers/go-digest"
	"github.com/stretchr/testify/require"

	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
	"github.com/autumnjolitz/distroless-frontend/llb/scripts"
)

const (
	stepLook = "[final] look for shared libraries"

	// libapk is a library that Alpine has a package of, apk-tools, and no image of ours.
	libapk        = "libapk.so.2.14.0"
	stepLibraries = "[root] install so:" + libapk
	// libabsent is one that no repository has.
	libabsent = "libabsent.so.1"
)

// machineArch is what Alpine calls the architecture of this machine.
func machineArch() string {
	if runtime.GOARCH == "arm64" {
		return "aarch64"
	}
	return "x86_64"
}

// muslWheel is a wheel for Alpine on a machine.
func muslWheel(t *testing.T, name, arch string, files map[string]string) (file, content string) {
	t.Helper()
	return taggedWheel(t, name, "1.0", "cp313-cp313-musllinux_1_2_"+arch, files)
}

// withWheel is a build of what pip installs of a wheel.
func withWheel(keys, name string, wheel func() (file, content string)) build {
	file, content := wheel()
	return build{
		spec:  minimal + "pip: {packages: [" + name + "], find-links: [dist]}\n" + keys,
		files: map[string]string{"dist/" + file: content, "app.py": "print('app')\n"},
	}
}

// requireNoEmptyLayer checks that each layer of an image has something in it.
func requireNoEmptyLayer(t *testing.T, img *testenv.Image) {
	t.Helper()
	empty := digest.NewDigestFromBytes(digest.SHA256, sum(make([]byte, 1024))) // a tar archive's end
	for _, layer := range img.Layers {
		require.NotEqual(t, empty, layer.DiffID)
	}
}

func sum(data []byte) []byte {
	s := sha256.Sum256(data)
	return s[:]
}

// loads loads a shared object in a container and returns what its function says.
func loads(t *testing.T, img *testenv.Image, file string) string {
	t.Helper()
	return python(t, img, fmt.Sprintf("import ctypes; print(ctypes.CDLL(%q).answer())", file))
}

// A library that nothing has is installed for the wheel that needs it, once, and becomes part of
// the root: for apk and scanners it is a package like any other.
func TestIntegrationLibrariesAreInstalled(t *testing.T) {
	testenv.RequireAlpine(t)
	object := compiled(t, []string{libapk, "libz.so.1"})
	b := withWheel("files: [{from: app.py, to: /app/}]\n", "gear", func() (string, string) {
		return muslWheel(t, "gear", machineArch(), map[string]string{"gear/core.so": object})
	})
	res := b.must(t)
	img := res.Image
	require.Equal(t, "42", loads(t, img, sitePackages+"/gear/core.so"))
	db := apkDatabase(t, img)
	require.Contains(t, db, "apk-tools")
	requirePackagesWhole(t, img, db)
	requireNoPhantoms(t, img, db)
	world, err := img.ReadFile(t.Context(), "/etc/apk/world")
	require.NoError(t, err)
	require.Contains(t, strings.Fields(string(world)), "so:"+libapk)
	requireNoEmptyLayer(t, img)

	// The root without it is that of every other image, and is below.
	plain := finalOf(t, minimal)
	require.Equal(t, layerOf(t, plain, "/usr/bin/dash"), layerOf(t, img, "/usr/bin/dash"))
	require.Equal(t, layerOf(t, plain, "/usr/local/lib/python313.zip"), layerOf(t, img, "/usr/local/lib/python313.zip"))

	t.Run("nothing runs again", func(t *testing.T) {
		require.Empty(t, ran(b.must(t)))
	})
	t.Run("not for an edit of the application either", func(t *testing.T) {
		b.files["app.py"] = "print('an edit of the application')\n"
		require.Equal(t, []string{stepCompile, stepApp, stepFind, stepMerge}, ran(b.must(t)))
	})
	t.Run("unless a package of the spec has it", func(t *testing.T) {
		b.spec += "packages: [apk-tools]\n"
		res := b.must(t)
		require.Nil(t, res.Vertex("[root] install so:"))
		require.Equal(t, "42", loads(t, res.Image, sitePackages+"/gear/core.so"))
	})
	t.Run("or it may be missing", func(t *testing.T) {
		b.spec = strings.Replace(b.spec, "packages: [apk-tools]", "libraries: {ignore: ["+libapk+"]}", 1)
		res := b.must(t)
		require.Nil(t, res.Vertex("[root] install so:"))
		require.NotContains(t, apkDatabase(t, res.Image), "apk-tools")
	})
}

// What wheels bring along is found in the ways that wheels have for that.
func TestIntegrationLibrariesOfTheWheel(t *testing.T) {
	testenv.RequireAlpine(t)
	bundled := compiled(t, nil, "-Wl,-soname,libown-1a2b.so.1")
	b := withWheel("", "gear", func() (string, string) {
		return muslWheel(t, "gear", machineArch(), map[string]string{
			"gear/core.so":                  compiled(t, []string{"libown-1a2b.so.1"}, "-Wl,-rpath,$ORIGIN/../gear.libs"),
			"gear/beside.so":                compiled(t, []string{"libown-1a2b.so.1"}, "-Wl,--disable-new-dtags,-rpath,$ORIGIN/lib"),
			"gear/lib/libown-1a2b.so.1":     bundled,
			"gear.libs/libown-1a2b.so.1":    bundled,
			"gear.libs/libsecond-1a2b.so.1": compiled(t, []string{"libown-1a2b.so.1"}), // as auditwheel leaves it
			"gear/for_another_machine.so":   elfFile{elf.ELFCLASS32, binary.BigEndian, elf.EM_MIPS, "", []string{libabsent}, "", ""}.content(t),
			"gear/no_program.so":            "\x7fELF, or so it says",
		})
	})
	res := b.must(t)
	require.Nil(t, res.Vertex("[root] install so:"))
	require.Equal(t, "42", loads(t, res.Image, sitePackages+"/gear/core.so"))
	require.Equal(t, "42", loads(t, res.Image, sitePackages+"/gear/beside.so"))
	requireNoEmptyLayer(t, res.Image)
	require.Len(t, res.Image.Layers, len(finalOf(t, minimal).Layers)+1, "pip's, and none of ours")
}

// What one wheel has for itself is there for those that require that wheel, and for no others.
func TestIntegrationLibrariesOfAnotherWheel(t *testing.T) {
	testenv.RequireAlpine(t)
	private := elfOf(machineArch())
	private.soname = libabsent
	b := build{
		spec:  minimal + "pip: {packages: [gear, of.another], find-links: [dist]}\n",
		files: map[string]string{},
	}
	add := func(name string, files map[string]string) {
		file, content := muslWheel(t, name, machineArch(), files)
		b.files["dist/"+file] = content
	}
	add("of_another", map[string]string{"of_another.libs/" + libabsent: private.content(t)})
	core := elfOf(machineArch(), libabsent).content(t)
	add("gear", map[string]string{"gear/core.so": core})
	log, _ := b.fails(t)
	require.Contains(t, log, "gear/core.so of the wheel gear-1.0 needs the shared library "+libabsent)

	add("gear", map[string]string{
		"gear/core.so":                core,
		"gear-1.0.dist-info/METADATA": "Metadata-Version: 2.1\nName: gear\nVersion: 1.0\nRequires-Dist: Of-Another>=1\n",
	})
	b.must(t)
}

// One error says which wheel, file and library it is about, at the line of pip.
func TestIntegrationLibrariesThatCannotBeHad(t *testing.T) {
	testenv.RequireAlpine(t)
	const file = sitePackages + "/gear/core.so"
	const line = "pip: {packages: [gear], find-links: [dist]}"
	for name, test := range map[string]struct{ needed, words string }{
		"in no repository": {
			libabsent, file + " of the wheel gear-1.0 needs the shared library " + libabsent +
				", which is not in the image, and no repository has a package that provides it",
		},
		"of glibc":  {"libc.so.6", file + " of the wheel gear-1.0 needs libc.so.6, which is of glibc, and Alpine has musl instead"},
		"no soname": {"lib>=1 --root=/", file + " of the wheel gear-1.0 needs the shared library lib>=1 --root=/, which is not in the image"},
	} {
		t.Run(name, func(t *testing.T) {
			log, err := withWheel("", "gear", func() (string, string) {
				return muslWheel(t, "gear", machineArch(), map[string]string{"gear/core.so": elfOf(machineArch(), "libz.so.1", test.needed).content(t)})
			}).fails(t)
			require.Equal(t, 1, strings.Count(log+err.Error(), test.words), "%v\n%s", err, log)
			require.Equal(t, line, marked(err), "%v", err)
		})
	}
}

// What is copied into the image is held to the same, in the image that it is copied into.
func TestIntegrationLibrariesOfFiles(t *testing.T) {
	testenv.RequireAlpine(t)
	tool := elfOf(machineArch(), libabsent)
	tool.interpreter = "/lib/ld-musl-" + machineArch() + ".so.1"
	glibc := elfOf(machineArch(), "libc.so.6")
	glibc.interpreter = "/lib64/ld-linux-x86-64.so.2"
	files := map[string]string{
		"app/main.py":   "print('app')\n",
		"app/bin/tool":  tool.content(t),
		"app/bin/glibc": glibc.content(t),
		"lib/" + libabsent: elfFile{
			elf.ELFCLASS64, binary.LittleEndian, elfOf(machineArch()).machine, "", nil, libabsent, "",
		}.content(t),
	}
	const first, second = "  - {from: app/main.py, to: /srv/}\n", "  - {from: app/bin/tool, to: /srv/bin/}\n"
	t.Run("missing", func(t *testing.T) {
		_, err := build{spec: minimal + "files:\n" + first + second, files: files}.fails(t)
		require.ErrorContains(t, err, "/srv/bin/tool needs the shared library "+libabsent+", which is not in the image: add the package that has it to packages")
		require.Equal(t, strings.TrimSuffix(second, "\n"), marked(err), testenv.SourceExcerpt(err))
	})
	t.Run("elsewhere", func(t *testing.T) {
		_, err := build{spec: minimal + "files:\n" + second + "  - {from: lib, to: /srv/lib/}\n", files: files}.fails(t)
		require.ErrorContains(t, err, "which is at /srv/lib/"+libabsent+", where it is not looked for")
	})
	t.Run("of glibc", func(t *testing.T) {
		_, err := build{spec: minimal + "files: [{from: app/bin, to: /srv/}]\nlibraries: {ignore: [" + libabsent + "]}\n", files: files}.fails(t)
		require.ErrorContains(t, err, "/srv/glibc needs /lib64/ld-linux-x86-64.so.2, which is of glibc")
	})
	t.Run("in a folder named as a file that is no program", func(t *testing.T) {
		const name = "vendor/node.js/bin/x.db/tool"
		b := build{spec: minimal + "files: [{from: vendor, to: /srv/}]\n", files: map[string]string{"vendor/node.js/lib/a.js": "", name: ""}}
		b.must(t)
		b.files[name] = tool.content(t)
		_, err := b.fails(t)
		require.ErrorContains(t, err, "/srv/node.js/bin/x.db/tool needs the shared library "+libabsent)
	})
	t.Run("where loaders look", func(t *testing.T) {
		for _, keys := range []string{
			"files:\n" + second + "  - {from: lib, to: /usr/local/lib/}\n",
			"files:\n" + second + "  - {from: lib, to: /srv/lib/}\nenv: {LD_LIBRARY_PATH: /srv/lib}\n",
			"files:\n" + second + "libraries: {ignore: [" + libabsent + "]}\n",
		} {
			res := build{spec: minimal + keys, files: files}.must(t)
			require.Contains(t, filesOf(t, res.Image), "/srv/bin/tool")
		}
	})
}

// Nothing is executed, so what an image for another platform lacks is found and installed as well.
func TestIntegrationLibrariesOfAnotherPlatform(t *testing.T) {
	foreign := shared.Env(t).RequireForeign(t)
	const module = "gear/core.so"
	onForeign := func(needed string) build {
		b := withWheel("", "gear", func() (string, string) {
			return muslWheel(t, "gear", foreign.Arch, map[string]string{module: elfOf(foreign.Arch, needed).content(t)})
		})
		b.Platforms = []string{foreign.Platform}
		return b
	}
	img := onForeign(libapk).must(t).Image
	db := apkDatabase(t, img)
	require.Contains(t, db, "apk-tools")
	requirePackagesWhole(t, img, db)
	requireNoPhantoms(t, img, db)
	library, err := img.ReadFile(t.Context(), "/lib/"+libapk)
	require.NoError(t, err)
	require.Equal(t, byte(elfOf(foreign.Arch).machine), library[18])

	log, err := onForeign(libabsent).fails(t)
	require.Contains(t, log, path.Join(sitePackages, module)+" of the wheel gear-1.0 needs the shared library "+libabsent)
	require.Equal(t, "pip: {packages: [gear], find-links: [dist]}", marked(err))
}

// Every kind of ELF file that Alpine has a port for is read, by the interpreter of the base.
func TestIntegrationLibrariesReadsEveryKindOfFile(t *testing.T) {
	reader, err := scripts.FS.ReadFile("ops/elf.py")
	require.NoError(t, err)
	files := map[string]string{"elf/elf.py": string(reader), "elf/text": "text", "elf/empty": "", "elf/short": "\x7fELF"}
	want := map[string]any{"text": nil, "empty": nil, "short": nil}
	for name, kind := range map[string]elfFile{
		"x86_64": {class: elf.ELFCLASS64, order: binary.LittleEndian, machine: elf.EM_X86_64},
		"x86":    {class: elf.ELFCLASS32, order: binary.LittleEndian, machine: elf.EM_386},
		"s390x":  {class: elf.ELFCLASS64, order: binary.BigEndian, machine: elf.EM_S390},
		"mips":   {class: elf.ELFCLASS32, order: binary.BigEndian, machine: elf.EM_MIPS},
	} {
		kind.needed, kind.soname, kind.runpath = []string{"liba.so.1", "libb.so"}, "lib"+name+".so.0", "$ORIGIN/../lib:/opt"
		kind.interpreter = "/lib/ld-musl-" + name + ".so.1"
		content := kind.content(t)
		files["elf/"+name] = content
		files["elf/cut-"+name] = content[:len(content)-1]
		want["cut-"+name] = nil
		want[name] = []any{[]any{"liba.so.1", "libb.so"}, kind.soname, kind.runpath, kind.interpreter, float64(kind.machine)}
	}
	// The offset in the first program header, which is of the interpreter, and one byte to read from it.
	far := []byte(elfFile{class: elf.ELFCLASS64, order: binary.LittleEndian, interpreter: "/lib/ld.so"}.content(t))
	for name, offset := range map[string]uint64{"far": 1<<63 - 1, "farther": 1<<64 - 1} {
		binary.LittleEndian.PutUint64(far[64+8:], offset)
		files["elf/"+name], want[name] = string(far), nil
	}
	img := build{spec: minimal + "files: [{from: elf, to: /srv/}]\nlibraries: {ignore: [liba.so.1, libb.so, ld-musl-x86_64.so.1]}\n", files: files}.must(t).Image
	out := python(t, img, `
import json, os, sys
sys.path.insert(0, "/srv")
import elf
def fields(e): return e and [e.needed, e.soname, e.path, e.interpreter, e.machine[2]]
print(json.dumps({name: fields(elf.read("/srv/" + name)) for name in os.listdir("/srv") if not name.startswith(("elf.py", "__"))}))`)
	var got map[string]any
	require.NoError(t, json.Unmarshal([]byte(out), &got))
	require.Equal(t, want, got)
}

// A spec without compiled code costs a look, and its image nothing.
func TestIntegrationLibrariesOfPurePackages(t *testing.T) {
	res := build{spec: minimal + "pip: {packages: [six]}\n"}.must(t)
	require.NotNil(t, res.Vertex(stepLook))
	require.False(t, slices.ContainsFunc(res.Vertices, func(v *testenv.Vertex) bool { return strings.Contains(v.Name, "so:") }))
	require.Len(t, res.Image.Layers, len(finalOf(t, minimal).Layers)+1)
	requireNoEmptyLayer(t, res.Image)
}
