#!/bin/sh
# Line coverage by all tests, of policies/ and of all C.  From the makefile: MAKE, JOBS,
# COVER_BUILD, RESULTS.
# COVER_STRICT=1: fails below the floors.  COVER_KINDS: the kinds of tests that are run.
set -eu
policies_floor=100
all_floor=85
kinds=${COVER_KINDS:-unit sim golden integration e2e}
# Long stories that run no line which shorter ones do not; and those that want the release build's face
# (its filter), or programs that are nobody else's to write.
without='kill_everywhere or soak or test_allocation or power_cut or peers_transfer or real_secondaries'
without="$without or lost_host or differential or zone_checks or test_lab or dns_fuzz or test_unit"
without="$without or test_upgrade or under_the_filter"

LABEL='(cover)' tests/run.py steps build \
    "cover=$MAKE --no-print-directory $JOBS MODE=cover BUILD=$COVER_BUILD programs test-programs"
find "$COVER_BUILD" -name '*.gcda' -exec rm -f {} +
# Started as root, the processes leave it: they must be able to write their counts all the same.
umask 000
chmod -R a+rwX "$COVER_BUILD"
# ... but no program that an upgrade is asked to trust may be written by everybody.
find "$COVER_BUILD" -type f -perm -100 -exec chmod go-w {} +
# shellcheck disable=SC2086 # words
$MAKE --no-print-directory -k -j1 MODE=cover BUILD="$COVER_BUILD" RESULTS="$COVER_BUILD/results" \
    WITHOUT="$without" $kinds \
    >"$COVER_BUILD/tests.log" 2>&1 || {
    echo "some tests fail in the coverage build:"
    grep -E '^(--|not ok|FAILED|SKIP)|passed,' "$COVER_BUILD/tests.log"
    failed=1
}
# An assert has a branch that no test can take: its lines are not counted.
gcovr --root . --filter 'dnsflip/' --filter 'policies/' --filter 'probes/' \
    --exclude-lines-by-pattern '.*\bassert\(.*' --txt "$COVER_BUILD/coverage.txt" \
    --csv "$COVER_BUILD/coverage.csv" "$COVER_BUILD" >"$COVER_BUILD/gcovr.log" 2>&1 || {
    cat "$COVER_BUILD/gcovr.log"
    exit 1
}

# line_percent PATTERN: of the files whose path matches, with one decimal, never rounded up.
line_percent() {
    awk -F, -v pattern="$1" 'NR > 1 && $1 ~ pattern { total += $2; covered += $3 }
        END { printf "%.1f\n", total ? int(covered * 1000 / total) / 10 : 0 }' "$COVER_BUILD/coverage.csv"
}
floor() {
    percent=$(line_percent "$3")
    echo "cover: $1 $percent % of lines (floor $2 %)"
    [ "${COVER_STRICT:-}" != 1 ] || awk -v a="$percent" -v b="$2" 'BEGIN { exit !(a >= b) }'
}
code=${failed:-0}
floor 'policies/' "$policies_floor" '^policies/' || code=1
floor 'all C' "$all_floor" '.' || code=1
echo "cover: by file in $COVER_BUILD/coverage.txt"
exit "$code"
