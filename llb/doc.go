// Package llb turns a spec and the base image it resolved to into a BuildKit graph.
//
// It asks nothing of a daemon, so that every graph can be made, marshalled and compared in
// a unit test: what the daemon can do and what the client said arrives in Options.
package llb
