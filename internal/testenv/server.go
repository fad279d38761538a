package testenv

import (
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"
)

// server is an HTTP server on a loopback port of the kernel's choice.
type server struct {
	host string
	http *http.Server
	done chan error
}

func startServer(handler http.Handler) (*server, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, fmt.Errorf("listening on loopback: %w", err)
	}
	s := &server{
		host: listener.Addr().String(),
		http: &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute},
		done: make(chan error, 1),
	}
	go func() { s.done <- s.http.Serve(listener) }()
	return s, nil
}

// Close drops open connections as well: who still talks to a server of a test that
// is over has no claim to an answer.
func (s *server) Close() error {
	if s.done == nil {
		return nil
	}
	err := s.http.Close()
	if served := <-s.done; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	s.done = nil
	return err
}
