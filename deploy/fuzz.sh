#!/usr/bin/env bash
# Fuzzes the parsers of outside bytes, two at a time:  deploy/fuzz.sh [SECONDS [SEED]]     (20, and any)
# libFuzzer with coverage, by the stable compiler (packager/fuzz). What fails is kept in target/fuzz/found and runs again by
#   target/debug/fuzz-NAME FILE
# What was interesting stays in target/fuzz/corpus, so that the next run begins there.
set -euo pipefail
cd "$(dirname "$0")/.."
seconds=${1:-20}
seed=${2:-$RANDOM}
export folder=$PWD/target/fuzz
host=$(rustc --version --verbose | sed -n 's/^host: //p')

# The host's scripts and macros must not be instrumented: hence --target.
flags='--cfg fuzzing -C passes=sancov-module'
for option in level=4 inline-8bit-counters pc-table trace-compares; do
    flags+=" -C llvm-args=-sanitizer-coverage-$option"
done
CXX=clang++ RUSTFLAGS=$flags cargo build --quiet --profile fuzz --package kinora-packager-fuzz --bins \
    --target "$host" --target-dir "$folder/build"
export programs=$folder/build/$host/fuzz

fuzz() {
    local name=$1 seconds=$2 seed=$3 log=$folder/$1.log
    mkdir -p "$folder/corpus/$name" "$folder/seeds/$name" "$folder/found"
    # -timeout is for what never ends: what takes long is found by the target itself.
    if FUZZ_SEEDS=$folder/seeds/$name "$programs/fuzz-$name" "$folder/corpus/$name" "$folder/seeds/$name" \
        -seed="$seed" -max_total_time="$seconds" -max_len=65536 -len_control=0 -timeout=60 \
        -rss_limit_mb=2048 -artifact_prefix="$folder/found/$name-" -print_final_stats=1 >"$log" 2>&1; then
        awk -v name="$name" -v seconds="$seconds" -v seed="$seed" \
            '/number_of_executed_units/ { print "fuzz-" name ": " $2 " inputs in " seconds " s, seed " seed }' "$log"
    else
        grep -v '^#' "$log" | tail -25
        echo "fuzz-$name failed with seed $seed; all it said is in $log" >&2
        return 1
    fi
}
export -f fuzz
printf '%s\n' mp4 playlist captions | xargs -P 2 -I {} bash -c "fuzz {} $seconds $seed"
