#!/bin/sh
# Runs every benchmark, one after the other.  DNSFLIP_BUILD: where the programs are.
set -eu
cd "$(dirname "$0")/../.."
: "${DNSFLIP_BUILD:=build/release}"
export DNSFLIP_BUILD
bad=0
for program in "$DNSFLIP_BUILD"/tests/bench/bench_*; do
    [ -x "$program" ] || continue
    echo "== ${program##*/bench_}"
    "$program" || bad=1
done
for script in tests/bench/*.py; do
    name=${script##*/}
    echo "== ${name%.py}"
    "$script" || bad=1
done
exit $bad
