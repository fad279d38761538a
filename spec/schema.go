package spec

import (
	_ "embed"
	"regexp"
)

//go:embed schema.json
var schema []byte

// Schema returns the JSON Schema of a spec, for editors. hack/specdoc writes it from the types
// of this package. https://json-schema.org/draft-07
func Schema() []byte { return schema }

// Patterns returns the regular expressions of the strings that have to match one, by the paths
// of their keys; a list's path, followed by [], is that of its items. They are ECMAScript's,
// as JSON Schema's have to be, as well as Go's.
func Patterns() map[string]*regexp.Regexp {
	return map[string]*regexp.Regexp{
		"python":              pythonVersion,
		"alpine":              alpineVersion,
		"packages[]":          apkPackage,
		"apk.build[]":         apkPackage,
		"stdlib.include[]":    moduleName,
		"stdlib.exclude[]":    moduleName,
		"trim.keep[]":         moduleName,
		"pip.trusted-hosts[]": trustedHost,
		"files[].chown":       owner,
		"user":                owner,
		"users[].name":        userName,
		"users[].group":       userName,
		"writable[].owner":    owner,
		"tests[].user":        owner,
		"healthcheck.http":    probeHTTP,
		"healthcheck.status":  statusRange,
		"tests[].status":      statusRange,
		"healthcheck.tcp":     probePort,

		"pip.credentials[].host":            trustedHost,
		"pip.credentials[].username-secret": secretID,
		"pip.credentials[].password-secret": secretID,
		"pip.credentials[].token-secret":    secretID,
		"pip.client-cert-secret":            secretID,
	}
}
