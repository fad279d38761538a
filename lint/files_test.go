package lint

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/autumnjolitz/distroless-frontend/spec"
)

// Whatever runs in the image may name a script.
func TestScriptsOfEveryCommand(t *testing.T) {
	const copied = "python: '3.13'\nalpine: '3.20'\nworkdir: /app\nfiles: [{from: app.py, to: /app/}]\nbytecode: {sources: drop}\n"
	for command, at := range map[string]string{
		"entrypoint: [python, NAME]":                             "entrypoint[1]",
		"cmd: [NAME]":                                            "cmd[0]",
		"healthcheck: {cmd: [python, NAME]}":                     "healthcheck.cmd[1]",
		"healthcheck: {exec: [python, NAME]}":                    "healthcheck.exec[1]",
		"tests: [{exists: [/app]}, {run: [python, NAME]}]":       "tests[1].run[1]",
		"tests: [{tcp: 80, run: [python, /app/NAME]}]":           "tests[0].run[1]",
		"tests: [{run: [python, NAME], workdir: /srv}]":          "",
		"tests: [{run: [python, -c, 'import app; app.NAME()']}]": "",
	} {
		for name, find := range map[string]func(Input) []finding{"other.py": fileNotCopied, "app.py": sourceDropped} {
			s, err := spec.Parse("Dockerfile", []byte(copied+strings.ReplaceAll(command, "NAME", name)+"\n"))
			require.NoError(t, err)
			found := find(Input{Spec: s})
			if at == "" {
				require.Empty(t, found, command)
				continue
			}
			require.Len(t, found, 1, command)
			require.Equal(t, at, found[0].path, command)
		}
	}
}
