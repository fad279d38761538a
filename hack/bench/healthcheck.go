package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
)

// healthcheckScript times a health check inside one container, as startupScript does Python.
//
//go:embed healthcheck.py
var healthcheckScript string

// maxHealthcheck is what a health check may take of a start of the interpreter that does nothing.
const maxHealthcheck = 1.25

// healthcheck compares the health check of an image, which an engine starts every few seconds,
// with the start of the interpreter in that image.
func (b *bench) healthcheck(ctx context.Context) error {
	img, err := b.image(ctx, "healthcheck", b.ours("", minimalSpec+"healthcheck: {http: $PORT/}\n"))
	if err != nil {
		return err
	}
	checks := contest{what: "health check by http | python -I -c pass"}
	args := append([]string{"-c", healthcheckScript, strconv.Itoa(starts)}, img.Config.Config.Healthcheck.Test[1:]...)
	for range b.rounds {
		res, err := img.Run(ctx, testenv.RunOptions{Entrypoint: []string{python}, Args: args, User: "0"})
		if err != nil {
			return err
		}
		var medians [2]float64
		if err := json.Unmarshal([]byte(res.Stdout), &medians); err != nil {
			return fmt.Errorf("measuring the health check gave exit status %d, %q and %q", res.ExitCode, res.Stdout, res.Stderr)
		}
		for side, median := range medians {
			checks.times[side] = append(checks.times[side], median)
		}
	}
	b.table.contest(&checks, maxHealthcheck, 0)
	return nil
}
