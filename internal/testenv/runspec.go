package testenv

import (
	"cmp"
	"context"
	"errors"
	"io/fs"
	"os"
	"strconv"
	"strings"

	"github.com/containerd/containerd/v2/contrib/seccomp"
	"github.com/containerd/containerd/v2/core/containers"
	"github.com/containerd/containerd/v2/pkg/namespaces"
	"github.com/containerd/containerd/v2/pkg/oci"
	"github.com/moby/buildkit/util/rootless/mountopts"
	"github.com/moby/buildkit/util/rootless/specconv"
	dockerspec "github.com/moby/docker-image-spec/specs-go/v1"
	"github.com/opencontainers/runtime-spec/specs-go"
)

// defaultPath is the PATH Docker sets when the image has none.
const defaultPath = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

// runtimeSpec is the configuration of a container as Docker would make it from an
// image's configuration, on the host's network.
func runtimeSpec(ctx context.Context, id, rootfs string, image dockerspec.DockerOCIImageConfig, opts RunOptions) (*oci.Spec, error) {
	args := processArgs(image, opts)
	if len(args) == 0 {
		return nil, errors.New("the image has neither an entrypoint nor a command")
	}
	specOpts := []oci.SpecOpts{
		oci.WithRootFSPath(rootfs),
		oci.WithCgroup("/" + id),
		oci.WithHostNamespace(specs.NetworkNamespace),
		oci.WithHostname(id),
		withHostFile("/etc/hosts", oci.WithHostHostsFile),
		withHostFile("/etc/resolv.conf", oci.WithHostResolvconf),
		oci.WithoutRunMount,
		oci.WithDefaultUnixDevices,
		oci.WithNewPrivileges, // containerd's default is stricter than Docker's
		withInheritedLimits,
		oci.WithProcessArgs(args...),
		oci.WithEnv(append([]string{defaultPath, "HOSTNAME=" + id}, image.Env...)),
		oci.WithEnv(opts.Env),
		oci.WithProcessCwd(cmp.Or(opts.WorkDir, image.WorkingDir, "/")),
		withUser(cmp.Or(opts.User, image.User, "0")),
		oci.WithMounts(ociMounts(opts.Mounts)),
		withCapabilities(opts),
		seccomp.WithDefaultProfile(),
	}
	if opts.ReadOnly {
		specOpts = append(specOpts, oci.WithRootFSReadonly())
	}
	if opts.NoNewPrivileges {
		specOpts = append(specOpts, oci.WithNoNewPrivileges)
	}
	if Rootless() {
		specOpts = append(specOpts, withoutRoot)
	}
	// The defaults want a namespace; the cgroup they would put it in is replaced.
	ctx = namespaces.WithNamespace(ctx, "testenv")
	return oci.GenerateSpec(ctx, nil, &containers.Container{ID: id}, specOpts...)
}

func processArgs(image dockerspec.DockerOCIImageConfig, opts RunOptions) []string {
	entrypoint, cmd := image.Entrypoint, image.Cmd
	if opts.Entrypoint != nil {
		entrypoint, cmd = opts.Entrypoint, nil
	}
	if opts.Args != nil {
		cmd = opts.Args
	}
	return append(append([]string{}, entrypoint...), cmd...)
}

// withoutRoot asks for nothing that takes more than a user namespace: as BuildKit does, no
// cgroup and no /sys.
func withoutRoot(_ context.Context, _ oci.Client, _ *containers.Container, s *oci.Spec) (err error) {
	if _, err = specconv.ToRootless(s); err != nil {
		return err
	}
	s.Mounts, err = mountopts.FixUpOCI(s.Mounts)
	return err
}

// withHostFile shares a file of this machine, if there is one: the smallest Debian has no hosts.
func withHostFile(path string, share oci.SpecOpts) oci.SpecOpts {
	return func(ctx context.Context, client oci.Client, c *containers.Container, s *oci.Spec) error {
		if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
			return nil
		}
		return share(ctx, client, c, s)
	}
}

// withUser resolves names in the image's own passwd and group files.
func withUser(user string) oci.SpecOpts {
	return func(ctx context.Context, client oci.Client, c *containers.Container, s *oci.Spec) error {
		if err := oci.WithUser(user)(ctx, client, c, s); err != nil {
			return err
		}
		if strings.Contains(user, ":") {
			return nil // with a group of its own, the user gets no others
		}
		uid := strconv.FormatUint(uint64(s.Process.User.UID), 10)
		return oci.WithAdditionalGIDs(uid)(ctx, client, c, s)
	}
}

// withInheritedLimits drops containerd's low limit of open files.
func withInheritedLimits(_ context.Context, _ oci.Client, _ *containers.Container, s *oci.Spec) error {
	s.Process.Rlimits = nil
	return nil
}

func withCapabilities(opts RunOptions) oci.SpecOpts {
	return func(ctx context.Context, client oci.Client, c *containers.Container, s *oci.Spec) error {
		for _, name := range opts.CapDrop {
			change := oci.WithDroppedCapabilities([]string{capability(name)})
			if strings.EqualFold(name, "ALL") {
				change = oci.WithCapabilities(nil)
			}
			if err := change(ctx, client, c, s); err != nil {
				return err
			}
		}
		for _, name := range opts.CapAdd {
			change := oci.WithAddedCapabilities([]string{capability(name)})
			if strings.EqualFold(name, "ALL") {
				change = oci.WithAllCurrentCapabilities
			}
			if err := change(ctx, client, c, s); err != nil {
				return err
			}
		}
		return nil
	}
}

// capability adds the prefix that Docker's options leave out.
func capability(name string) string {
	return "CAP_" + strings.TrimPrefix(strings.ToUpper(name), "CAP_")
}

func ociMounts(mounts []Mount) []specs.Mount {
	var result []specs.Mount
	for _, m := range mounts {
		mode := "rw"
		if m.ReadOnly {
			mode = "ro"
		}
		entry := specs.Mount{
			Destination: m.Target,
			Type:        "bind",
			Source:      m.Source,
			Options:     []string{"rbind", "rprivate", mode},
		}
		if m.Source == "" {
			entry.Type, entry.Source = "tmpfs", "tmpfs"
			entry.Options = []string{"nosuid", "nodev", "noexec", "mode=1777", mode}
		}
		result = append(result, entry)
	}
	return result
}
