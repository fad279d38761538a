package llb

import (
	"path"

	"github.com/moby/buildkit/client/llb"
)

// Machine returns what `uname -m` says where the base runs.
func (b Base) Machine() string { return machine(b.Platform) }

// lockLines returns the name of the requirements file that is made of a lock, with the same lines.
// pip 26.1 and later read a file with the name of a lock as one, so it has another.
func lockLines(lock string) string { return lock + ".txt" }

// lockFile adds the requirements file that is made of the lock to a tree.
func (g *Graph) lockFile(tree llb.State, declared *Declared) llb.State {
	lock := g.Spec.Pip.Lock()
	if lock == "" {
		return tree
	}
	action := llb.Mkdir(path.Dir(path.Join("/", lock)), 0o755, llb.WithParents(true)).
		Mkfile(path.Join("/", lockLines(lock)), 0o644, declared.Locked)
	return tree.File(action, g.described("[pip] read "+lock, "pip.requirements")...)
}

// lockArguments are those of pip for a lock, which has everything in it.
func (g *Graph) lockArguments() []string {
	lock := g.Spec.Pip.Lock()
	if lock == "" {
		return nil
	}
	return []string{"--requirement=" + lockLines(lock), "--no-deps", "--require-hashes"}
}

// lockOptions are those of pip_download.py for a lock: its errors name that, and not what is made of it.
func (g *Graph) lockOptions() []string {
	if lock := g.Spec.Pip.Lock(); lock != "" {
		return []string{"--lock=" + lock}
	}
	return nil
}

// lockedFiles are the files of the main context that the lock names.
func (d *Declared) lockedFiles() []string {
	if d == nil {
		return nil
	}
	return d.LockedFiles
}
