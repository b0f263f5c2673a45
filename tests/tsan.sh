#!/bin/sh
# The threads of face and judge under ThreadSanitizer: sockets, pairs and flips that change while
# others ask, then whole programs.  A report of any process is a failure.
# From the makefile: MAKE, JOBS, RESULTS, TSAN_BUILD.
set -u
export MAKE JOBS RESULTS TSAN_BUILD
make="$MAKE --no-print-directory MODE=tsan BUILD=$TSAN_BUILD RESULTS=$RESULTS"
reports=$TSAN_BUILD/reports
bad=0
rm -rf "$reports"
mkdir -p "$reports"
# The face's threads end with their process, unjoined.
TSAN_OPTIONS="log_path=$(cd "$reports" && pwd)/report report_thread_leaks=0"
export TSAN_OPTIONS

for test in integration:race integration:server integration:tcp unit:transfer unit:journal unit:journal_file \
    e2e:reload; do
    # shellcheck disable=SC2086 # words
    LABEL="(tsan ${test#*:})" $make $JOBS "${test%:*}" T="${test#*:}" || bad=1
done
LABEL='(tsan)' tests/run.py steps reports "none=sh -c '! grep -h . $reports/*'" || bad=1
exit $bad
