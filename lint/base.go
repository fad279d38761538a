package lint

import (
	"fmt"
	"regexp"

	"github.com/distribution/reference"
)

// The releases that get no more security fixes, and the month in which they had the last. The
// tables are those of a release of this program, so that it finds the same at any time.
var (
	// https://devguide.python.org/versions/, as of November 2026
	endOfPython = map[string]string{
		"3.6": "2021-12", "3.7": "2023-06", "3.8": "2024-10", "3.9": "2025-10", "3.10": "2026-10",
	}
	// https://alpinelinux.org/releases/, as of November 2026. The releases from 3.20 on are not
	// here as long as 3.20, which had its last fixes in April 2026, is what this program is
	// tested with.
	endOfAlpine = map[string]string{
		"3.4": "2018-05", "3.5": "2018-11", "3.6": "2019-05", "3.7": "2019-11",
		"3.8": "2020-05", "3.9": "2020-11", "3.10": "2021-05", "3.11": "2021-11",
		"3.12": "2022-05", "3.13": "2022-11", "3.14": "2023-05", "3.15": "2023-11",
		"3.16": "2024-05", "3.17": "2024-11", "3.18": "2025-05", "3.19": "2025-11",
	}
)

// officialTag finds the versions in a reference such as python:3.13.1-alpine3.20.
var officialTag = regexp.MustCompile(`(?:^|/)python:(\d+\.\d+)[^/@]*-alpine(\d+\.\d+)(?:@|$)`)

func endOfLifePython(in Input) []finding {
	path, python := "python", in.Spec.Python
	if in.Spec.Base != "" {
		path, python, _ = versionsOf(in.Spec.Base)
	}
	release := majorMinor.FindString(python)
	if month, ended := endOfPython[release]; ended {
		return []finding{{path, fmt.Sprintf("Python %s has had no security fixes since %s", release, month)}}
	}
	return nil
}

func endOfLifeAlpine(in Input) []finding {
	path, alpine := "alpine", in.Spec.Alpine
	if in.Spec.Base != "" {
		path, _, alpine = versionsOf(in.Spec.Base)
	}
	if month, ended := endOfAlpine[alpine]; ended {
		return []finding{{path, fmt.Sprintf("Alpine %s has had no security fixes since %s", alpine, month)}}
	}
	return nil
}

var majorMinor = regexp.MustCompile(`^\d+\.\d+`)

func versionsOf(base string) (path, python, alpine string) {
	if match := officialTag.FindStringSubmatch(base); match != nil {
		return "base", match[1], match[2]
	}
	return "base", "", ""
}

func unpinnedBase(in Input) []finding {
	if in.Spec.Base == "" {
		return nil
	}
	named, err := reference.ParseNormalizedNamed(in.Spec.Base)
	if err != nil {
		return nil // parsing the spec has refused it
	}
	tagged, hasTag := named.(reference.Tagged)
	_, hasDigest := named.(reference.Digested)
	if hasDigest || hasTag && tagged.Tag() != "latest" {
		return nil
	}
	return []finding{{"base", fmt.Sprintf("%s is whatever image was pushed last: give a tag such as 3.13-alpine3.20, or a digest", in.Spec.Base)}}
}
