package frontend_test

import (
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"
	"go.yaml.in/yaml/v3"

	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
)

// A workflow is what the tests look at of one.
type workflow struct {
	On struct {
		Push        any
		PullRequest any `yaml:"pull_request"`
		Schedule    []struct{ Cron string }
	}
	Permissions map[string]string
	Jobs        map[string]workflowJob
}

type workflowJob struct {
	Needs    any
	Strategy struct {
		FailFast *bool `yaml:"fail-fast"`
		Matrix   map[string]any
	}
	Permissions map[string]string
	Steps       []workflowStep
}

type workflowStep struct {
	ID, Name, Run, Uses string
	With                map[string]any
}

func readWorkflow(t *testing.T, path string) workflow {
	t.Helper()
	data, err := os.ReadFile(path)
	require.NoError(t, err)
	var w workflow
	require.NoError(t, yaml.Unmarshal(data, &w), path)
	return w
}

// workflows are our own and that of the example.
func workflows(t *testing.T) []string {
	t.Helper()
	var paths []string
	for _, pattern := range []string{".github/workflows/*.yml", "examples/*/.github/workflows/*.yml"} {
		found, err := filepath.Glob(filepath.Join(repoRoot(t), filepath.FromSlash(pattern)))
		require.NoError(t, err)
		require.NotEmpty(t, found, pattern)
		paths = append(paths, found...)
	}
	return paths
}

func TestWorkflowsPassActionlint(t *testing.T) {
	actionlint, err := testenv.Binary("actionlint")
	if err != nil {
		t.Skip(err.Error())
	}
	out, err := exec.Command(actionlint, append([]string{"-no-color"}, workflows(t)...)...).CombinedOutput()
	require.NoError(t, err, "%s", out)
}

// An action is what it was when it was read: a tag can be moved, a commit cannot.
func TestWorkflowsPinActions(t *testing.T) {
	pinned := regexp.MustCompile(`uses: [\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$`)
	for _, path := range workflows(t) {
		text, err := os.ReadFile(path)
		require.NoError(t, err)
		for line := range strings.Lines(string(text)) {
			if strings.Contains(line, "uses:") {
				require.Regexp(t, pinned, strings.TrimSpace(line), path)
			}
		}
	}
}

func TestPublishingIsWeeklyAndIndependent(t *testing.T) {
	w := readWorkflow(t, filepath.Join(repoRoot(t), ".github", "workflows", "publish.yml"))
	require.NotNil(t, w.On.Push)
	require.Len(t, w.On.Schedule, 1)
	require.Regexp(t, `^\d+ \d+ \* \* [0-6]$`, w.On.Schedule[0].Cron)
	require.Equal(t, map[string]string{"contents": "read"}, w.Permissions)

	images := w.Jobs["images"]
	require.Contains(t, images.Strategy.Matrix, "pair")
	require.NotNil(t, images.Strategy.FailFast)
	require.False(t, *images.Strategy.FailFast)
	require.Equal(t, "test", w.Jobs["frontend"].Needs, "nothing is pushed before the tests passed")
	for _, name := range []string{"frontend", "images"} {
		attested := 0
		for _, step := range w.Jobs[name].Steps {
			if strings.HasPrefix(step.Uses, "actions/attest-build-provenance@") {
				require.Equal(t, true, step.With["push-to-registry"])
				attested++
			}
			if step.ID == "push" {
				require.Contains(t, step.Run, "--provenance=mode=max --sbom=true")
			}
		}
		require.Equal(t, map[string]int{"frontend": 2, "images": 4}[name], attested, "each image in each registry")
	}
}
