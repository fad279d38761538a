package testenv

import (
	"bytes"
	"fmt"
	"strings"
)

// daemonConfig is what varies in the configuration of a daemon.
type daemonConfig struct {
	Root         string
	Address      string
	TraceSocket  string
	Runc         string
	Rootless     bool
	Cgroup       string // parent of the cgroups of ops
	Mirror       string // host:port that stands for docker.io; may be empty
	Entitlements []string
	Extra        string
}

// toml renders the configuration file. Go's quoting of the paths and addresses
// here is TOML's.
func (c daemonConfig) toml() []byte {
	var b bytes.Buffer
	fmt.Fprintf(&b, "root = %q\n", c.Root)
	if len(c.Entitlements) > 0 {
		fmt.Fprintf(&b, "insecure-entitlements = [\"%s\"]\n", strings.Join(c.Entitlements, `", "`))
	}
	fmt.Fprintf(&b, "[grpc]\naddress = [%q]\n", c.Address)
	fmt.Fprintf(&b, "[otel]\nsocketPath = %q\n", c.TraceSocket)
	fmt.Fprintf(&b, "[cdi]\ndisabled = true\n")
	fmt.Fprintf(&b, "[worker.containerd]\nenabled = false\n")
	// On the host's network, ops reach the servers on loopback.
	fmt.Fprintf(&b, "[worker.oci]\nenabled = true\nsnapshotter = \"auto\"\nnetworkMode = \"host\"\ngc = false\nbinary = %q\n", c.Runc)
	fmt.Fprintf(&b, "rootless = %t\ndefaultCgroupParent = %q\n", c.Rootless, c.Cgroup)
	if c.Mirror != "" {
		fmt.Fprintf(&b, "[registry.\"docker.io\"]\nmirrors = [%q]\n", c.Mirror)
		fmt.Fprintf(&b, "[registry.%q]\nhttp = true\ninsecure = true\n", c.Mirror)
	}
	fmt.Fprintf(&b, "%s\n", c.Extra)
	return b.Bytes()
}
