package frontend_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/stretchr/testify/require"

	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
)

// steps are uses of the helpers of which none depends on another: each undoes itself, or
// brings something that no other touches.
var steps = []string{
	`chroot-apk add -q hello-apk`,
	`chroot-pip install -q demo==1.0 && chroot-pip install -q -U demo`,
	`chroot-exec dash -c 'exit 3' || [ $? = 3 ]`,
	// Both packages add users, which get numbers in the order they come.
	`chroot-apk add -q busybox && chroot-exec ls / >/dev/null && chroot-apk del -q busybox && chroot-apk add -q hello-service`,
	`chroot-ln -s ../../opt "/usr/share/an opt"`,
	`chroot-pip -O install -q idna`,
	`! chroot-apk add -q no-such-package 2>/dev/null`,
	`chroot-exec python -c 'import json, ssl'`,
	`chroot-pip install -q rich && chroot-pip uninstall -q -y rich markdown_it_py mdurl Pygments`,
	`chroot-apk add -q tzdata zip && chroot-apk del -q tzdata`,
	`! chroot-pip install -q no-such-package 2>/dev/null`,
	`! chroot-ln -s x /no/such/folder/x 2>/dev/null`,
	`chroot-exec update-ca-certificates`,
	`chroot-apk info >/dev/null; chroot-apk audit -q >/dev/null`,
	`chroot-pip -O install -q six && chroot-pip install -q --force-reinstall six && chroot-pip optimize six`,
	`rm -f "$BUILD_ROOT/usr/share/nothing"; remove-py-if-pyc-exists -q "$BUILD_ROOT/nothing.py" 2>/dev/null || :`,
	`chroot-pip list >/dev/null`,
	`chroot-apk upgrade -q && chroot-apk fix -q`,
	`python -m pip install -q --no-compile --prefix "$BUILD_ROOT/usr/local" blinker 2>/dev/null`,
	`chroot-apk add -q --virtual .tools hello-apk && chroot-apk del -q .tools`,
	`timeout 1 chroot-exec dash -c 'kill -15 $$' || :`,
	`chroot-exec python -m compileall -q /usr/local/lib/python3.13/nothing >/dev/null || :`,
}

// orders are two ways to go through the steps: each pair of them comes in either order.
func orders() map[string][]string {
	backward := slices.Clone(steps)
	slices.Reverse(backward)
	return map[string][]string{"forward": steps, "backward": backward}
}

func TestIntegrationHelpersInAnyOrder(t *testing.T) {
	listings := map[string]string{}
	before := mustScript(t, "listing")
	for name, order := range orders() {
		require.Len(t, order, len(steps))
		text := ""
		for _, step := range order {
			text += "{ " + step + "; } || { echo \"failed: $?\"; exit 1; }\n"
		}
		listings[name] = withDemo(t, "set -x\n"+text+"set +x\nlisting")
		for _, word := range []string{".chroot", "busybox", "/dev/", "__pycache__", "mdurl", "demo-1.0", "var/cache/apk", "zoneinfo/Europe"} {
			require.NotContains(t, listings[name], word, name)
		}
	}
	for name := range listings {
		require.Empty(t, difference(listings["forward"], listings[name]), name)
	}
	added := strings.Join(difference(before, listings["forward"]), "\n")
	for _, file := range []string{"hello-apk/greeting", "usr/bin/zip", "an opt", "idna/core.pyc", "six.pyc", "blinker/base.py", "demo-2.0"} {
		require.Contains(t, added, file)
	}
}

// difference returns the lines of after that are not in before, and the other way round.
func difference(before, after string) []string {
	has := map[string]bool{}
	for _, line := range lines(before) {
		has[line] = true
	}
	var result []string
	for _, line := range lines(after) {
		if !has[line] {
			result = append(result, "+ "+line)
		}
		delete(has, line)
	}
	for line := range has {
		result = append(result, "- "+line)
	}
	slices.Sort(result)
	return result
}

// All the same as instructions of a Dockerfile, where each runs in a container of its own
// and must leave a layer with nothing else in it.
func TestIntegrationHelpersInLayers(t *testing.T) {
	text := "FROM " + published + "-buildroot AS buildroot\n"
	for _, step := range []string{
		"chroot-apk add hello-apk", "chroot-exec dash -c true", "chroot-pip install -q six", "chroot-ln -s opt /opt2",
		"chroot-apk add busybox && chroot-apk del busybox",
	} {
		text += "RUN " + step + "\n"
	}
	img := fromBuildroot(t, text)
	before := filesOf(t, publish(t))
	var added []string
	for name := range filesOf(t, img) {
		if _, ok := before[name]; !ok && strings.HasPrefix(name, "/d/") {
			added = append(added, name)
		}
	}
	slices.Sort(added)
	const packages = "/d/usr/local/lib/python3.13/site-packages/six"
	added = slices.DeleteFunc(added, func(name string) bool { return strings.HasPrefix(name, packages) })
	require.Equal(t, []string{"/d/opt2", "/d/usr/share/hello-apk", "/d/usr/share/hello-apk/greeting"}, added)
	version := run(t, img, testenv.RunOptions{
		Entrypoint: []string{"chroot-exec", "python", "-c", "import six; print(six.__version__)"},
	})
	require.Equal(t, "1.17.0\n", version)
}
