#!/bin/sh
# Show the main job: build the frontend, an example with it, run that, compare.
#
#   hack/demo.sh [SPEC]
#
# With a Docker that works, that does it all. Without, a BuildKit daemon of our
# own does, for which only Go and a few packages of the system are needed.
set -eu

cd "$(dirname "$0")/.."
spec=${1:-examples/simple-flask/Dockerfile}
[ ! -d "$spec" ] || spec=$spec/Dockerfile
frontend=autumnjolitz/distroless-frontend
name=distroless-demo
# The builder that finds the frontend's image where `docker build` puts it.
export BUILDX_BUILDER=default

step() {
    printf '==> %s\n' "$*"
}

docker_works() {
    docker info >/dev/null 2>&1 && docker buildx version >/dev/null 2>&1
}

remove_container() {
    [ -z "${container-}" ] || docker rm -f "$container" >/dev/null 2>&1 || :
}

build() {
    step "building $spec into the image $name:$1"
    docker build -q --target "$1" -t "$name:$1" -f "$spec" "$(dirname "$spec")" >/dev/null
}

# ask: the container's first page, as soon as there is one.
ask() {
    address=$(docker port "$container" | sed -n '1s/.*-> //p')
    tries=0
    until answer=$(docker run --rm --network host "$base" python -c \
        'import sys, urllib.request as r; print(r.urlopen(sys.argv[1], timeout=5).read().decode())' \
        "http://$address/" 2>/dev/null); do
        tries=$((tries + 1))
        [ "$tries" -lt 30 ] || {
            docker logs "$container"
            echo "demo: the image does not answer at $address" >&2
            exit 1
        }
        sleep 0.2
    done
    printf '    %s\n' "$answer"
}

row() {
    disk=$(docker image inspect -f '{{.Size}}' "$2")
    layers=$(docker image inspect -f '{{len .RootFS.Layers}}' "$2")
    pulled=$(docker save "$2" | gzip -6 | wc -c)
    before=$(date +%s%N)
    docker run --rm --entrypoint /usr/local/bin/python "$2" -I -c pass
    after=$(date +%s%N)
    awk -v n="$1" -v d="$disk" -v p="$pulled" -v l="$layers" -v t="$((after - before))" \
        'BEGIN { printf "%12s %8.1f MB %8.1f MiB %8d %8d ms\n", n, d / 1e6, p / 1048576, l, t / 1e6 }'
}

with_docker() {
    trap remove_container EXIT
    trap 'exit 130' INT TERM
    step "building the frontend's image"
    docker build -q -t "$frontend" -f Dockerfile.frontend . >/dev/null
    build final
    build buildroot
    base=$(docker image inspect -f '{{index .Config.Labels "distroless.base-image"}}' "$name:final")
    docker image inspect "$base" >/dev/null 2>&1 || docker pull -q "$base" >/dev/null
    step "running $name:final"
    if [ "$(docker image inspect -f '{{len .Config.ExposedPorts}}' "$name:final")" -gt 0 ]; then
        container=$(docker run -d -P "$name:final")
        ask
    else
        docker run --rm "$name:final" </dev/null
    fi
    printf '%12s %11s %12s %8s %11s\n' image 'on disk' pulled layers start-up
    row base "$base"
    row final "$name:final"
    row buildroot "$name:buildroot"
    printf '\nThe images are %s:final and %s:buildroot. Next:\n  docker run --rm -P %s:final\n  make demo SPEC=path/to/your/spec\n' "$name" "$name" "$name"
}

if docker_works; then
    step "this machine's Docker builds"
    with_docker
else
    hack/setup.sh
    # Not by `go run`, which does not pass a SIGTERM on.
    go build -o out/demo/demo ./hack/demo
    exec hack/as-root.sh out/demo/demo -spec "$spec"
fi
