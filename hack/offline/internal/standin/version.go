package standin

import (
	"regexp"
	"strings"
)

var (
	upstreamPattern = regexp.MustCompile(`^\d+(\.\d+)*[a-z]?`)
	numberPattern   = regexp.MustCompile(`\d+`)
)

// apkVersion turns a Debian version into one that apk can read:
// "1:1.3.dfsg+really1.3.1-1+b1" into "1.3.1-r1".
func apkVersion(debian string) string {
	version := upstreamVersion(debian)
	revision := "0"
	if i := strings.LastIndex(debian, "-"); i >= 0 {
		if number := numberPattern.FindString(debian[i:]); number != "" {
			revision = number
		}
	}
	return version + "-r" + revision
}

// upstreamVersion is the part of a Debian version that its upstream gave.
func upstreamVersion(debian string) string {
	if _, after, ok := strings.Cut(debian, ":"); ok {
		debian = after
	}
	if i := strings.LastIndex(debian, "-"); i >= 0 {
		debian = debian[:i]
	}
	if _, after, ok := strings.Cut(debian, "+really"); ok {
		debian = after
	}
	if version := upstreamPattern.FindString(debian); version != "" {
		return version
	}
	return "0"
}
