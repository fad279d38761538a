#!/bin/sh
# The demonstration with Docker: see hack/demo.sh.
#
#   hack/demo-docker.sh SPEC
set -eu

spec=$1
frontend=autumnjolitz/distroless-frontend
name=distroless-demo
# The builder that finds the frontend's image where `docker build` puts it.
export BUILDX_BUILDER=default DOCKER_BUILDKIT=1

container=
work=$(mktemp -d)

clean_up() {
    [ -z "$container" ] || docker rm -f "$container" >/dev/null 2>&1 || :
    rm -rf "$work"
}

step() {
    printf '==> %s\n' "$*"
}

# build ARG…: docker build, with a line for each step that begins; all that it says only
# if it fails. On a terminal, docker's own display is as short.
build() {
    if [ -t 1 ]; then
        # shellcheck disable=SC2086 # a list of flags
        docker build ${DOCKER_BUILD_FLAGS-} "$@"
        return
    fi
    rm -f "$work/failed"
    # shellcheck disable=SC2086 # a list of flags
    { docker build --progress plain ${DOCKER_BUILD_FLAGS-} "$@" 2>&1 || touch "$work/failed"; } | show_steps
    [ ! -e "$work/failed" ] || {
        cat "$work/log" >&2
        exit 1
    }
}

show_steps() {
    : >"$work/log"
    seen='|'
    while IFS= read -r line; do
        printf '%s\n' "$line" >>"$work/log"
        step_name=${line#* }
        case $line in
        '#'*' [internal] '*) continue ;;
        '#'*' ['*) ;;
        *) continue ;;
        esac
        case $seen in
        *"|$step_name|"*) continue ;;
        esac
        seen="$seen$step_name|"
        printf '    %s\n' "$step_name"
    done
}

build_target() {
    step "building $spec into the image $name:$1"
    # shellcheck disable=SC2086 # a list of flags
    build ${SPEC_BUILD_FLAGS-} --target "$1" -t "$name:$1" -f "$spec" "$(dirname "$spec")"
}

inspect() {
    docker image inspect -f "$@"
}

# in_image IMAGE PROGRAM: run a Python program there.
in_image() {
    docker run --rm --entrypoint /usr/local/bin/python "$1" -I -c "$2"
}

# ask PORT: the container's first page, as soon as there is one. It is asked for from the
# container's own network, which is there wherever Docker has its networks.
ask() {
    tries=0
    until answer=$(docker run --rm --network "container:$container" --entrypoint /usr/local/bin/python "$base" -c \
        'import sys, urllib.request as r; print(r.urlopen(sys.argv[1], timeout=5).read().decode())' \
        "http://127.0.0.1:$1/" 2>/dev/null); do
        tries=$((tries + 1))
        [ "$tries" -lt 30 ] || {
            docker logs "$container" >&2
            echo "demo: the image does not answer at its port $1" >&2
            exit 1
        }
        sleep 0.2
    done
    printf '    %s\n' "$answer"
}

run_image() {
    step "running $name:final"
    # shellcheck disable=SC2016 # Go's variable, not ours
    port=$(inspect '{{range $port, $_ := .Config.ExposedPorts}}{{println $port}}{{end}}' "$name:final" | sed -n '1s,/.*,,p')
    if [ -z "$port" ]; then
        docker run --rm "$name:final" </dev/null
        return
    fi
    container=$(docker run -d "$name:final")
    ask "$port"
}

# measure_pulls: what a pull of each image transfers, more or less. By xargs and not in the
# background, where Ctrl-C does not reach.
measure_pulls() {
    # shellcheck disable=SC2016 # the inner shell's variables
    printf '%s %s\n' base "$base" final "$name:final" buildroot "$name:buildroot" |
        xargs -P 3 -L 1 sh -c 'docker save "$3" | gzip -6 | wc -c >"$1/$2"' sh "$work"
}

count_packages='
import glob
print(sum(line.startswith("P:") for line in open("/lib/apk/db/installed"))
      + len(glob.glob("/usr/local/lib/python3*/site-packages/*.dist-info/METADATA")))'

row() {
    disk=$(inspect '{{.Size}}' "$2")
    layers=$(inspect '{{len .RootFS.Layers}}' "$2")
    packages=$(in_image "$2" "$count_packages")
    before=$(date +%s%N)
    in_image "$2" pass
    after=$(date +%s%N)
    awk -v n="$1" -v d="$disk" -v p="$(cat "$work/$1")" -v l="$layers" -v k="$packages" -v t="$((after - before))" \
        'BEGIN { printf "%11s %7.1f MB %8.1f MiB %7d %9d %6d ms\n", n, d / 1e6, p / 1048576, l, k, t / 1e6 }'
}

print_table() {
    step "comparing the images"
    measure_pulls
    printf '%11s %10s %12s %7s %9s %9s\n' image 'on disk' pulled layers packages start-up
    row base "$base"
    row final "$name:final"
    row buildroot "$name:buildroot"
}

trap clean_up EXIT
trap 'exit 130' INT TERM
step "building the frontend's image with this machine's Docker"
build -t "$frontend" -f Dockerfile.frontend .
build_target final
build_target buildroot
base=$(inspect '{{index .Config.Labels "distroless.base-image"}}' "$name:final")
docker image inspect "$base" >/dev/null 2>&1 || docker pull -q "$base" >/dev/null
run_image
print_table
cat <<EOF

The images are $name:final and $name:buildroot. Next:
  edit $spec and run this again: only what depends on the change is built
  docker run --rm -P $name:final
  make demo SPEC=path/to/your/spec   the same for a spec of your own
EOF
