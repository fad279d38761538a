package main

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// memoryPoll is how often a process is looked at. The kernel keeps the peak, so only the
// last moments of a process can be missed.
const memoryPoll = 5 * time.Millisecond

// A memoryWatch follows the peak memory of processes.
type memoryWatch struct {
	end  chan struct{}
	peak chan int64
}

// watchMemory watches all processes below this one that run the binary.
func watchMemory(binary string) *memoryWatch {
	w := &memoryWatch{end: make(chan struct{}), peak: make(chan int64)}
	go func() {
		var peak int64
		for {
			peak = max(peak, peakMemory(binary))
			select {
			case <-w.end:
				w.peak <- peak
				return
			case <-time.After(memoryPoll):
			}
		}
	}()
	return w
}

// stop ends the watch and returns the peak in bytes; 0 if no process was seen.
func (w *memoryWatch) stop() int64 {
	close(w.end)
	return <-w.peak
}

// peakMemory returns the largest peak of the processes that run the binary right now.
func peakMemory(binary string) int64 {
	executables, err := filepath.Glob("/proc/[0-9]*/exe")
	if err != nil {
		panic(err) // of the pattern
	}
	var peak int64
	for _, link := range executables {
		// Processes come and go: what cannot be read is gone.
		target, err := os.Readlink(link)
		if err != nil || target != binary {
			continue
		}
		pid, err := strconv.Atoi(filepath.Base(filepath.Dir(link)))
		if err != nil || !isBelow(pid, os.Getpid()) {
			continue
		}
		status, _ := statusOf(pid)
		peak = max(peak, kilobytes(status["VmHWM"]))
	}
	return peak
}

// isBelow tells whether the process descends from the other.
func isBelow(pid, ancestor int) bool {
	for pid > 1 {
		if pid == ancestor {
			return true
		}
		status, err := statusOf(pid)
		if err != nil {
			return false
		}
		if pid, err = strconv.Atoi(status["PPid"]); err != nil {
			return false
		}
	}
	return false
}

// statusOf reads the kernel's account of a process.
func statusOf(pid int) (map[string]string, error) {
	data, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return nil, err
	}
	status := map[string]string{}
	for line := range bytes.Lines(data) {
		if name, value, ok := strings.Cut(string(line), ":"); ok {
			status[name] = strings.TrimSpace(value)
		}
	}
	return status, nil
}

// kilobytes reads "123 kB" as bytes.
func kilobytes(value string) int64 {
	number, _, _ := strings.Cut(value, " ")
	n, err := strconv.ParseInt(number, 10, 64)
	if err != nil {
		return 0
	}
	return n * 1024
}
