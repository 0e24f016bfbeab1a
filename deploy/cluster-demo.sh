#!/usr/bin/env bash
# The main job in seven processes: two origins, the catalogue, transcoding, the gateway, two workers,
# each with a folder of its own and told only what it needs; one worker as if on another host, where
# this one lets us (network namespaces). Run it by `make cluster-demo`: the servers' settings come in
# the environment (`with-servers --cluster`).   deploy/cluster-demo.sh [VIDEO]
#   KINORA_CLUSTER_DIR    where everything lies (data/cluster)
#   KINORA_CLUSTER_PORTS  of gateway, both origins, catalogue and transcoding (8080 8081 8082 8090
#                         8091); 0 takes a free one, but for the gateway
set -euo pipefail
cd "$(dirname "$0")/.."
video=${1:-}
bin=${CARGO_TARGET_DIR:-target}/debug
base=${KINORA_CLUSTER_DIR:-data/cluster}
read -r gateway_port first_port second_port catalogue_port transcoding_port \
    <<<"${KINORA_CLUSTER_PORTS:-8080 8081 8082 8090 8091}"
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
# What services and origins share, and what the gateway and the services share.
playback_key=$base/playback.key services_key=$base/services.key
for key in "$playback_key" "$services_key"; do
    (umask 077 && head -c 32 /dev/urandom | base64 >"$key")
done

processes=() elsewhere=()
stop() {
    trap - INT TERM EXIT
    kill -TERM "${processes[@]}" 2>/dev/null || true
    wait || true
    if [ -n "${namespace:-}" ]; then
        ip netns delete "$namespace" 2>/dev/null || true
        ip link delete "$here" 2>/dev/null || true
    fi
}
trap 'stop; exit 0' INT TERM
trap stop EXIT

# start NAME ROLES [VARIABLE=VALUE | -u VARIABLE]…: waits until the process is up. What is before
# `env` runs it elsewhere.
start() {
    local name=$1 roles=$2 folder=$base/$1
    shift 2
    mkdir -p "$folder"
    "${elsewhere[@]}" env "$@" KINORA_DATA_DIR="$folder" "$bin/kinorad" serve --roles "$roles" >"$folder/log" 2>&1 &
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

# Another host: a network of its own, from which it reaches the broker and the bucket and nothing else.
# `servers` is the address of both there.
another_host() {
    namespace=kinora-$$ here=kin$$h there=kin$$t servers=10.249.$((RANDOM % 254 + 1)).1
    ip netns add "$namespace" 2>/dev/null || { namespace=; return 1; }
    ip link add "$here" type veth peer name "$there" netns "$namespace" 2>/dev/null &&
        ip address add "$servers/30" dev "$here" && ip link set "$here" up &&
        ip -n "$namespace" address add "${servers%.1}.2/30" dev "$there" &&
        ip -n "$namespace" link set "$there" up || return 1
    local port
    for port in "$@"; do
        socat "TCP-LISTEN:$port,bind=$servers,fork,reuseaddr" "TCP:127.0.0.1:$port" &
        processes+=($!)
    done
}

not_told_of() {
    printf -- '-u KINORA_%s ' "$@"
}
# What only those who have jobs, objects or tables are told.
no_database=$(not_told_of DATABASE_URL)
no_broker=$(not_told_of QUEUE_URL)
no_store=$(not_told_of STORE_URL STORE_ENDPOINT STORE_ACCESS_KEY_ID STORE_SECRET_ACCESS_KEY)

for origin in "origin-1 $first_port" "origin-2 $second_port"; do
    start "${origin% *}" origin $no_database $no_broker \
        KINORA_PLAYBACK_KEY_FILE="$playback_key" KINORA_ORIGIN_LISTEN="127.0.0.1:${origin#* }"
done
public=http://127.0.0.1:$gateway_port media=$(address origin-1 origin)
start catalogue catalogue-command,catalogue-query KINORA_SERVICES_KEY_FILE="$services_key" \
    KINORA_PLAYBACK_KEY_FILE="$playback_key" KINORA_SERVICES_LISTEN="127.0.0.1:$catalogue_port" \
    KINORA_SERVER_PUBLIC_URL="$public" KINORA_ORIGIN_PUBLIC_URL="$media"
start transcoding transcoding KINORA_SERVICES_KEY_FILE="$services_key" \
    KINORA_PLAYBACK_KEY_FILE="$playback_key" KINORA_SERVICES_LISTEN="127.0.0.1:$transcoding_port" \
    KINORA_TRANSCODING_MAX_IN_FLIGHT=4
start gateway gateway $no_database $no_broker $no_store KINORA_SERVICES_KEY_FILE="$services_key" \
    KINORA_SERVER_LISTEN="127.0.0.1:$gateway_port" KINORA_ORIGIN_PUBLIC_URL="$media" \
    KINORA_SERVICES_CATALOGUE_URL="$(address catalogue services)" \
    KINORA_SERVICES_TRANSCODING_URL="$(address transcoding services)"

broker_port=${KINORA_QUEUE_URL#*@*:} store_port=${KINORA_STORE_ENDPOINT##*:}
broker_port=${broker_port%%/*}
start worker-1 worker $no_database KINORA_WORKER_NAME=worker-1 KINORA_WORKER_SLOTS=1
where="on this host: it has no other network to give"
if another_host "$broker_port" "$store_port"; then
    where="in a network of its own, where it reaches the broker and the bucket alone"
    elsewhere=(ip netns exec "$namespace")
    KINORA_QUEUE_URL=${KINORA_QUEUE_URL/127.0.0.1/$servers}
    KINORA_STORE_ENDPOINT=${KINORA_STORE_ENDPOINT/127.0.0.1/$servers}
fi
start worker-2 worker $no_database KINORA_WORKER_NAME=worker-2 KINORA_WORKER_SLOTS=1
elsewhere=()

KINORA_SERVER=$(address gateway gateway)
KINORA_API_KEY=$(cat "$base/gateway/admin.key")
export KINORA_SERVER KINORA_API_KEY
"$bin/kinora" upload "$video" --public --wait=playable >/dev/null
echo >&2
echo "Seven processes are running; their logs are $base/*/log. The second origin, $(address origin-2 origin)," >&2
echo "serves the same films under the same tokens. The second worker runs $where. Press Ctrl-C to stop." >&2
wait "${processes[@]}"
