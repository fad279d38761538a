package main

import (
	"fmt"
	"slices"
	"strings"
	"text/tabwriter"
)

// A unit writes a figure for a human.
type unit func(float64) string

func seconds(v float64) string {
	if v < 1 {
		return fmt.Sprintf("%.0f ms", v*1000)
	}
	return fmt.Sprintf("%.2f s", v)
}

func megabytes(v float64) string { return fmt.Sprintf("%.2f MB", v/1e6) }

func mebibytes(v float64) string { return fmt.Sprintf("%.2f MiB", v/(1<<20)) }

func ratio(v float64) string { return fmt.Sprintf("%.2f", v) }

// none stands for what a row has not got.
const none = "-"

// A table gathers the figures.
type table struct {
	rows   [][]string
	met    int
	missed int
}

// A comparison is a row: one figure of ours, and what it is held against.
type comparison struct {
	what       string
	unit       unit
	ours, peer float64
	// ratio is the most that ours may be of the peer's, value the most that it may be by
	// itself; 0 for no such limit.
	ratio, value float64
	// noise is how much of the ratio's limit two measurements of the same thing may differ.
	noise float64
}

// add adds a row.
func (t *table) add(c comparison) {
	peer, shown := none, none
	if c.peer > 0 {
		peer, shown = c.unit(c.peer), ratio(c.ours/c.peer)
	}
	limit, ok := none, none
	switch {
	case c.value > 0:
		shown, limit, ok = c.unit(c.ours), "≤ "+c.unit(c.value), t.judge(c.ours <= c.value)
	case c.ratio > 0:
		limit, ok = "≤ "+ratio(c.ratio), t.judge(c.ours/c.peer <= c.ratio*(1+c.noise))
		if c.noise > 0 {
			limit += fmt.Sprintf(" (+%.0f %%)", c.noise*100)
		}
	}
	t.rows = append(t.rows, []string{c.what, c.unit(c.ours), peer, shown, limit, ok})
}

// contest adds a row of times; limit 0 is none.
func (t *table) contest(c *contest, limit, noise float64) {
	ours, peer := c.medians()
	t.add(comparison{what: c.what, unit: seconds, ours: ours, peer: peer, ratio: limit, noise: noise})
}

// failed adds a row for a section that gave an error, which counts as a limit missed.
func (t *table) failed(section string) {
	t.rows = append(t.rows, []string{section, "failed", none, none, none, t.judge(false)})
}

func (t *table) judge(met bool) string {
	if met {
		t.met++
		return "yes"
	}
	t.missed++
	return "NO"
}

// String renders the table and the count of limits.
func (t *table) String() string {
	var b strings.Builder
	w := tabwriter.NewWriter(&b, 0, 0, 2, ' ', 0)
	header := []string{"what", "ours", "peer", "ratio or value", "limit", "ok?"}
	var rule []string
	for _, title := range header {
		rule = append(rule, strings.Repeat("-", len(title)))
	}
	for _, row := range append([][]string{header, rule}, t.rows...) {
		fmt.Fprintln(w, strings.Join(row, "\t"))
	}
	w.Flush()
	fmt.Fprintf(&b, "\nlimits: %d met, %d not met\n", t.met, t.missed)
	return b.String()
}

// A contest is what both sides do in turn: its name, and the times, ours first.
type contest struct {
	what  string
	times [2][]float64
}

func (c *contest) medians() (ours, peer float64) { return median(c.times[0]), median(c.times[1]) }

// sideNames are those of a contest's two sides.
var sideNames = [2]string{"ours", "peer"}

// median returns the middle value, or the mean of the two in the middle; 0 of none.
func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	n := len(sorted)
	switch {
	case n == 0:
		return 0
	case n%2 == 1:
		return sorted[n/2]
	}
	return (sorted[n/2-1] + sorted[n/2]) / 2
}
