package llb

// foreign says whether the image is for another architecture than ops execute on: then
// nothing of its base may be executed, unless it is Emulated.
func (g *Graph) foreign() bool {
	built, target := g.BuildBase.Platform, g.Base.Platform
	return built.OS != target.OS || built.Architecture != target.Architecture
}
