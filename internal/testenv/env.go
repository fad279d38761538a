package testenv

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
)

const (
	// baseLayout is the fixture's folder; baseRepository and baseTag are the
	// names under which Docker Hub has the image it stands for.
	baseLayout     = "python-3.13-alpine3.20"
	baseRepository = "library/python"
	baseTag        = "3.13-alpine3.20"
)

// Options configures an environment. The zero value is the one most tests want.
type Options struct {
	// Fixtures is the folder of fixtures; FixturesDir's answer when empty.
	Fixtures string
	// Daemon configures the daemon; its Registry is always the environment's own.
	Daemon DaemonOptions
}

// Env is a running environment.
type Env struct {
	// Fixtures serves packages and wheels.
	Fixtures *Fixtures
	// Registry is what the daemon reaches as docker.io.
	Registry *Registry
	// Daemon is the BuildKit daemon.
	Daemon *Daemon

	options       Options
	standIn       bool
	pythonVersion string
}

// Start starts an environment. On an error nothing is left running.
func Start(ctx context.Context, opts Options) (_ *Env, err error) {
	if opts.Fixtures == "" {
		if opts.Fixtures, err = FixturesDir(); err != nil {
			return nil, err
		}
	}
	env := &Env{options: opts}
	defer func() {
		if err != nil {
			err = errors.Join(err, env.Close())
		}
	}()
	if env.Fixtures, err = StartFixtures(opts.Fixtures); err != nil {
		return nil, err
	}
	if env.Registry, err = StartRegistry(); err != nil {
		return nil, err
	}
	if err := env.describeBase(); err != nil {
		return nil, err
	}
	base := baseRepository + ":" + baseTag
	if err := env.Registry.PushLayout(ctx, filepath.Join(opts.Fixtures, baseLayout), base); err != nil {
		return nil, fmt.Errorf("preloading the registry: %w", err)
	}
	if env.Daemon, err = env.StartDaemon(ctx); err != nil {
		return nil, err
	}
	return env, nil
}

// StartDaemon starts one more daemon, with a cache of its own, on the
// environment's registry. The caller closes it, before the environment.
func (e *Env) StartDaemon(ctx context.Context) (*Daemon, error) {
	opts := e.options.Daemon
	opts.Registry = e.Registry
	return StartDaemon(ctx, opts)
}

// Build builds on the environment's daemon: see Daemon.Build.
func (e *Env) Build(ctx context.Context, req BuildRequest) (*BuildResult, error) {
	return e.Daemon.Build(ctx, req)
}

// BaseLayout is the OCI layout of the base image, for use as a named context.
func (e *Env) BaseLayout() string {
	return filepath.Join(e.options.Fixtures, baseLayout)
}

// Close stops all that Start started. It can be called more than once.
func (e *Env) Close() error {
	var errs []error
	if e.Daemon != nil {
		errs = append(errs, e.Daemon.Close())
	}
	if e.Registry != nil {
		errs = append(errs, e.Registry.Close())
	}
	if e.Fixtures != nil {
		errs = append(errs, e.Fixtures.Close())
	}
	return errors.Join(errs...)
}
