package testenv

import (
	"context"
	"fmt"
	"os"
	"strings"
	"sync"
	"testing"

	"github.com/sirupsen/logrus"
)

// integrationEnv must be 1 for tests that need a daemon to run, so that a plain
// `go test ./...` stays quick and needs nothing but Go.
const integrationEnv = "DISTROLESS_INTEGRATION"

// integrationPrefix is how the names of such tests begin: `make unit` leaves them
// out and `make integration` runs no others.
const integrationPrefix = "TestIntegration"

// Require skips the test, with the reason, unless an environment can be started
// here: tests for daemons are asked for, we are root, and buildkitd, runc and the
// fixtures are there.
func Require(tb testing.TB) {
	tb.Helper()
	if name := tb.Name(); strings.HasPrefix(name, "Test") && !strings.HasPrefix(name, integrationPrefix) {
		tb.Fatalf("a test that needs daemons is to be named %s…", integrationPrefix)
	}
	if os.Getenv(integrationEnv) != "1" {
		tb.Skipf("%s is not 1: not asked for tests that start daemons", integrationEnv)
	}
	if err := available(); err != nil {
		tb.Skip(err.Error())
	}
}

func available() error {
	if err := requireRoot(); err != nil {
		return err
	}
	for _, name := range []string{"buildkitd", "runc"} {
		if _, err := Binary(name); err != nil {
			return err
		}
	}
	_, err := FixturesDir()
	return err
}

// New starts an environment for one test and closes it with the test.
func New(tb testing.TB, opts Options) *Env {
	tb.Helper()
	Require(tb)
	env, err := Start(tb.Context(), opts)
	if err != nil {
		tb.Fatalf("starting the test environment: %v", err)
	}
	tb.Cleanup(func() {
		if err := env.Close(); err != nil {
			tb.Errorf("closing the test environment: %v", err)
		}
	})
	return env
}

// Shared is one environment for all tests of a package: started by the first test
// that asks for it, closed by Main. The zero value is ready for use.
type Shared struct {
	once sync.Once
	env  *Env
	err  error
}

// Env returns the environment, or skips the test as Require does.
func (s *Shared) Env(tb testing.TB) *Env {
	tb.Helper()
	Require(tb)
	s.once.Do(func() {
		// Not the test's context: the environment outlives the test.
		s.env, s.err = Start(context.Background(), Options{})
	})
	if s.err != nil {
		tb.Fatalf("starting the test environment: %v", s.err)
	}
	return s.env
}

// Main runs the package's tests and closes the environment. It returns the exit
// code for TestMain.
func (s *Shared) Main(m *testing.M) int {
	// Libraries warn of what this file system cannot do, with every image.
	logrus.SetLevel(logrus.ErrorLevel)
	code := m.Run()
	if s.env == nil {
		return code
	}
	if err := s.env.Close(); err != nil {
		fmt.Fprintf(os.Stderr, "closing the test environment: %v\n", err)
		code = max(code, 1)
	}
	return code
}
