package llb

import (
	"path"

	"github.com/moby/buildkit/client/llb"
)

// Machine returns what `uname -m` says where the base runs.
func (b Base) Machine() string { return machine(b.Platform) }

// lockFile adds the requirements file that is made of the lock to a tree. Its name is that of
// the lock, so that pip's errors name a line of it.
func (g *Graph) lockFile(tree llb.State, declared *Declared) llb.State {
	lock := g.Spec.Pip.Lock()
	if lock == "" {
		return tree
	}
	action := llb.Mkdir(path.Dir(path.Join("/", lock)), 0o755, llb.WithParents(true)).
		Mkfile(path.Join("/", lock), 0o644, declared.Locked)
	return tree.File(action, g.described("[pip] read "+lock, "pip.requirements")...)
}

// lockArguments are those of pip for a lock, which has everything in it.
func (g *Graph) lockArguments() []string {
	lock := g.Spec.Pip.Lock()
	if lock == "" {
		return nil
	}
	return []string{"--requirement=" + lock, "--no-deps", "--require-hashes"}
}

// lockedFiles are the files of the main context that the lock names.
func (d *Declared) lockedFiles() []string {
	if d == nil {
		return nil
	}
	return d.LockedFiles
}
