package frontend_test

import (
	"runtime"
	"testing"

	"github.com/autumnjolitz/distroless-frontend/internal/testenv"
)

// heap returns the bytes in use on the heap of this process, which the frontend runs in.
func heap() uint64 {
	runtime.GC()
	var stats runtime.MemStats
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

// cacheSize returns the bytes that a daemon keeps.
func cacheSize(t *testing.T, daemon *testenv.Daemon) (int64, error) {
	t.Helper()
	c, err := daemon.Client(t.Context())
	if err != nil {
		return 0, err
	}
	defer c.Close()
	records, err := c.DiskUsage(t.Context())
	if err != nil {
		return 0, err
	}
	var size int64
	for _, record := range records {
		size += record.Size
	}
	return size, nil
}
