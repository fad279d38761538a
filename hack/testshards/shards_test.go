package main

import (
	"bytes"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestListed(t *testing.T) {
	require.Equal(t, []listedTest{{"a", "TestOne"}, {"a", "TestTwo"}, {"c", "TestOne"}},
		listed([]byte("TestOne\nTestTwo\nok  \ta\t0.02s\n?   \tb\t[no test files]\nTestOne\nok  \tc\t0.01s\nok  \td\t0.01s\n")))
}

func TestDeal(t *testing.T) {
	tests := []listedTest{{"a", "One"}, {"a", "Two"}, {"a", "Three"}, {"b", "Two"}, {"b", "Four"}}
	require.Equal(t, []shard{
		{names: []string{"One", "Three"}, packages: []string{"a"}},
		{names: []string{"Two", "Four"}, packages: []string{"a", "b"}},
	}, deal(tests, 2))
	require.Len(t, deal(tests, 9), 4, "no process has nothing to do")
	require.Equal(t, "^(One|Three)$", deal(tests, 2)[0].pattern())
}

// It runs tests of this package, each once, in two processes.
func TestRun(t *testing.T) {
	var out bytes.Buffer
	require.NoError(t, run(&out, 2, "^Test(Listed|Deal)$", time.Minute, []string{"."}))
	shards := map[string]int{}
	for line := range strings.Lines(out.String()) {
		var event struct {
			Action, Test string
			Shard        int
		}
		require.NoError(t, json.Unmarshal([]byte(line), &event), line)
		if event.Action == "pass" && event.Test != "" {
			require.NotContains(t, shards, event.Test)
			shards[event.Test] = event.Shard
		}
	}
	require.Equal(t, map[string]int{"TestListed": 1, "TestDeal": 2}, shards)
	require.ErrorContains(t, run(&out, 2, "^TestAbsent$", time.Minute, []string{"."}), "no test of . matches ^TestAbsent$")
}
