package llb

import (
	"path"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/moby/buildkit/client/llb"

	"github.com/autumnjolitz/distroless-frontend/spec"
)

// Where the op that looks for libraries finds the layers of the image, and the one that
// installs them what the other has found.
const (
	layersDir = "/layers"
	reportDir = "/report"
)

// reportName is the file in the tree of a report.
const reportName = "report"

// libraries returns the root, layers[0], with the shared libraries that what pip installed
// needs and neither brings nor finds. Mostly there are none, and it is the root as it was. It
// is an error if any file of the image does not find what it needs then. looked has the report
// that says so, if there is one.
func (g *Graph) libraries(layers, installed []llb.State) (root llb.State, looked []llb.State, err error) {
	root = layers[0]
	if g.Read == nil {
		return root, nil, nil
	}
	image := []layer{{layerRoot, root}, {layerInterpreter, layers[1]}}
	for _, tree := range installed {
		image = append(image, layer{layerPip, tree})
	}
	programs, err := g.programs()
	if err != nil {
		return llb.State{}, nil, err
	}
	image = append(image, programs...)

	report := g.reportNeeds(image)
	stdlib := layers[len(layers)-1]
	needs, err := g.readNeeds(report, stdlib)
	if err != nil {
		return llb.State{}, nil, err
	}
	if names := installable(needs); len(names) > 0 {
		if root, err = g.installLibraries(root, report, names); err != nil {
			return llb.State{}, nil, err
		}
		image[0].State = root
		report = g.reportNeeds(image)
		if needs, err = g.readNeeds(report, stdlib); err != nil {
			return llb.State{}, nil, err
		}
	}
	return root, []llb.State{report}, g.unmet(needs)
}

// A layer is one of the trees that the image is made of, by the name that a report has for it.
type layer struct {
	name string
	llb.State
}

// The names of layers.
const (
	layerRoot        = "root"
	layerInterpreter = "interpreter"
	layerPip         = "pip"
	layerFiles       = "files"
)

// reportNeeds returns a tree of one file: what files of the image need and do not find in it.
// They are read and not executed, so it is the same for every platform.
func (g *Graph) reportNeeds(image []layer) llb.State {
	xy := g.Base.PythonXY()
	args := []string{
		"python", "-S", opsDir + "/libraries.py", path.Join(outDir, reportName),
		"/usr/local/bin/python" + xy, "/usr/local/lib/python" + xy + "/site-packages", g.libraryPath(),
	}
	var mounts []llb.RunOption
	for i, l := range image {
		dir := path.Join(layersDir, strconv.Itoa(i)) // pip has a tree of the project and one of the rest
		args = append(args, l.name+"="+dir)
		mounts = append(mounts, llb.AddMount(dir, l.State, llb.Readonly))
	}
	read := g.run(op{
		name:   "[final] look for shared libraries",
		args:   args,
		mounts: mounts,
	})
	return read.AddMount(outDir, llb.Scratch())
}

// libraryPath is where loaders look first in containers of the image.
func (g *Graph) libraryPath() string {
	for _, kv := range g.Spec.Env {
		if kv.Key == "LD_LIBRARY_PATH" {
			return kv.Value
		}
	}
	return ""
}

// installLibraries returns the root with the packages that have libraries of these names.
func (g *Graph) installLibraries(root, report llb.State, names []string) (llb.State, error) {
	var packages []string
	for _, name := range names {
		packages = append(packages, "so:"+name)
	}
	o, err := g.apk(op{
		name:   "[root] install " + strings.Join(packages, " "),
		cache:  "apk",
		args:   append([]string{opsDir + "/settled.sh", BuildRoot, opsDir + "/libraries.sh", path.Join(reportDir, reportName)}, packages...),
		mounts: []llb.RunOption{llb.AddMount(reportDir, report, llb.Readonly)},
		path:   "pip",
	})
	if err != nil {
		return llb.State{}, err
	}
	return g.runWithScripts(o).AddMount(BuildRoot, root), nil
}

// notPrograms are the ends of names of files of which none is a program: an edit of one of
// these must not have all the image looked through again, nor large ones be copied for that.
func notPrograms() []string {
	return []string{
		".py", ".pyc", ".pyi", ".pyx", ".ipynb", ".js", ".mjs", ".ts", ".map", ".css", ".scss", ".html", ".htm", ".jinja", ".jinja2", ".j2",
		".json", ".yaml", ".yml", ".toml", ".ini", ".cfg", ".conf", ".xml", ".csv", ".sql", ".txt", ".md", ".rst", ".po", ".mo",
		".svg", ".png", ".jpg", ".jpeg", ".gif", ".ico", ".webp", ".woff", ".woff2", ".ttf", ".pdf", ".crt", ".pem",
		".gz", ".xz", ".zst", ".zip", ".whl", ".tar", ".db", ".sqlite", ".npy", ".npz", ".parquet", ".onnx", ".safetensors", ".gguf",
	}
}

// exceptPrograms are the patterns of these files. Patterns match folders, too, and with one all
// that is in it, so they are followed by those that take it back.
func exceptPrograms() []string {
	var patterns, back []string
	for _, end := range notPrograms() {
		patterns = append(patterns, "**/*"+end)
		back = append(back, "!**/*"+end+"/**")
	}
	return append(patterns, back...)
}

// asPattern returns a pattern that matches a path, or what the path matches if it is one itself.
// What matches nothing is no error here: the step that copies it to the image says it better.
func asPattern(name string) string {
	last, size := utf8.DecodeLastRuneInString(name)
	start, class := name[:len(name)-size], string(last)
	switch {
	case strings.ContainsAny(name, `*?[\`), last == '/':
		return name
	case strings.ContainsRune("-]^", last):
		// Others must not have a backslash: BuildKit matches by regular expressions, too.
		class = `\` + class
	}
	return start + "[" + class + "]"
}

// programs returns the tree of what may be a program among the files of the spec, as a list of
// that layer or of none.
func (g *Graph) programs() ([]layer, error) {
	tree, found := llb.Scratch(), false
	for i, file := range g.Spec.Files {
		at := spec.Index("files", i)
		info := likeCOPY()
		if g.CopyPatterns {
			info.ExcludePatterns = exceptPrograms()
		}
		for _, source := range file.From {
			if slices.ContainsFunc(notPrograms(), func(end string) bool { return strings.HasSuffix(source, end) }) {
				continue
			}
			from, err := g.context(file.Context)
			if err != nil {
				return nil, g.located(err, at)
			}
			action := llb.Copy(from, asPattern(path.Join("/", source)), g.destination(file.To), info)
			tree, found = tree.File(action, g.internalAt("look for programs in "+source, at)...), true
		}
	}
	if !found {
		return nil, nil
	}
	return []layer{{layerFiles, tree}}, nil
}
