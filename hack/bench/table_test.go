package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestMedian(t *testing.T) {
	require.Zero(t, median(nil))
	require.InDelta(t, 2, median([]float64{9, 1, 2}), 0)
	require.InDelta(t, 2.5, median([]float64{9, 1, 2, 3}), 0)
}

func TestTable(t *testing.T) {
	var tab table
	tab.contest(&contest{what: "slower", times: [2][]float64{{1.3}, {1}}}, 1.2, 0)
	tab.contest(&contest{what: "within the noise", times: [2][]float64{{0.104}, {0.1}}}, 1, 0.05)
	tab.contest(&contest{what: "no limit", times: [2][]float64{{3}, {1}}}, 0, 0)
	tab.add(comparison{what: "size", unit: megabytes, ours: 22e6, peer: 44e6, value: 23e6})
	tab.add(comparison{what: "alone", unit: mebibytes, ours: 1 << 20, value: 2 << 20})
	tab.failed("broken")

	var rows [][]string
	for line := range strings.Lines(tab.String()) {
		rows = append(rows, strings.Fields(line))
	}
	require.Equal(t, [][]string{
		{"slower", "1.30", "s", "1.00", "s", "1.30", "≤", "1.20", "NO"},
		{"within", "the", "noise", "104", "ms", "100", "ms", "1.04", "≤", "1.00", "(+5", "%)", "yes"},
		{"no", "limit", "3.00", "s", "1.00", "s", "3.00", "-", "-"},
		{"size", "22.00", "MB", "44.00", "MB", "22.00", "MB", "≤", "23.00", "MB", "yes"},
		{"alone", "1.00", "MiB", "-", "1.00", "MiB", "≤", "2.00", "MiB", "yes"},
		{"broken", "failed", "-", "-", "-", "NO"},
		{},
		{"limits:", "3", "met,", "2", "not", "met"},
	}, rows[2:])
}

func TestSelected(t *testing.T) {
	all, err := selected("")
	require.NoError(t, err)
	require.Len(t, all, len(sections()))
	some, err := selected("size,minimal")
	require.NoError(t, err)
	require.Equal(t, "minimal", some[0].name)
	require.Len(t, some, 2)
	_, err = selected("sizes")
	require.ErrorContains(t, err, `no section is named "sizes"`)
}
