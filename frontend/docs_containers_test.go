package frontend_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
)

// start runs docker run.
func (r *reader) start(args []string) (string, error) {
	opts, err := parseRun(args)
	if err != nil {
		return "", err
	}
	res, err := r.env.Build(r.t.Context(), testenv.BuildRequest{DockerfileInline: "FROM " + opts.image + "\n"})
	if err != nil {
		return "", err
	}
	for _, volume := range opts.volumes {
		name, target, _ := strings.Cut(volume, ":")
		if _, ok := r.volumes[name]; !ok {
			r.volumes[name] = volumeOf(r.t, res.Image, target)
		}
		opts.Mounts = append(opts.Mounts, r.volumes[name])
	}
	if opts.detached {
		c, err := res.Image.Start(r.t.Context(), opts.RunOptions)
		if err == nil {
			r.containers[opts.name] = c
		}
		return "", err
	}
	ran, err := res.Image.Run(r.t.Context(), opts.RunOptions)
	if err == nil && ran.ExitCode != 0 {
		err = fmt.Errorf("exit status %d", ran.ExitCode)
	}
	return ran.Stdout + ran.Stderr, err
}

type runOptions struct {
	testenv.RunOptions
	image    string
	name     string
	detached bool
	volumes  []string // NAME:TARGET
}

// parseRun reads the options of docker run that the documents use. Containers of the test are
// on the host's network, so every port is published.
func parseRun(args []string) (runOptions, error) {
	var opts runOptions
	for len(args) > 0 {
		option := args[0]
		args = args[1:]
		value := ""
		if slices.Contains([]string{"--name", "-p", "-e", "--user", "--entrypoint", "--tmpfs", "-v", "--cap-drop", "--security-opt"}, option) {
			if len(args) == 0 {
				return opts, fmt.Errorf("%s has no value", option)
			}
			value, args = args[0], args[1:]
		}
		switch option {
		case "--rm", "-it", "-p":
		case "-d":
			opts.detached = true
		case "--name":
			opts.name = value
		case "-e":
			opts.Env = append(opts.Env, value)
		case "--user":
			opts.User = value
		case "--entrypoint":
			opts.Entrypoint = []string{value}
		case "--read-only":
			opts.ReadOnly = true
		case "--tmpfs":
			opts.Mounts = append(opts.Mounts, testenv.Mount{Target: value})
		case "-v":
			opts.volumes = append(opts.volumes, value)
		case "--cap-drop":
			opts.CapDrop = append(opts.CapDrop, value)
		case "--security-opt":
			opts.NoNewPrivileges = value == "no-new-privileges"
		default:
			if strings.HasPrefix(option, "-") {
				return opts, fmt.Errorf("the test does not know docker run %s", option)
			}
			opts.image = option
			if len(args) > 0 {
				opts.Args = args
			}
			return opts, nil
		}
	}
	return opts, errors.New("docker run without an image")
}

func (r *reader) stop(args []string) (string, error) {
	c, ok := r.containers[args[0]]
	if !ok {
		return "", fmt.Errorf("no container is named %s", args[0])
	}
	delete(r.containers, args[0])
	_, err := c.Stop()
	return "", err
}

// curl asks until there is an answer: a person takes longer to type than a server to start.
func (r *reader) curl(args []string) (string, error) {
	ctx, cancel := context.WithTimeout(r.t.Context(), 30*time.Second)
	defer cancel()
	for {
		body, err := get(ctx, args[len(args)-1])
		if err == nil || ctx.Err() != nil {
			return body, err
		}
		time.Sleep(50 * time.Millisecond)
	}
}

func get(ctx context.Context, url string) (string, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	return string(body), err
}
