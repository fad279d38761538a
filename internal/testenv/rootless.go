package testenv

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/moby/sys/userns"
	"golang.org/x/sys/unix"
)

// Rootless says whether this process is root in a user namespace only, where buildkitd and
// runc work with less: no cgroups, and no devices but those that are there.
func Rootless() bool { return userns.RunningInUserNS() }

// requireRoot tells why neither buildkitd nor runc would start.
func requireRoot() error {
	uid := os.Geteuid()
	if uid == 0 {
		return nil
	}
	return fmt.Errorf("buildkitd and runc need root, or a user namespace: this is uid %d in none (hack/as-root.sh makes one, where the machine allows it)", uid)
}

// cgroupRoot is where cgroups are mounted: the one hierarchy of version 2, or a folder of
// hierarchies.
const cgroupRoot = "/sys/fs/cgroup"

// removeCgroup removes what is left of a cgroup when all that ran in it has ended: a tree of
// empty folders in each hierarchy.
func removeCgroup(name string) error {
	var errs []error
	for _, pattern := range []string{cgroupRoot, filepath.Join(cgroupRoot, "*")} {
		dirs, err := filepath.Glob(filepath.Join(pattern, name))
		errs = append(errs, err)
		for _, dir := range dirs {
			errs = append(errs, removeFolders(dir))
		}
	}
	return errors.Join(errs...)
}

// removeFolders removes a tree of folders. The files in those of cgroups go with them.
func removeFolders(dir string) error {
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if entry.IsDir() {
			err = errors.Join(err, removeFolders(filepath.Join(dir, entry.Name())))
		}
	}
	return errors.Join(err, unix.Rmdir(dir))
}
