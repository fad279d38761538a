package frontend

import (
	"slices"

	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/pkg/errors"

	"github.com/autumnjolitz/distroless-frontend/spec"
)

// checkHashed says what cannot be asked for beside a requirements file with hashes. It states all
// that is installed, as pip then takes nothing else, and a pyproject.toml has no hash to add.
func (b *builder) checkHashed() error {
	pip, hashed := b.spec.Pip, b.requirements.found.Hashed
	fail := func(key, format string, args ...any) error {
		return parser.WithLocation(errors.Errorf(format, args...), b.locate(key))
	}
	pyproject := slices.IndexFunc(pip.Requirements, spec.IsPyproject)
	switch {
	case hashed == "" && pip.RequireHashes && pip.Lock() == "":
		return fail("pip.require-hashes", "neither a pyproject.toml nor the files under pip.requirements state hashes: %s", spec.HashesHelp)
	case hashed == "":
		return nil
	case pyproject >= 0:
		return fail(spec.Index("pip.requirements", pyproject),
			"%s has hashes, and so states all that is installed: remove %s, or have what it requires among them", hashed, pip.Requirements[pyproject])
	case len(pip.Extras) > 0:
		return fail("pip.extras", "%s has hashes, and so states all that is installed: choose extras when you write it, as with `uv export --extra %s`, and remove them here",
			hashed, pip.Extras[0])
	case len(pip.Groups) > 0:
		return fail("pip.groups", "%s has hashes, and so states all that is installed: choose groups when you write it, as with `uv export --group %s`, and remove them here",
			hashed, pip.Groups[0])
	}
	return nil
}
