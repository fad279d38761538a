package testenv

import (
	"bytes"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Request is one request a server of the environment answered.
type Request struct {
	Time   time.Time
	Method string
	Path   string
	Status int
	Bytes  int64
}

// Fault is a way for a server to fail.
type Fault int

const (
	// FaultError answers 500.
	FaultError Fault = iota + 1
	// FaultTruncate announces the whole body, sends half of it and hangs up.
	FaultTruncate
	// FaultCorrupt flips the bits of the byte in the middle of the body.
	FaultCorrupt
)

// Recorder wraps a server: it logs the requests and breaks the answers to some.
// The zero value is ready for use.
type Recorder struct {
	mu       sync.Mutex
	requests []Request
	faults   []pathFault
	serving  int        // requests that are being answered
	answered *sync.Cond // of mu, once there is a request: one of them was
}

type pathFault struct {
	substring string
	fault     Fault
	times     int
}

// Requests returns the requests so far whose path contains substring. A client can have the
// whole answer before the server is done with it, so it waits for those being answered.
func (r *Recorder) Requests(substring string) []Request {
	r.mu.Lock()
	defer r.mu.Unlock()
	for r.serving > 0 {
		r.answered.Wait()
	}
	return slices.DeleteFunc(slices.Clone(r.requests), func(q Request) bool {
		return !strings.Contains(q.Path, substring)
	})
}

// ResetRequests forgets the requests so far.
func (r *Recorder) ResetRequests() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.requests = nil
}

// Fail makes the next answers (all of them when times is 0) to GETs of paths that
// contain substring fail. The function it returns ends that.
func (r *Recorder) Fail(substring string, fault Fault, times int) (restore func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if times == 0 {
		times = -1
	}
	r.faults = append(r.faults, pathFault{substring, fault, times})
	return func() {
		r.mu.Lock()
		defer r.mu.Unlock()
		r.faults = slices.DeleteFunc(r.faults, func(f pathFault) bool {
			return f.substring == substring && f.fault == fault
		})
	}
}

// takeFault returns the fault for this request, 0 for none, and counts it.
func (r *Recorder) takeFault(req *http.Request) Fault {
	r.mu.Lock()
	defer r.mu.Unlock()
	if req.Method != http.MethodGet {
		return 0
	}
	for i := range r.faults {
		f := &r.faults[i]
		if f.times == 0 || !strings.Contains(req.URL.Path, f.substring) {
			continue
		}
		if f.times > 0 {
			f.times--
		}
		return f.fault
	}
	return 0
}

// wrap returns next with the recorder in front.
func (r *Recorder) wrap(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, req *http.Request) {
		r.begin()
		rec := &recordedWriter{ResponseWriter: w, fault: r.takeFault(req)}
		defer r.record(req, rec, time.Now())
		if rec.fault == FaultError {
			http.Error(rec, "fault asked for by a test", http.StatusInternalServerError)
			return
		}
		next.ServeHTTP(rec, req)
	})
}

func (r *Recorder) begin() {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.answered == nil {
		r.answered = sync.NewCond(&r.mu)
	}
	r.serving++
}

func (r *Recorder) record(req *http.Request, rec *recordedWriter, start time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.requests = append(r.requests, Request{
		Time:   start,
		Method: req.Method,
		Path:   req.URL.Path,
		Status: rec.status,
		Bytes:  rec.written,
	})
	r.serving--
	r.answered.Broadcast()
}

// recordedWriter counts what is sent and damages it if asked to.
type recordedWriter struct {
	http.ResponseWriter
	fault   Fault
	status  int
	written int64
	middle  int64
}

func (w *recordedWriter) WriteHeader(status int) {
	w.status = status
	size, err := strconv.ParseInt(w.Header().Get("Content-Length"), 10, 64)
	if err == nil {
		w.middle = size / 2
	}
	w.ResponseWriter.WriteHeader(status)
}

func (w *recordedWriter) Write(p []byte) (int, error) {
	if w.status == 0 {
		w.WriteHeader(http.StatusOK)
	}
	at := w.middle - w.written
	inside := at >= 0 && at < int64(len(p))
	switch {
	case inside && w.fault == FaultTruncate:
		n, _ := w.ResponseWriter.Write(p[:at])
		w.written += int64(n)
		panic(http.ErrAbortHandler)
	case inside && w.fault == FaultCorrupt:
		p = bytes.Clone(p)
		p[at] ^= 0xff
	}
	n, err := w.ResponseWriter.Write(p)
	w.written += int64(n)
	return n, err
}
