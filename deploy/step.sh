#!/usr/bin/env bash
# Runs one step of `make test` and keeps how long it took:  deploy/step.sh [--go-on] NAME COMMAND [ARG …]
# With `--go-on` the steps after it run even if it fails: whoever mends one red step wants to know of the others.
# `deploy/step.sh --summary` prints the minutes of every step since `--begin`; it fails if one of them did.
set -uo pipefail
cd "$(dirname "$0")/.."
log=target/steps.txt
mkdir -p target

case $1 in
--begin)
    : >"$log"
    ;;
--summary)
    awk -F'\t' '{ printf "%6.1f min  %s%s\n", $1 / 60, $2, $3 ? "  FAILED" : ""; all += $1; failed += $3 != 0 }
                END { printf "%6.1f min  together\n", all / 60; exit failed > 0 }' "$log"
    ;;
*)
    go_on=
    [ "$1" != --go-on ] || { go_on=1; shift; }
    name=$1
    shift
    printf '\n== %s\n' "$name"
    began=$SECONDS
    "$@"
    status=$?
    printf '%s\t%s\t%s\n' "$((SECONDS - began))" "$name" "$status" >>"$log"
    [ $status = 0 ] || printf '== %s failed (exit %s)\n' "$name" "$status" >&2
    [ -n "$go_on" ] || exit $status
    ;;
esac
