package apk

import "slices"

// info carries out the verb of that name.
func (c *command) info(db *database) (int, error) {
	o := c.options
	if o.flag("who-owns") {
		return c.whoOwns(db)
	}
	status := 0
	var chosen []*installed
	for _, name := range o.args {
		if p := db.find(name); p != nil {
			chosen = append(chosen, p)
		} else {
			status++
		}
	}
	if len(o.args) == 0 {
		chosen = db.packages
	}
	for _, p := range chosen {
		c.infoOf(p)
	}
	return status, nil
}

func (c *command) infoOf(p *installed) {
	o := c.options
	title := p.Name + "-" + p.Version
	list := func(what string, lines []string) {
		c.say("%s %s:", title, what)
		for _, line := range lines {
			c.say("%s", line)
		}
		c.say("")
	}
	switch {
	case o.flag("contents"):
		var names []string
		for path := range files(p) {
			names = append(names, path)
		}
		slices.Sort(names)
		list("contains", names)
	case o.flag("depends"):
		list("depends on", p.Dependencies)
	case o.flag("provides"):
		list("provides", p.Provides)
	case o.flag("installed") || len(o.args) == 0 && !o.flag("verbose"):
		c.say("%s", p.Name)
	case o.flag("verbose"):
		c.say("%s - %s", title, p.Description)
	default:
		list("description", []string{p.Description})
		list("webpage", []string{p.URL})
	}
}

func (c *command) whoOwns(db *database) (int, error) {
	status := 0
	for _, path := range c.options.args {
		var owner *installed
		for _, p := range db.packages {
			if len(path) > 1 && files(p)[path[1:]] {
				owner = p
			}
		}
		if owner == nil {
			c.complain("ERROR", "%s: Could not find owner package", path)
			status++
			continue
		}
		c.say("%s is owned by %s-%s", path, owner.Name, owner.Version)
	}
	return status, nil
}
