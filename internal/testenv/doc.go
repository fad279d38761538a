// Package testenv starts what the integration tests build against and asserts
// on what they built: a BuildKit daemon, a registry that holds the base image, a
// server for packages and wheels, and containers that run the result.
//
// Everything listens on loopback at a port the kernel picks and keeps its state
// below one temporary directory, so any number of environments can be up at once.
// Closing an environment stops exactly what it started.
//
// Tests of one package usually share an environment:
//
//	var shared testenv.Shared
//
//	func TestMain(m *testing.M) { os.Exit(shared.Main(m)) }
//
//	func TestIntegrationVersion(t *testing.T) {
//		env := shared.Env(t) // skips, with the reason, when there is nothing to test on
//		res, err := env.Build(t.Context(), testenv.BuildRequest{Dir: "testdata", Frontend: frontend.Build})
//		require.NoError(t, err, testenv.SourceExcerpt(err))
//		out, err := res.Image.Run(t.Context(), testenv.RunOptions{Args: []string{"--version"}})
//		require.NoError(t, err)
//		require.Equal(t, "Python 3.13.5\n", out.Stdout)
//	}
package testenv
