package main

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

func TestSummary(t *testing.T) {
	for name, tc := range map[string]struct {
		events string
		passed bool
		want   []string
		last   string
	}{
		"mixed": {
			events: `{"Action":"start","Package":"a"}
{"Action":"pass","Package":"a","Test":"One","Elapsed":1}
{"Action":"output","Package":"a","Test":"Two","Output":"=== RUN   Two\n"}
{"Action":"output","Package":"a","Test":"Two","Output":"    x_test.go:3: no daemon here\n"}
{"Action":"output","Package":"a","Test":"Two","Output":"--- SKIP: Two (0.00s)\n"}
{"Action":"skip","Package":"a","Test":"Two"}
{"Action":"pass","Package":"a","Elapsed":1}
`,
			passed: true,
			want:   []string{"ok   a (1.0s)", "  a Two: no daemon here"},
			last:   "1 passed, 0 failed, 1 skipped",
		},
		"failure": {
			events: `{"Action":"output","Package":"a","Test":"One","Output":"broken\n"}
{"Action":"fail","Package":"a","Test":"One"}
{"Action":"fail","Package":"a"}
`,
			want: []string{"FAIL a One", "broken"},
			last: "0 passed, 1 failed, 0 skipped",
		},
		"failures of two processes": {
			events: `{"Shard":1,"Action":"output","Package":"a","Test":"One","Output":"broken\n"}
{"Shard":1,"Action":"fail","Package":"a","Test":"One"}
{"Shard":1,"Action":"fail","Package":"a"}
{"Shard":2,"Action":"output","Package":"a","Test":"Two","Output":"cut off\n"}
{"Shard":2,"Action":"output","Package":"a","Output":"panic: oops\n"}
{"Shard":2,"Action":"fail","Package":"a"}
`,
			want: []string{"FAIL a One", "broken", "cut off", "panic: oops"},
			last: "0 passed, 2 failed, 0 skipped",
		},
		"package that does not build": {
			events: `{"Action":"build-output","ImportPath":"a","Output":"a.go:1: oops\n"}
{"Action":"output","Package":"a","Output":"FAIL\ta [build failed]\n"}
{"Action":"fail","Package":"a"}
`,
			want: []string{"a.go:1: oops", "[build failed]"},
			last: "0 passed, 1 failed, 0 skipped",
		},
		"test cut off": {
			events: `{"Action":"output","Package":"a","Test":"One","Output":"panic: timeout\n"}
{"Action":"fail","Package":"a"}
`,
			want: []string{"panic: timeout"},
			last: "0 passed, 1 failed, 0 skipped",
		},
		"nothing": {
			events: "go: cannot find main module\n",
			want:   []string{"go: cannot find main module", "go test itself failed"},
			last:   "0 passed, 0 failed, 0 skipped",
		},
	} {
		t.Run(name, func(t *testing.T) {
			var out strings.Builder
			s := newSummary(&out, false)
			require.NoError(t, s.read(strings.NewReader(tc.events)))
			require.Equal(t, tc.passed, s.close())
			for _, want := range tc.want {
				require.Contains(t, out.String(), want)
			}
			lines := strings.Split(strings.TrimSpace(out.String()), "\n")
			require.Equal(t, tc.last, lines[len(lines)-1])
		})
	}
}
