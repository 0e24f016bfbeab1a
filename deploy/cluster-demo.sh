#!/usr/bin/env bash
# The main job in five processes: two origins, the services, two workers, each with a folder of its
# own and told only what it needs. Run it by `make cluster-demo`: the servers' settings come in the
# environment (`with-servers --cluster`).   deploy/cluster-demo.sh [VIDEO]
#   KINORA_CLUSTER_DIR    where everything lies (data/cluster)
#   KINORA_CLUSTER_PORTS  of the gateway and both origins (8080 8081 8082); 0 takes a free one
set -euo pipefail
cd "$(dirname "$0")/.."
video=${1:-}
bin=${CARGO_TARGET_DIR:-target}/debug
base=${KINORA_CLUSTER_DIR:-data/cluster}
read -r gateway_port first_port second_port <<<"${KINORA_CLUSTER_PORTS:-8080 8081 8082}"
unset KINORA_CLUSTER_DIR KINORA_CLUSTER_PORTS

if [ -z "${KINORA_QUEUE_URL:-}" ]; then
    echo "cluster-demo: start it by make cluster-demo" >&2
    exit 2
fi
if [ -n "$video" ] && [ ! -f "$video" ]; then
    echo "cluster-demo: there is no file '$video'" >&2
    exit 2
fi
# The servers begin empty, and so does what belongs to them.
rm -rf "$base"
mkdir -p "$base"
if [ -z "$video" ]; then
    video=$base/clip.mp4
    echo "Making a 30 s clip with a burnt-in timecode, flashes and beeps …" >&2
    "$bin/kinora-encoder" sample --seconds 30 --output "$video"
fi
key=$base/playback.key
(umask 077 && head -c 32 /dev/urandom | base64 >"$key")

processes=()
stop() {
    trap - INT TERM EXIT
    kill -TERM "${processes[@]}" 2>/dev/null || true
    wait || true
}
trap 'stop; exit 0' INT TERM
trap stop EXIT

# start NAME ROLES [VARIABLE=VALUE | -u VARIABLE]…: waits until the process is up.
start() {
    local name=$1 roles=$2 folder=$base/$1
    shift 2
    mkdir -p "$folder"
    env "$@" KINORA_DATA_DIR="$folder" "$bin/kinorad" serve --roles "$roles" >"$folder/log" 2>&1 &
    processes+=($!)
    for _ in $(seq 300); do
        [ -e "$folder/kinorad.json" ] && return
        if ! kill -0 "${processes[-1]}" 2>/dev/null; then
            echo "cluster-demo: $name did not start:" >&2
            tail -5 "$folder/log" >&2
            exit 1
        fi
        sleep 0.1
    done
    echo "cluster-demo: $name is not up after 30 s; see $folder/log" >&2
    exit 1
}

# address NAME KEY: what a process announced.
address() {
    sed -n "s/.*\"$2\": \"\(.*\)\".*/\1/p" "$base/$1/kinorad.json"
}

for origin in "origin-1 $first_port" "origin-2 $second_port"; do
    start "${origin% *}" origin -u KINORA_DATABASE_URL -u KINORA_QUEUE_URL \
        KINORA_PLAYBACK_KEY_FILE="$key" KINORA_ORIGIN_LISTEN="127.0.0.1:${origin#* }"
done
start services gateway,catalogue-command,catalogue-query,transcoding \
    KINORA_PLAYBACK_KEY_FILE="$key" KINORA_SERVER_LISTEN="127.0.0.1:$gateway_port" \
    KINORA_ORIGIN_PUBLIC_URL="$(address origin-1 origin)" KINORA_TRANSCODING_MAX_IN_FLIGHT=4
for worker in worker-1 worker-2; do
    start "$worker" worker -u KINORA_DATABASE_URL KINORA_WORKER_NAME="$worker" KINORA_WORKER_SLOTS=1
done

KINORA_SERVER=$(address services gateway)
KINORA_API_KEY=$(cat "$base/services/admin.key")
export KINORA_SERVER KINORA_API_KEY
"$bin/kinora" upload "$video" --public --wait=playable >/dev/null
echo >&2
echo "Five processes are running; their logs are $base/*/log. The second origin, $(address origin-2 origin)," >&2
echo "serves the same films under the same tokens. Press Ctrl-C to stop." >&2
wait "${processes[@]}"
