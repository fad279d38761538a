package llb

import (
	"path"
	"strings"

	"github.com/moby/buildkit/client/llb"
	"github.com/pkg/errors"

	"github.com/autumnjolitz/distroless-frontend/internal/sourcemap"
	"github.com/autumnjolitz/distroless-frontend/spec"
)

// basePackages are the packages of every distroless image, next to what its interpreter is
// linked with: folders and users, what scanners know Alpine by, certificates and the tool to
// renew them, a shell for scripts and /usr/bin/env for their first lines.
func basePackages() []string {
	return []string{
		"alpine-baselayout", "alpine-release",
		"ca-certificates", "ca-certificates-bundle", "run-parts",
		"dash", "dash-binsh", "coreutils-env",
	}
}

// Where an op finds the repositories and keys that replace those of the base.
const apkDir = "/apk"

// Where the op that makes a root for another platform has that of the build platform.
const nativeDir = "/native"

// root returns the distroless root without Python, the same for all specs of a base. What
// the scripts of its packages do is the same for every platform, so they run for one.
func (g *Graph) root() (llb.State, error) {
	var native string
	var mounts []llb.RunOption
	if g.foreign() {
		root, err := g.shared().root()
		if err != nil {
			return llb.State{}, err
		}
		native, mounts = nativeDir, []llb.RunOption{llb.AddMount(nativeDir, root, llb.Readonly)}
	}
	name := "[root] install the base packages"
	var env [][2]string
	if g.plan != nil {
		name = "[root] install the base packages that are needed"
		env = [][2]string{{"UNNEEDED", planDir + "/libraries"}}
		mounts = append(mounts, llb.AddMount(planDir, *g.plan, llb.Readonly))
	}
	o, err := g.apk(op{
		name:   name,
		cache:  "apk",
		args:   append([]string{opsDir + "/settled.sh", BuildRoot, opsDir + "/root.sh", g.baseDir(g.BuildBase.Platform), native}, basePackages()...),
		env:    env,
		mounts: mounts,
		path:   "apk",
	})
	if err != nil {
		return llb.State{}, err
	}
	return g.run(o).AddMount(BuildRoot, llb.Scratch()), nil
}

// packages returns the root with the packages of the spec.
func (g *Graph) packages() (llb.State, error) {
	root, err := g.rootWithInit()
	if err != nil || len(g.Spec.Packages) == 0 {
		return root, err
	}
	o, err := g.apk(op{
		name:  "[root] install " + strings.Join(g.Spec.Packages, " "),
		cache: "apk",
		args:  append([]string{opsDir + "/settled.sh", BuildRoot, opsDir + "/packages.sh"}, g.Spec.Packages...),
		path:  "packages",
	})
	if err != nil {
		return llb.State{}, err
	}
	return g.runWithScripts(o).AddMount(BuildRoot, root), nil
}

// builder returns the base with the packages that pip needs to build with. None of
// it gets into the final image.
func (g *Graph) builder() (llb.State, error) {
	if len(g.Spec.APK.Build) == 0 {
		return g.Base.State, nil
	}
	o, err := g.apk(op{
		name:  "[builder] install " + strings.Join(g.Spec.APK.Build, " "),
		cache: "apk-build", // its own, since it runs beside the others
		args:  append([]string{opsDir + "/builder.sh"}, g.Spec.APK.Build...),
		path:  "apk.build",
	})
	if err != nil {
		return llb.State{}, err
	}
	installed := g.runWithScripts(o)
	if g.foreign() && !g.Emulated {
		return installed.AddMount(BuildRoot, g.Base.State), nil
	}
	return installed.Root(), nil
}

// apk completes an op that installs packages.
func (g *Graph) apk(o op) (op, error) {
	configuration, err := g.shared().apkConfiguration()
	if err != nil {
		return op{}, err
	}
	o.fetch, o.base = true, true
	o.env = append(o.env, [2]string{"BUILD_ROOT", BuildRoot}, [2]string{"CACHE_ROOT", CacheRoot})
	o.mounts = append(o.mounts,
		llb.AddMount(apkDir, configuration, llb.Readonly),
		g.cacheMount("apk", o.cache, "alpine"+g.Base.Alpine),
	)
	return o, nil
}

// apkConfiguration returns a tree with a folder keys and, unless the base's list is to be used,
// a file repositories: apk-configuration.sh lays them over what the base has of each.
func (g *Graph) apkConfiguration() (llb.State, error) {
	files := llb.Mkdir("/keys", 0o755)
	if repositories := g.repositories(); len(repositories) > 0 {
		files = files.Mkfile("/repositories", 0o644, []byte(strings.Join(repositories, "\n")+"\n"))
	}
	st := llb.Scratch().File(files, g.internal("write the apk configuration")...)
	trusted := map[string]bool{}
	for i, key := range g.Spec.APK.Keys {
		at := spec.Index("apk.keys", i)
		name := path.Base(key)
		if trusted[name] {
			return llb.State{}, g.located(errors.Errorf("apk.keys: there are two keys of the name %s, by which packages ask for one: rename or remove one", name), at)
		}
		trusted[name] = true
		main, err := g.context("")
		if err != nil {
			return llb.State{}, err
		}
		st = st.File(copyPath(main, key, path.Join("/keys", name)), g.describedFor(g.Base.Platform, "[root] trust "+key, at)...)
	}
	keys, ok, err := g.Context(KeysContext)
	if err != nil || !ok {
		return st, err
	}
	fromContext := llb.Copy(keys, "/*.pub", "/keys/", &llb.CopyInfo{
		FollowSymlinks:     true,
		AllowWildcard:      true,
		AllowEmptyWildcard: true,
	})
	return st.File(fromContext, g.describedFor(g.Base.Platform, "[root] trust the keys of context "+KeysContext, "")...), nil
}

// repositories returns what to install from; none means the list of the base.
func (g *Graph) repositories() []string {
	if len(g.Spec.APK.Repositories) > 0 {
		return g.Spec.APK.Repositories
	}
	return g.Overrides.Repositories
}

// internal describes a vertex that is of no interest to a user.
func (g *Graph) internal(name string) []llb.ConstraintsOpt {
	return []llb.ConstraintsOpt{llb.WithCustomName("[internal] " + name), llb.Platform(g.Base.Platform)}
}

// internalAt describes one that can fail for what the spec says at a place.
func (g *Graph) internalAt(name, path string) []llb.ConstraintsOpt {
	return append(g.internal(name), g.SourceMap.Location(sourcemap.Ranges(g.Locate(path))))
}

// copyPath copies a file, or the contents of a folder, and follows no pattern.
func copyPath(from llb.State, name, to string) *llb.FileAction {
	return llb.Copy(from, path.Join("/", name), to, &llb.CopyInfo{
		FollowSymlinks:      true,
		CopyDirContentsOnly: true,
		CreateDestPath:      true,
	})
}
