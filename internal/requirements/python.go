package requirements

import (
	pep440 "github.com/aquasecurity/go-pep440-version"
)

// checkPython checks that a Python is one of those that a file says it is for.
func checkPython(d *document, path, wanted, python string) error {
	if wanted == "" {
		return nil
	}
	specifiers, err := pep440.NewSpecifiers(wanted, pep440.WithPreRelease(true))
	if err != nil {
		return d.errorAt(path, "%q is no specifier of versions: expected for example \">=3.10\"", wanted)
	}
	version, err := pep440.Parse(python)
	if err != nil {
		return d.errorAt(path, "the Python of the base image is %q, which is no version", python)
	}
	if !specifiers.Check(version) {
		return d.errorAt(path, "it is for Python %s, and that of the base image is %s: choose another python in the spec", wanted, python)
	}
	return nil
}
