package standin

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
)

// edit replaces the one place in a file that a pattern matches. That it is not
// there is an error: Debian's changes have changed, and so must these.
type edit struct {
	file, pattern, with string
}

// edits give the standard library back what CPython's own has. Debian changes where
// packages are installed (dist-packages instead of site-packages, and below
// $prefix/local when pip does it), and disables ensurepip outside of venvs.
var edits = []edit{
	{
		"site.py", `(?s)            if is_virtual_environment:\n.*?            # this one is deprecated for Debian\n`, "",
	},
	{
		"site.py", `(\{abi_thread\}",\n +)"dist-packages"\)`, `${1}"site-packages")`,
	},
	{
		"sysconfig/__init__.py", `(?s)    'deb_system': \{.*?\n        \},\n    'posix_local': \{.*?\n        \},\n`, "",
	},
	{
		"sysconfig/__init__.py", `, 'posix_local', 'deb_system'\)`, ")",
	},
	{
		"sysconfig/__init__.py",
		`(?s)    if sys\.base_prefix != sys\.prefix or hasattr\(sys, "real_prefix"\):.*?    return \{\n        'prefix': prefix_scheme,`,
		"    return {\n        'prefix': 'posix_prefix',",
	},
	{
		"ensurepip/__init__.py", `(?s)def _ensurepip_is_disabled_in_debian_for_system\(\):.*?    sys\.exit\(1\)\n\n\n`, "",
	},
	{
		"ensurepip/__init__.py", `(?s)    # Ensure that we are only running this inside[^\n]*\n[^\n]*\n    _ensurepip_is_disabled_in_debian_for_system\(\)\n\n`, "",
	},
}

// undoDebian carries out the edits on the standard library in lib.
func undoDebian(lib, triplet string) error {
	for _, e := range edits {
		if err := e.apply(lib); err != nil {
			return err
		}
	}
	return buildSettings(filepath.Join(lib, "_sysconfigdata__linux_"+triplet+".py"), triplet)
}

func (e edit) apply(lib string) error {
	path := filepath.Join(lib, e.file)
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	pattern := regexp.MustCompile(e.pattern)
	if n := len(pattern.FindAllIndex(content, -1)); n != 1 {
		return fmt.Errorf("%s: %q matches %d times, expected once", e.file, e.pattern, n)
	}
	return os.WriteFile(path, pattern.ReplaceAll(content, []byte(e.with)), 0o644)
}

// bundledPip tells ensurepip the version of its wheel.
func bundledPip(lib, version string) error {
	return edit{"ensurepip/__init__.py", `(?m)^_PIP_VERSION = .*$`, fmt.Sprintf("_PIP_VERSION = %q", version)}.apply(lib)
}

var (
	prefixKeys = regexp.MustCompile(`(?m)^    '(BINDIR|BINLIBDEST|CONFINCLUDEDIR|CONFINCLUDEPY|DESTDIRS|DESTLIB|DESTSHARED|EXENAME|` +
		`INCLDIRSTOMAKE|INCLUDEDIR|INCLUDEPY|LIBDEST|LIBDIR|LIBPC|LIBPL|MACHDESTLIB|MANDIR|SCRIPTDIR|datarootdir|exec_prefix|prefix)': .*$`)
	wheelKey = regexp.MustCompile(`(?m)^    'WHEEL_PKG_DIR': .*$`)
)

// buildSettings moves the paths that sysconfig tells to /usr/local. The folder for
// wheels is Debian's: upstream, ensurepip has its own.
func buildSettings(path, triplet string) error {
	content, err := os.ReadFile(path)
	if err != nil {
		return err
	}
	content = prefixKeys.ReplaceAllFunc(content, func(line []byte) []byte {
		line = bytes.ReplaceAll(line, []byte("/usr/lib/"+triplet), []byte("/usr/lib"))
		return bytes.ReplaceAll(line, []byte("/usr"), []byte("/usr/local"))
	})
	content = wheelKey.ReplaceAll(content, []byte("    'WHEEL_PKG_DIR': '',"))
	return os.WriteFile(path, content, 0o644)
}

// thawSite has the interpreter import site from its file, which undoDebian edits,
// and not from the copy of Debian's that is frozen into the executable.
//
// The table of frozen modules has for each a pointer to its name, one to its code,
// a size and a flag. The name that the pointer points at is made "ite".
func thawSite(program []byte) error {
	file, err := elf.NewFile(bytes.NewReader(program))
	if err != nil {
		return err
	}
	defer file.Close()
	if file.Type != elf.ET_EXEC || file.Class != elf.ELFCLASS64 || file.ByteOrder != binary.LittleEndian {
		return errors.New("the interpreter is not an executable with fixed addresses")
	}
	var found []int
	for at := 0; ; at++ {
		next := bytes.Index(program[at:], []byte("site\x00"))
		if next < 0 {
			break
		}
		at += next
		found = append(found, frozenEntries(file, program, at)...)
	}
	if len(found) != 1 {
		return fmt.Errorf("the interpreter has %d frozen modules named site, expected one", len(found))
	}
	name := binary.LittleEndian.Uint64(program[found[0]:])
	binary.LittleEndian.PutUint64(program[found[0]:], name+1)
	return nil
}

// marshalledCode is the first byte of a code object.
const marshalledCode = 0x80 | 'c'

// frozenEntries finds the entries of frozen modules whose name is at that place.
func frozenEntries(file *elf.File, program []byte, name int) []int {
	address, ok := addressOf(file, uint64(name))
	if !ok {
		return nil
	}
	pointer := binary.LittleEndian.AppendUint64(nil, address)
	var found []int
	for at := 0; ; at++ {
		next := bytes.Index(program[at:], pointer)
		if next < 0 || at+next+24 > len(program) {
			return found
		}
		at += next
		code, ok := offsetOf(file, binary.LittleEndian.Uint64(program[at+8:]))
		size := binary.LittleEndian.Uint32(program[at+16:])
		if ok && size > 0 && uint64(size) < 1<<20 && program[code] == marshalledCode {
			found = append(found, at)
		}
	}
}

func addressOf(file *elf.File, offset uint64) (uint64, bool) {
	for _, p := range file.Progs {
		if p.Type == elf.PT_LOAD && p.Off <= offset && offset < p.Off+p.Filesz {
			return offset - p.Off + p.Vaddr, true
		}
	}
	return 0, false
}

func offsetOf(file *elf.File, address uint64) (uint64, bool) {
	for _, p := range file.Progs {
		if p.Type == elf.PT_LOAD && p.Vaddr <= address && address < p.Vaddr+p.Filesz {
			return address - p.Vaddr + p.Off, true
		}
	}
	return 0, false
}
