package spec

import (
	"cmp"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// Healthcheck is how to tell that a container works. Zero durations and zero
// retries mean the engine's defaults.
type Healthcheck struct {
	// Disable is set by "healthcheck: none"; all else is then empty.
	Disable bool `yaml:"-"`
	// Of Cmd, Exec, HTTP and TCP there is one. What the last two ask is in [Spec.Probe].
	Cmd  *Command `yaml:"cmd" doc:"Command that fails when the container does not work: a list, or a string for the shell." example:"[python, -m, health]"`
	Exec []string `yaml:"exec" doc:"The same as a list only." example:"[python, -m, health]" expand:"false" json:",omitempty"`
	HTTP string   `yaml:"http" doc:"Path, or port and path, that a server in the container has to answer." example:"8080/health" expand:"false" json:",omitempty"`
	// Status is a number or first-last.
	Status string `yaml:"status" doc:"Status that the answer has to have, or the first and the last of a range." example:"200-299" json:",omitempty"`
	TCP    string `yaml:"tcp" doc:"Port that has to take a connection." example:"5432" expand:"false" json:",omitempty"`

	Interval      time.Duration `yaml:"interval" doc:"Time between two checks." example:"30s"`
	Timeout       time.Duration `yaml:"timeout" doc:"Time after which a check has failed." example:"30s"`
	StartPeriod   time.Duration `yaml:"start-period" doc:"Time during which failures do not count." example:"5s"`
	StartInterval time.Duration `yaml:"start-interval" doc:"Time between two checks during the start period." example:"5s"`
	Retries       int           `yaml:"retries" doc:"Failures in a row that make the container unhealthy." example:"3"`
}

// A Probe is what a health check asks of a server in the container.
type Probe struct {
	// Port is a number, or $NAME or ${NAME} for the value of a variable of the container.
	Port string
	// Path is that of an HTTP request, or empty if it is enough that the port is open.
	Path string
	// FirstStatus and LastStatus are the range of statuses to answer with.
	FirstStatus, LastStatus string
}

// Probe returns what the health check asks; ok is false if it runs a command, or is none.
func (s *Spec) Probe() (p Probe, ok bool) {
	h := s.Healthcheck
	switch {
	case h == nil:
		return Probe{}, false
	case h.TCP != "":
		return Probe{Port: h.TCP}, true
	case h.HTTP != "":
		port, path, _ := strings.Cut(h.HTTP, "/")
		first, last, _ := strings.Cut(cmp.Or(h.Status, "200-399"), "-")
		return Probe{
			Port:        cmp.Or(port, s.firstPort()),
			Path:        "/" + path,
			FirstStatus: first,
			LastStatus:  cmp.Or(last, first),
		}, true
	}
	return Probe{}, false
}

// firstPort returns the first port of expose that a server can be asked on, or "".
func (s *Spec) firstPort() string {
	for _, exposed := range s.ExposedPorts() {
		if port, ok := strings.CutSuffix(exposed, "/tcp"); ok {
			return port
		}
	}
	return ""
}

// portPattern is a number, or a variable of the container.
const portPattern = `([0-9]{1,5}|\$[A-Za-z_][A-Za-z0-9_]*|\$\{[A-Za-z_][A-Za-z0-9_]*\})`

var (
	probePort   = regexp.MustCompile(`^` + portPattern + `$`)
	probeHTTP   = regexp.MustCompile(`^` + portPattern + `?/[!-~]*$`)
	statusRange = regexp.MustCompile(`^[1-5][0-9][0-9](-[1-5][0-9][0-9])?$`)
)

func (s *Spec) validateHealthcheck() error {
	h := s.Healthcheck
	if h == nil || h.Disable {
		return nil
	}
	if err := s.checkOneHealthcheck(); err != nil {
		return err
	}
	if h.Cmd != nil && len(h.Cmd.Args) == 0 {
		return s.errorf("healthcheck.cmd", "the list is empty; write a command, or healthcheck: none")
	}
	if err := s.checkCommand("healthcheck.cmd", h.Cmd); err != nil {
		return err
	}
	if s.has("healthcheck.exec") {
		if err := s.checkProgram("healthcheck.exec", h.Exec); err != nil {
			return err
		}
	}
	if err := s.checkProbe(); err != nil {
		return err
	}
	if h.Retries < 0 {
		return s.errorf("healthcheck.retries", "%d is negative: expected at least 1, or 0 for the engine's default", h.Retries)
	}
	return nil
}

func (s *Spec) checkOneHealthcheck() error {
	var found string
	for _, key := range []string{"cmd", "exec", "http", "tcp"} {
		switch at := "healthcheck." + key; {
		case !s.has(at):
		case found != "":
			return s.errorf(at, "%s is a second check besides %s; keep one of the two", key, found)
		default:
			found = key
		}
	}
	if found == "" {
		return s.errorf("healthcheck", "there is nothing to check; add http: /path, tcp: PORT, exec: [program, argument] or cmd")
	}
	return nil
}

// checkProbe checks what http, status and tcp say.
func (s *Spec) checkProbe() error {
	h := s.Healthcheck
	if s.has("healthcheck.status") {
		if !s.has("healthcheck.http") {
			return s.errorf("healthcheck.status", "status is that of an answer to http, and there is no http; add it, or remove status")
		}
		if err := s.checkStatus("healthcheck.status", h.Status); err != nil {
			return err
		}
	}
	if s.has("healthcheck.tcp") {
		return s.checkProbePort("healthcheck.tcp", h.TCP)
	}
	if !s.has("healthcheck.http") {
		return nil
	}
	if !probeHTTP.MatchString(h.HTTP) {
		return s.errorf("healthcheck.http", "%s is not a path: expected for example /health, 8080/health or $PORT/health, in ASCII and without blanks", quote(h.HTTP))
	}
	probe, _ := s.Probe()
	if probe.Port == "" {
		return s.errorf("healthcheck.http", "the port is missing; write 8080%s, or list the port under expose", h.HTTP)
	}
	return s.checkProbePort("healthcheck.http", probe.Port)
}

// checkStatus accepts the status that an answer is to have, or the first and the last of a range.
func (s *Spec) checkStatus(path, status string) error {
	if first, last, ranged := strings.Cut(status, "-"); !statusRange.MatchString(status) || ranged && first > last {
		return s.errorf(path, "%s is not a status: expected a number such as 204, or a range such as 200-299", quote(status))
	}
	return nil
}

func (s *Spec) checkProbePort(path, port string) error {
	if !probePort.MatchString(port) {
		return s.errorf(path, "%s is not a port: expected a number such as 8080, or $NAME for a variable of the container", quote(port))
	}
	if strings.HasPrefix(port, "$") {
		return nil
	}
	if number, err := strconv.Atoi(port); err != nil || number < 1 || number > 65535 {
		return s.errorf(path, "%s is out of range: expected a port from 1 to 65535", quote(port))
	}
	return nil
}
