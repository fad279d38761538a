package standin

import (
	"bytes"
	"fmt"
	"os"
	"os/exec"
	"path"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
)

// appletPaths are the paths of busybox's applets, in the order of its tables. Busybox
// tells them, if it runs here; that of another architecture has the same.
func (m *maker) appletPaths() ([]string, error) {
	host := *m
	host.arch = runtime.GOARCH
	out, err := exec.CommandContext(m.ctx, filepath.Join(host.deb("busybox-static"), "usr/bin/busybox"), "--list-full").Output()
	if err != nil {
		return nil, fmt.Errorf("asking busybox for its applets: %w", err)
	}
	return strings.Fields(string(out)), nil
}

// moved is where we have an applet: Debian's busybox has linuxrc, for booting, right in
// the root. That of Alpine has none, and all applets in folders of programs.
func moved(applet string) string {
	if path.Dir(applet) == "." {
		return "sbin/" + applet
	}
	return applet
}

// busybox installs busybox, told where its applets are as moved has it.
func (m *maker) busybox(root string) error {
	program, err := os.ReadFile(filepath.Join(m.deb("busybox-static"), "usr/bin/busybox"))
	if err != nil {
		return err
	}
	names, err := m.appletPaths()
	if err != nil {
		return err
	}
	is, err := installTable(names)
	if err != nil {
		return err
	}
	for i := range names {
		names[i] = moved(names[i])
	}
	wanted, err := installTable(names)
	if err != nil {
		return err
	}
	if n := bytes.Count(program, is); n != 1 {
		return fmt.Errorf("busybox has %d tables of where its applets are, expected one", n)
	}
	return write(root, "bin/busybox", string(bytes.Replace(program, is, wanted, 1)), 0o755)
}

// installDirs are the folders of applets, by their numbers in busybox.
var installDirs = []string{".", "bin", "sbin", "usr/bin", "usr/sbin"}

// installTable is busybox's table of the folders of its applets: half a byte for each.
func installTable(names []string) ([]byte, error) {
	table := make([]byte, (len(names)+1)/2)
	for i, name := range names {
		number := slices.Index(installDirs, path.Dir(name))
		if number < 0 {
			return nil, fmt.Errorf("busybox has %s in an unknown folder", name)
		}
		table[i/2] |= byte(number) << (i % 2 * 4)
	}
	return table, nil
}
