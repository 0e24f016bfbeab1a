#!/usr/bin/env bash
# Runs one step of `make test` and keeps how long it took:  deploy/step.sh NAME COMMAND [ARG …]
# `deploy/step.sh --summary` prints the minutes of every step since `--begin`.
set -uo pipefail
cd "$(dirname "$0")/.."
log=target/steps.txt
mkdir -p target

case $1 in
--begin)
    : >"$log"
    ;;
--summary)
    awk -F'\t' '{ printf "%6.1f min  %s\n", $1 / 60, $2; all += $1 }
                END { printf "%6.1f min  together\n", all / 60 }' "$log"
    ;;
*)
    name=$1
    shift
    printf '\n== %s\n' "$name"
    began=$SECONDS
    "$@"
    status=$?
    printf '%s\t%s\n' "$((SECONDS - began))" "$name" >>"$log"
    [ $status = 0 ] || printf '== %s failed (exit %s)\n' "$name" "$status" >&2
    exit $status
    ;;
esac
