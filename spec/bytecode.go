package spec

// Bytecode says what becomes of the Python sources of the application and of what pip installs.
type Bytecode struct {
	// Optimize is how often the interpreter is given -O: 0, 1 or 2.
	Optimize int `yaml:"optimize" doc:"Level of the bytecode: 0, 1 without assert statements, or 2 without docstrings as well." example:"2"`
	// Sources is empty or SourcesKeep for the default.
	Sources Sources `yaml:"sources" doc:"Whether sources stay in the image beside their bytecode." enum:"keep,drop" example:"drop"`
}

// Sources is what becomes of sources once they are compiled.
type Sources string

// What can become of sources.
const (
	SourcesKeep Sources = "keep"
	SourcesDrop Sources = "drop"
)

func (s *Spec) validateBytecode() error {
	if level := s.Bytecode.Optimize; level < 0 || level > 2 {
		return s.errorf("bytecode.optimize", "there is no level %d: expected 0, 1 (without assert) or 2 (without docstrings as well)", level)
	}
	return nil
}
