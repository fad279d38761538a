package main

import "context"

// maxReinstall is what an installation of one package more may take of the first one.
const maxReinstall = 0.6

// reinstall compares two installations of the flask example's requirements: the first, where
// nothing was downloaded before, and one with a package more, for which there is pip's cache
// mount. All steps but those of pip have been done before.
func (b *bench) reinstall(ctx context.Context) error {
	installs := contest{what: "flask: install with a package more | first install"}
	for range b.rounds {
		f, err := b.newFlask()
		if err != nil {
			return err
		}
		if err := b.reset(ctx); err != nil {
			return err
		}
		if _, err := b.timed(ctx, b.ours("", minimalSpec)); err != nil {
			return err
		}
		for _, side := range []int{1, 0} {
			if side == 0 {
				if err := f.editRequirements(); err != nil {
					return err
				}
			}
			res, err := b.timed(ctx, f.ours)
			if err != nil {
				return err
			}
			installs.times[side] = append(installs.times[side], res.Took.Seconds())
			if b.steps {
				printSteps(installs.what, sideNames[side], res)
			}
		}
	}
	b.table.contest(&installs, maxReinstall, 0)
	return nil
}
