package frontend_test

import (
	"bytes"
	"debug/elf"
	"encoding/binary"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

// An elfFile describes a shared object, or an executable if it has an interpreter, of no code.
type elfFile struct {
	class       elf.Class
	order       binary.ByteOrder
	machine     elf.Machine
	interpreter string
	needed      []string
	soname      string
	runpath     string
}

// of returns a shared object for the machine that Alpine calls arch, which is 64 bits wide.
func elfOf(arch string, needed ...string) elfFile {
	machine := map[string]elf.Machine{"x86_64": elf.EM_X86_64, "aarch64": elf.EM_AARCH64}[arch]
	return elfFile{class: elf.ELFCLASS64, order: binary.LittleEndian, machine: machine, needed: needed}
}

// The addresses of what is loaded are other than its places in the file, as linkers have it.
const elfAddress = 0x10000

// content returns the file: header, program headers, dynamic section and strings.
func (f elfFile) content(t *testing.T) string {
	t.Helper()
	var texts bytes.Buffer
	texts.WriteByte(0)
	text := func(s string) uint64 {
		at := texts.Len()
		texts.WriteString(s + "\x00")
		return uint64(at)
	}
	interpreter := text(f.interpreter)
	var dynamic [][2]uint64
	for _, name := range f.needed {
		dynamic = append(dynamic, [2]uint64{uint64(elf.DT_NEEDED), text(name)})
	}
	if f.soname != "" {
		dynamic = append(dynamic, [2]uint64{uint64(elf.DT_SONAME), text(f.soname)})
	}
	if f.runpath != "" {
		dynamic = append(dynamic, [2]uint64{uint64(elf.DT_RUNPATH), text(f.runpath)})
	}
	word, headerSize, segmentSize := uint64(8), uint64(64), uint64(56)
	if f.class == elf.ELFCLASS32 {
		word, headerSize, segmentSize = 4, 52, 32
	}
	const segments = 3
	dynamicAt := headerSize + segments*segmentSize
	dynamicSize := uint64(len(dynamic)+3) * 2 * word
	textsAt := dynamicAt + dynamicSize
	dynamic = append(dynamic,
		[2]uint64{uint64(elf.DT_STRTAB), elfAddress + textsAt}, [2]uint64{uint64(elf.DT_STRSZ), uint64(texts.Len())}, [2]uint64{})

	// Without an interpreter, its header is one that loaders pass over.
	interp := elf.PT_INTERP
	if f.interpreter == "" {
		interp = elf.PT_NULL
	}
	var out bytes.Buffer
	write := func(data any) { require.NoError(t, binary.Write(&out, f.order, data)) }
	write(f.header(headerSize, segmentSize, segments))
	write(f.segment(interp, textsAt+interpreter, uint64(len(f.interpreter)+1)))
	write(f.segment(elf.PT_LOAD, 0, textsAt+uint64(texts.Len())))
	write(f.segment(elf.PT_DYNAMIC, dynamicAt, dynamicSize))
	for _, entry := range dynamic {
		if f.class == elf.ELFCLASS32 {
			write([2]uint32{uint32(entry[0]), uint32(entry[1])})
		} else {
			write(entry)
		}
	}
	out.Write(texts.Bytes())
	return out.String()
}

func (f elfFile) header(size, segmentSize uint64, segments uint16) any {
	ident := [elf.EI_NIDENT]byte{0x7f, 'E', 'L', 'F', byte(f.class), byte(elf.ELFDATA2LSB), byte(elf.EV_CURRENT)}
	if f.order == binary.BigEndian {
		ident[elf.EI_DATA] = byte(elf.ELFDATA2MSB)
	}
	if f.class == elf.ELFCLASS32 {
		return elf.Header32{
			Ident: ident, Type: uint16(elf.ET_DYN), Machine: uint16(f.machine), Version: uint32(elf.EV_CURRENT),
			Phoff: uint32(size), Ehsize: uint16(size), Phentsize: uint16(segmentSize), Phnum: segments,
		}
	}
	return elf.Header64{
		Ident: ident, Type: uint16(elf.ET_DYN), Machine: uint16(f.machine), Version: uint32(elf.EV_CURRENT),
		Phoff: size, Ehsize: uint16(size), Phentsize: uint16(segmentSize), Phnum: segments,
	}
}

func (f elfFile) segment(kind elf.ProgType, offset, size uint64) any {
	address := offset + elfAddress
	if f.class == elf.ELFCLASS32 {
		return elf.Prog32{Type: uint32(kind), Off: uint32(offset), Vaddr: uint32(address), Filesz: uint32(size), Memsz: uint32(size)}
	}
	return elf.Prog64{Type: uint32(kind), Off: offset, Vaddr: address, Filesz: size, Memsz: size}
}

// compiled returns a shared object that a compiler made for this machine, with a function answer
// that returns 42. It needs nothing but libraries of these names.
func compiled(t *testing.T, needed []string, flags ...string) string {
	t.Helper()
	gcc, err := exec.LookPath("gcc")
	if err != nil {
		t.Skip("needs gcc, to make a shared object that can be loaded")
	}
	dir := t.TempDir()
	link := func(name, source string, args ...string) string {
		file := filepath.Join(dir, name)
		args = append([]string{"-x", "c", "-", "-shared", "-fPIC", "-nostdlib", "-o", file}, args...)
		cmd := exec.CommandContext(t.Context(), gcc, args...)
		cmd.Stdin = strings.NewReader(source)
		out, err := cmd.CombinedOutput()
		require.NoError(t, err, "%s", out)
		return file
	}
	flags = append(flags, "-Wl,--no-as-needed", "-x", "none")
	for _, name := range needed {
		flags = append(flags, link(name, "", "-Wl,-soname,"+name))
	}
	content, err := os.ReadFile(link("answer.so", "int answer(void) { return 42; }", flags...))
	require.NoError(t, err)
	return string(content)
}
