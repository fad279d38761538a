package spec

import "testing"

func FuzzParse(f *testing.F) {
	for _, dir := range []string{"valid", "invalid"} {
		for _, file := range testdata(f, dir) {
			f.Add(read(f, file))
		}
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		s, err := Parse("Dockerfile", data)
		if err != nil {
			requireLocation(t, "Dockerfile", data, err)
			return
		}
		for path := range s.locations {
			for _, r := range s.Location(path) {
				requireWithin(t, data, r)
			}
		}
		for _, r := range s.Location("") {
			requireWithin(t, data, r)
		}
	})
}
