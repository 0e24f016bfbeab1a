#!/usr/bin/env bash
# REDbot and the cases of http-cache-tests that ask something of an origin, before the made-up video
# of examples/serve.rs. Run deploy/bootstrap.sh before; builds the example where it is missing.
set -euo pipefail
cd "$(dirname "$0")/../../.."
judges=$PWD/target/judges
cargo build --workspace --example serve --quiet

folder=$(mktemp --directory)
target/debug/examples/serve "$folder" >"$folder/root" &
server=$!
trap 'kill "$server"; rm -rf "$folder"' EXIT
until [ -s "$folder/root" ]; do
    kill -0 "$server"
    sleep 0.1
done
root=$(cat "$folder/root")

node origin/tests/judges/run_cache_tests.mjs "$root" "$judges/package"
"$judges/bin/python" origin/tests/judges/run_redbot.py "$root"
