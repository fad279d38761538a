package spec

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"

	"github.com/moby/sys/signal"
)

// validateConfig checks what goes to the image's config as it is.
func (s *Spec) validateConfig() error {
	if s.has("user") {
		if err := s.checkOwner("user", s.User, "a user"); err != nil {
			return err
		}
	}
	if s.has("stopsignal") {
		if _, err := signal.ParseSignal(s.StopSignal); err != nil {
			return s.errorf("stopsignal", "%s is not a signal: expected a name or a number, such as SIGTERM", quote(s.StopSignal))
		}
	}
	for _, kv := range s.Env {
		if strings.Contains(kv.Key, "=") {
			return s.errorf(join("env", kv.Key), "the name of a variable cannot contain =; write name: value")
		}
	}
	for i := range s.Volumes {
		if err := s.absolutePath(Index("volumes", i), &s.Volumes[i]); err != nil {
			return err
		}
	}
	for i := range s.Expose {
		if err := s.checkPort(Index("expose", i), &s.Expose[i]); err != nil {
			return err
		}
	}
	return nil
}

var portSpec = regexp.MustCompile(`^(\d{1,5})(?:-(\d{1,5}))?(/(?:tcp|udp|sctp))?$`)

// checkPort also adds the protocol if it is not there.
func (s *Spec) checkPort(path string, p *string) error {
	m := portSpec.FindStringSubmatch(strings.ToLower(*p))
	if m == nil {
		return s.errorf(path, "%s is not a port: expected for example 8080, 53/udp or 8000-8005/tcp", quote(*p))
	}
	first, last := portRange(m)
	if first < 1 || last > 65535 || first > last {
		return s.errorf(path, "%s is out of range: expected ports from 1 to 65535, the lower one first", quote(*p))
	}
	*p = m[0]
	if m[3] == "" {
		*p += "/tcp"
	}
	return nil
}

// portRange is the range of a match of portSpec.
func portRange(m []string) (first, last int) {
	first, _ = strconv.Atoi(m[1])
	last = first
	if m[2] != "" {
		last, _ = strconv.Atoi(m[2])
	}
	return first, last
}

// ExposedPorts returns each port of Expose once, as "port/protocol" and in
// order, which is the form of an image's config: it has no ranges.
func (s *Spec) ExposedPorts() []string {
	var ports []string
	seen := map[string]bool{}
	for _, spec := range s.Expose {
		m := portSpec.FindStringSubmatch(spec)
		if m == nil {
			continue
		}
		first, last := portRange(m)
		for port := first; port <= last; port++ {
			if p := fmt.Sprintf("%d%s", port, m[3]); !seen[p] {
				seen[p] = true
				ports = append(ports, p)
			}
		}
	}
	return ports
}

func (s *Spec) validateCommands() error {
	if s.has("shell") {
		if err := s.checkProgram("shell", s.Shell); err != nil {
			return err
		}
	}
	if err := s.checkCommand("entrypoint", s.Entrypoint); err != nil {
		return err
	}
	return s.checkCommand("cmd", s.Cmd)
}

// startsNothing tells whether a container that is given no command has none.
func (s *Spec) startsNothing() bool {
	return s.Entrypoint != nil && len(s.Entrypoint.Args) == 0 && (s.Cmd == nil || len(s.Cmd.Args) == 0)
}

// checkCommand accepts a command that is absent, or that clears another.
func (s *Spec) checkCommand(path string, c *Command) error {
	if c == nil || len(c.Args) == 0 {
		return nil
	}
	if !c.Shell {
		return s.checkProgram(path, c.Args)
	}
	if strings.TrimSpace(c.Args[0]) == "" {
		return s.errorf(path, "the command is empty; write one, or remove the key")
	}
	return nil
}

// checkProgram checks a list that begins with the name of a program.
func (s *Spec) checkProgram(path string, args []string) error {
	if len(args) == 0 {
		return s.errorf(path, "the list is empty; write a program and its arguments, such as [/bin/sh, -c]")
	}
	if args[0] == "" {
		return s.errorf(Index(path, 0), "the name of the program is empty; write a program and its arguments")
	}
	return nil
}
