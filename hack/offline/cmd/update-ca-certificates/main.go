// Update-ca-certificates does what the program of that name does in Alpine: it
// gathers the chosen certificates, and the local ones, in one file, and links each.
package main

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

const (
	configFile = "/etc/ca-certificates.conf"
	chosenDir  = "/usr/share/ca-certificates"
	localDir   = "/usr/local/share/ca-certificates"
	hooksDir   = "/etc/ca-certificates/update.d"
	linksDir   = "/etc/ssl/certs"
	bundle     = linksDir + "/ca-certificates.crt"
)

func main() {
	if err := update(); err != nil {
		fmt.Fprintln(os.Stderr, "update-ca-certificates:", err)
		os.Exit(1)
	}
}

func update() error {
	paths, err := certificates()
	if err != nil {
		return err
	}
	if err := os.MkdirAll(linksDir, 0o755); err != nil {
		return err
	}
	if err := unlinkOld(); err != nil {
		return err
	}
	var all bytes.Buffer
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			fmt.Fprintf(os.Stderr, "WARNING: %v\n", err)
			continue
		}
		all.Write(text)
		if !bytes.HasSuffix(text, []byte("\n")) {
			all.WriteByte('\n')
		}
		name := "ca-cert-" + strings.TrimSuffix(filepath.Base(path), ".crt") + ".pem"
		if err := os.Symlink(path, filepath.Join(linksDir, name)); err != nil && !errors.Is(err, fs.ErrExist) {
			return err
		}
	}
	if err := os.WriteFile(bundle+".new", all.Bytes(), 0o644); err != nil {
		return err
	}
	if err := os.Rename(bundle+".new", bundle); err != nil {
		return err
	}
	return runHooks()
}

// certificates are the files to gather.
func certificates() ([]string, error) {
	config, err := os.ReadFile(configFile)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	var paths []string
	for line := range strings.Lines(string(config)) {
		if line = strings.TrimSpace(line); line != "" && !strings.HasPrefix(line, "#") && !strings.HasPrefix(line, "!") {
			paths = append(paths, filepath.Join(chosenDir, line))
		}
	}
	local, err := filepath.Glob(localDir + "/*.crt")
	return append(paths, local...), err
}

// unlinkOld removes our links whose certificates are gone.
func unlinkOld() error {
	links, err := filepath.Glob(linksDir + "/ca-cert-*.pem")
	if err != nil {
		return err
	}
	for _, link := range links {
		if _, err := os.Stat(link); errors.Is(err, fs.ErrNotExist) {
			if err := os.Remove(link); err != nil {
				return err
			}
		}
	}
	return nil
}

func runHooks() error {
	hooks, err := os.ReadDir(hooksDir)
	if err != nil || len(hooks) == 0 {
		return nil //nolint:nilerr // no hooks
	}
	command := exec.Command("run-parts", hooksDir)
	command.Stdout, command.Stderr = os.Stdout, os.Stderr
	return command.Run()
}
