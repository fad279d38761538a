package main

import (
	"cmp"
	"strings"
)

// compareVersions orders tags as versions: runs of digits as numbers, all else as text, so
// that 3.9 < 3.14 < 3.14.1 and 3.14-alpine3.9 < 3.14-alpine3.20 < 3.14-alpine3.20-buildroot.
func compareVersions(a, b string) int {
	for a != "" && b != "" {
		var left, right string
		left, a = nextRun(a)
		right, b = nextRun(b)
		if c := compareRuns(left, right); c != 0 {
			return c
		}
	}
	return cmp.Compare(len(a), len(b))
}

// nextRun cuts off the digits, or the text up to the next digit, that a string begins with.
func nextRun(s string) (run, rest string) {
	end := strings.IndexFunc(s, func(r rune) bool { return isDigit(byte(r)) != isDigit(s[0]) })
	if end < 0 {
		return s, ""
	}
	return s[:end], s[end:]
}

func isDigit(b byte) bool { return '0' <= b && b <= '9' }

func compareRuns(a, b string) int {
	if isDigit(a[0]) && isDigit(b[0]) {
		a, b = strings.TrimLeft(a, "0"), strings.TrimLeft(b, "0")
		return cmp.Or(cmp.Compare(len(a), len(b)), cmp.Compare(a, b))
	}
	return cmp.Compare(a, b)
}
