package main

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"strconv"

	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
)

// startupScript starts the interpreter over and over inside one container, so that starting
// the container is not measured.
//
//go:embed startup.py
var startupScript string

const (
	// starts is how often the script starts the interpreter for each program.
	starts = 20
	// maxStartUp is what a start may take of one in the base.
	maxStartUp = 1.25

	python = "/usr/local/bin/python"
	pass   = "pass"
	// imports loads a good part of the standard library, as a large application does.
	imports = "import asyncio, http.client, http.server, json, logging.config, email.message, urllib.request, ssl, " +
		"sqlite3, concurrent.futures, multiprocessing, unittest, argparse, xml.etree.ElementTree, decimal, datetime, typing, " +
		"dataclasses, inspect, ctypes, csv, zipfile, tarfile, tempfile"
)

// startUp compares the start of the interpreter in the minimal image and in the base. The
// base comes without bytecode, so each container makes itself warm first.
func (b *bench) startUp(ctx context.Context) error {
	minimal, err := b.minimalImage(ctx)
	if err != nil {
		return err
	}
	base, err := b.base(ctx)
	if err != nil {
		return err
	}
	images := [2]*testenv.Image{minimal, base}
	passing := contest{what: "start-up: python -I -c pass | base"}
	importing := contest{what: "start-up: 24 imports | base"}
	for round := range b.rounds {
		for i := range images {
			side := (round + i) % 2
			medians, err := startTimes(ctx, images[side], pass, imports)
			if err != nil {
				return err
			}
			passing.times[side] = append(passing.times[side], medians[0])
			importing.times[side] = append(importing.times[side], medians[1])
		}
	}
	b.table.contest(&passing, maxStartUp, 0)
	b.table.contest(&importing, maxStartUp, 0)
	return nil
}

// startTimes returns the median time of each program in one container of the image.
func startTimes(ctx context.Context, img *testenv.Image, programs ...string) ([]float64, error) {
	args := append([]string{"-c", startupScript, strconv.Itoa(starts)}, programs...)
	res, err := img.Run(ctx, testenv.RunOptions{Entrypoint: []string{python}, Args: args, User: "0"})
	if err != nil {
		return nil, err
	}
	var medians []float64
	if err := json.Unmarshal([]byte(res.Stdout), &medians); err != nil || len(medians) != len(programs) {
		return nil, fmt.Errorf("measuring start-up gave exit status %d, %q and %q", res.ExitCode, res.Stdout, res.Stderr)
	}
	return medians, nil
}
