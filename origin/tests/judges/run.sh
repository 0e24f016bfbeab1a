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
until [ "$(wc -l <"$folder/root")" -eq 3 ]; do
    kill -0 "$server"
    sleep 0.1
done
mapfile -t roots <"$folder/root"

node origin/tests/judges/run_cache_tests.mjs "${roots[0]}" "$judges/package"
"$judges/bin/python" origin/tests/judges/run_redbot.py "${roots[@]}"
