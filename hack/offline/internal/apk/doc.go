// Package apk is the part of Alpine's package manager that a build of the
// frontend uses: verbs, options, messages, exit status and database are those of
// apk-tools 2.14. Indexes, signatures, package files and dependencies are left to
// go-apk; what it does not do (scripts, triggers, removal, changes to a root that
// exists) is here.
package apk
