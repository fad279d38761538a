#!/bin/sh
# Run the linters there are; end with what ran and what did not, and why.
set -eu

cd "$(dirname "$0")/.."

ran=
skipped=
failed=

# check NAME CMD…: run a linter that prints nothing when all is well.
check() {
    name=$1
    shift
    if "$@"; then
        ran="$ran $name"
    else
        failed="$failed $name"
    fi
}

skip() {
    skipped="$skipped
  $1: $2"
}

# files PATTERN…: those of the repository, committed or about to be.
files() {
    if git rev-parse --git-dir >/dev/null 2>&1; then
        git ls-files --cached --others --exclude-standard -- "$@" | while read -r file; do
            [ ! -f "$file" ] || echo "$file"
        done
    else
        for pattern; do
            find . -path ./out -prune -o -type f -path "./$pattern" -print
        done
    fi
}

gofmt_clean() {
    badly=$(files '*.go' | xargs gofmt -l)
    [ -z "$badly" ] || {
        echo "not formatted by gofmt:"
        echo "$badly"
        return 1
    }
}

# shell_scripts: by name or, where files have no suffix, by first line.
shell_scripts() {
    files '*.sh'
    files '.ci/*' 'llb/scripts/*' 'examples/*' 'hack/*' | while read -r file; do
        case ${file##*/} in
        *.*) continue ;;
        esac
        case $(head -c 64 "$file" | tr -d '\0' | head -n 1) in
        '#!'*/sh | '#!'*/dash | '#!'*[/\ ]bash) echo "$file" ;;
        esac
    done
}

# in_modules CMD…: run it in the main module and in hack/catalogue.
in_modules() {
    "$@" && (cd hack/catalogue && "$@")
}

check gofmt gofmt_clean
check vet in_modules go vet ./...

if [ -x out/bin/staticcheck ]; then
    check staticcheck in_modules "$PWD/out/bin/staticcheck" ./...
else
    skip staticcheck "no out/bin/staticcheck: run \`make setup\`"
fi

scripts=$(shell_scripts)
if [ -z "$scripts" ]; then
    skip shellcheck "no shell scripts"
elif command -v shellcheck >/dev/null 2>&1; then
    # shellcheck disable=SC2086 # a list of words
    check shellcheck shellcheck --external-sources --source-path=SCRIPTDIR $scripts
else
    skip shellcheck "it is not on PATH: run \`make setup\`"
fi

if [ -x out/bin/actionlint ]; then
    # shellcheck disable=SC2046 # a list of words
    check actionlint out/bin/actionlint $(files '.github/workflows/*.yml' 'examples/*/.github/workflows/*.yml')
else
    skip actionlint "no out/bin/actionlint: run \`make setup\`"
fi

echo "lint: ran:${ran:- none}"
[ -z "$skipped" ] || echo "lint: skipped:$skipped"
[ -z "$failed" ] || {
    echo "lint: failed:$failed"
    exit 1
}
