package spec

import (
	"net/netip"
	"net/url"
	"regexp"
	"strconv"
)

// Trim says what an image has to be able to do, for what that does not open to be left out.
// One of Run and Requests is not empty.
type Trim struct {
	Run []Command `yaml:"run" doc:"Commands that are run in the image while the files they open are traced." example:"[[python, -m, app, --version]]"`
	// Requests are http URLs on loopback.
	Requests []string `yaml:"requests" doc:"URLs that are asked of the image's own command, which is then traced as well." example:"[http://localhost:8080/]"`
	Keep     []string `yaml:"keep" doc:"Dotted names of modules that stay, with all below them, whether opened or not." example:"[sqlite3, xml.sax]"`
}

func (s *Spec) validateTrim() error {
	t := s.Trim
	if t == nil {
		return nil
	}
	if len(t.Run) == 0 && len(t.Requests) == 0 {
		return s.errorf("trim", "there is nothing to trace; add commands, such as run: [[python, -m, app, --version]], or requests: [http://localhost:8080/] for a server")
	}
	for i := range t.Run {
		path := Index("trim.run", i)
		if len(t.Run[i].Args) == 0 {
			return s.errorf(path, "the list is empty; write a program and its arguments, or remove it")
		}
		if err := s.checkCommand(path, &t.Run[i]); err != nil {
			return err
		}
	}
	if err := each("trim.requests", t.Requests, s.checkRequest); err != nil {
		return err
	}
	if len(t.Requests) > 0 && s.startsNothing() {
		return s.errorf("trim.requests", "there is no server to ask: entrypoint is empty and there is no cmd; add cmd")
	}
	return each("trim.keep", t.Keep, s.checkModule)
}

// checkRequest accepts what can be asked of a container that has no network but loopback.
func (s *Spec) checkRequest(path, request string) error {
	u, err := url.Parse(request)
	if err == nil && u.User != nil { // which would be shown, and stay in the cache
		return s.errorf(path, "the URL has a user or a password before @, which cannot be asked with: remove it")
	}
	if !requestText.MatchString(request) {
		return s.errorf(path, "%s is not a URL: expected ASCII without blanks, which has %%C3%%A4 for ä", quote(request))
	}
	if err != nil || u.Scheme != "http" || !isLoopback(u.Hostname()) {
		return s.errorf(path, "%s is not a URL of the container itself: expected for example http://localhost:8080/", quote(request))
	}
	if port := u.Port(); port != "" && !isPort(port) {
		return s.errorf(path, "%s is out of range: expected a port from 1 to 65535", quote(port))
	}
	return nil
}

var requestText = regexp.MustCompile(`^[!-~]*$`)

func isPort(port string) bool {
	number, err := strconv.Atoi(port)
	return err == nil && 1 <= number && number <= 65535
}

func isLoopback(host string) bool {
	address, err := netip.ParseAddr(host)
	return host == "localhost" || err == nil && address.IsLoopback() && address.Zone() == ""
}
