package frontend_test

import (
	"testing"

	"github.com/stretchr/testify/require"
)

// Wheels come from a context of their own: such a build needs no index.
func TestIntegrationWheelsOfANamedContext(t *testing.T) {
	gear, gearContent := wheel(t, "gear", "1.0", map[string]string{"gear.py": "answer = 42\n"})
	b := build{BuildRequest: online()}
	b.NamedContexts = map[string]string{"wheels": contextDir(t, map[string]string{"below/" + gear: gearContent, "other.txt": "1"})}
	for name, edit := range map[string]func(*build){
		"folder": func(b *build) {
			b.spec = minimal + "pip: {packages: [gear], no-index: true, find-links: [context://wheels/below]}\n"
		},
		"file": func(b *build) {
			b.spec = minimal + "pip: {packages: [gear], no-index: true, find-links: [context://wheels/below/" + gear + "]}\n"
		},
		"argument": func(b *build) {
			b.spec = minimal + "pip: {packages: [gear]}\n"
			b.BuildArgs = map[string]string{"PIP_FIND_LINKS": "context://wheels/below", "PIP_NO_INDEX": "1"}
		},
		"argument, of a context with files": func(b *build) {
			b.spec = minimal + "pip: {packages: [gear]}\nfiles: [{from: other.txt, to: /srv/, context: wheels}]\n"
			b.BuildArgs = map[string]string{"PIP_FIND_LINKS": "context://wheels/below", "PIP_NO_INDEX": "1"}
		},
	} {
		t.Run(name, func(t *testing.T) {
			b := b
			edit(&b)
			res := b.must(t)
			require.Equal(t, []string{"gear==1.0"}, versions(t, res.Image))
			require.Empty(t, res.Warnings)
		})
	}
	t.Run("absent", func(t *testing.T) {
		b := b
		const line = "pip: {packages: [gear], no-index: true, find-links: [context://nowhere]}"
		b.spec = minimal + line + "\n"
		_, err := b.fails(t)
		require.ErrorContains(t, err, `no build context is named "nowhere": give one with --build-context nowhere=PATH`)
		require.Equal(t, line, marked(err))
	})
}
