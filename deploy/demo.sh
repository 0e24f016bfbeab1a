#!/usr/bin/env bash
# The main job on embedded defaults: starts kinorad, uploads a clip, prints where it plays and
# stays up until Ctrl-C.   deploy/demo.sh [VIDEO]
set -euo pipefail
cd "$(dirname "$0")/.."
video=${1:-}
bin=${CARGO_TARGET_DIR:-target}/debug
server=${KINORA_SERVER:-http://127.0.0.1:8080}
export KINORA_SERVER=$server

if [ -n "$video" ] && [ ! -f "$video" ]; then
    echo "demo: there is no file '$video'" >&2
    exit 2
fi
mkdir -p data
if [ -z "$video" ]; then
    video=data/demo-clip.mp4
    if [ ! -s "$video" ]; then
        echo "Making a 20 s clip with a burnt-in timecode, flashes and beeps …" >&2
        "$bin/kinora-encoder" sample --seconds 20 --output "$video"
    fi
fi

"$bin/kinorad" serve >data/kinorad.log 2>&1 &
kinorad=$!
stop() {
    trap - INT TERM EXIT
    kill -TERM "$kinorad" 2>/dev/null || true
    wait "$kinorad" || true
}
trap 'stop; exit 0' INT TERM
trap stop EXIT

for _ in $(seq 100); do
    if ! kill -0 "$kinorad" 2>/dev/null; then
        echo "demo: kinorad did not start:" >&2
        tail -5 data/kinorad.log >&2
        exit 1
    fi
    curl -fsS "$server/healthz" >/dev/null 2>&1 && break
    sleep 0.1
done

KINORA_API_KEY=$(cat data/admin.key)
export KINORA_API_KEY
"$bin/kinora" upload "$video" --public --wait=playable >/dev/null
echo >&2
echo "kinorad is running; its log is data/kinorad.log. Press Ctrl-C to stop." >&2
wait "$kinorad"
