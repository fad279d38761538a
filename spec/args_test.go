package spec

import (
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
)

const withArgs = `python: 3.13
alpine: 3.20
args:
  GIVEN: default
  DEFAULT: default
  FROM_GIVEN: ${GIVEN}-x
  TARGETARCH:
  TARGETOS: mine
  UNSET:
env:
  ALL: "$GIVEN $DEFAULT $FROM_GIVEN $TARGETARCH $TARGETOS [$UNSET]"
`

func TestVariables(t *testing.T) {
	vars := Variables{
		BuildArgs:  map[string]string{"GIVEN": "$DEFAULT 'quoted' \\", "UNDECLARED": "x"},
		Predefined: map[string]string{"TARGETARCH": "arm64", "TARGETOS": "linux"},
	}
	s, err := ParseWith("Dockerfile", []byte(withArgs), vars)
	require.NoError(t, err)
	require.Equal(t, `$DEFAULT 'quoted' \ default $DEFAULT 'quoted' \-x arm64 mine []`, s.Env[0].Value, "values are not expanded again")
	require.Equal(t, "default", *s.Args[0].Default)
	require.Equal(t, vars.BuildArgs["GIVEN"], *s.Args[0].Value)

	vars.BuildArgs = map[string]string{"TARGETARCH": "s390x", "TARGETOS": "", "UNSET": "set"}
	s, err = ParseWith("Dockerfile", []byte(withArgs), vars)
	require.NoError(t, err)
	require.Equal(t, "default default default-x s390x  [set]", s.Env[0].Value)
}

// A predefined name has to be declared, as in a stage of a Dockerfile.
func TestPredefinedIsDeclared(t *testing.T) {
	text := "python: 3.13\nalpine: 3.20\nargs: {A: 1}\nenv: {ARCH: $TARGETARCH}\n"
	_, err := ParseWith("Dockerfile", []byte(text), Variables{Predefined: map[string]string{"TARGETARCH": "arm64"}})
	require.EqualError(t, err, `Dockerfile:4:13: env.ARCH: undefined variable $TARGETARCH; declare it under args, or write \$TARGETARCH for the text`)
}

// What comes from outside stays one value, and is checked as if it stood in the file.
func TestValuesFromOutside(t *testing.T) {
	const text = "python: 3.13\nalpine: 3.20\nargs: {A: a}\npackages: [zip, $A]\nenv: {X: $A}\n"
	for value, want := range map[string]string{
		"libpq":             "",
		"a, b":              `Dockerfile:4:17: packages[1]: "a, b" is not a package`,
		"a\n- b":            `Dockerfile:4:17: packages[1]: "a\n- b" is not a package`,
		"a]\nuser: root\n#": `Dockerfile:4:17: packages[1]: "a]\nuser: root\n#" is not a package`,
		"--allow-untrusted": `Dockerfile:4:17: packages[1]: "--allow-untrusted" looks like an option of apk`,
		"a\x00":             `Dockerfile:4:17: packages[1]: control character U+0000 is not allowed`,
		"":                  `Dockerfile:4:17: packages[1]: "" is not a package`,
	} {
		s, err := ParseWith("Dockerfile", []byte(text), Variables{BuildArgs: map[string]string{"A": value}})
		if want == "" {
			require.NoError(t, err)
			require.Equal(t, []string{"zip", value}, s.Packages)
			require.Equal(t, value, s.Env[0].Value)
			continue
		}
		require.ErrorContains(t, err, want)
		requireLocation(t, "Dockerfile", []byte(text), err)
	}
}

func TestUsedArgs(t *testing.T) {
	s, err := Parse("Dockerfile", []byte("python: 3.13\nalpine: 3.20\nargs: {A: 1, B: $A, C: 2, D: 3}\nenv: {X: \"${C:-x}\"}\ncmd: [$D]\n"))
	require.NoError(t, err)
	used := map[string]bool{}
	for _, arg := range s.Args {
		used[arg.Name] = arg.Used
	}
	require.Equal(t, map[string]bool{"A": true, "B": false, "C": true, "D": false}, used)
}

// TestExpansionBomb keeps small files from becoming large specs.
func TestExpansionBomb(t *testing.T) {
	text := "python: 3.13\nalpine: 3.20\nargs:\n  A0: " + strings.Repeat("a", 100) + "\n"
	for i := range 25 {
		name := "A" + string(rune('a'+i))
		previous := "A0"
		if i > 0 {
			previous = "A" + string(rune('a'+i-1))
		}
		text += "  " + name + ": ${" + previous + "}${" + previous + "}\n"
	}
	_, err := Parse("Dockerfile", []byte(text))
	require.ErrorContains(t, err, "with its arguments expanded the spec has more than 4194304 bytes")
	requireLocation(t, "Dockerfile", []byte(text), err)

	text = "python: 3.13\nalpine: 3.20\nargs: {A: " + strings.Repeat("a", MaxSize/4) + "}\nenv: {X: \"" + strings.Repeat("$A", MaxSize/4) + "\"}\n"
	_, err = Parse("Dockerfile", []byte(text))
	require.ErrorContains(t, err, "with its arguments expanded")

	// None of the values is too long, but all of them are.
	text = "python: 3.13\nalpine: 3.20\nargs: {A: " + strings.Repeat("a", MaxSize/8) + "}\nvolumes: [" + strings.Repeat("/$A, ", 33) + "]\n"
	_, err = Parse("Dockerfile", []byte(text))
	require.ErrorContains(t, err, "volumes[31]: with its arguments expanded")
}
