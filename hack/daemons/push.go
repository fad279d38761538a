package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
)

// pushLayout puts an OCI layout, given as DIR=NAME:TAG, into the registry.
func pushLayout(ctx context.Context, env *testenv.Env, arg string) error {
	dir, ref, ok := strings.Cut(arg, "=")
	if !ok {
		return fmt.Errorf("-push %q is not DIR=NAME:TAG", arg)
	}
	return env.Registry.PushLayout(ctx, dir, ref)
}

// printFile copies a file to standard error.
func printFile(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	_, err = io.Copy(os.Stderr, f)
	return err
}
