#!/bin/sh
# Show the main job: build the frontend, an example with it, run that, compare.
#
#   hack/demo.sh [SPEC]
#
# With a Docker that works, that does it all: DOCKER_BUILD_FLAGS are more flags for each
# `docker build`, and SPEC_BUILD_FLAGS for those of the spec, such as name a mirror. Without,
# a BuildKit daemon of our own does, for which only Go and a few packages of the system are
# needed.
set -eu

cd "$(dirname "$0")/.."
spec=${1:-examples/simple-flask/Dockerfile}
[ ! -d "$spec" ] || spec=$spec/Dockerfile
[ -f "$spec" ] || {
    echo "demo: no file $spec: make demo SPEC=path/to/a/spec" >&2
    exit 1
}

docker_works() {
    docker info >/dev/null 2>&1 && docker buildx version >/dev/null 2>&1
}

if docker_works; then
    exec hack/demo-docker.sh "$spec"
fi
hack/setup.sh
# Not by `go run`, which does not pass a SIGTERM on.
go build -o out/demo/demo ./hack/demo
exec hack/as-root.sh out/demo/demo -spec "$spec"
