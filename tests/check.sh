#!/bin/sh
# All of `make check` but the installing: goes on after a failure, so that the summary is whole.
# From the makefile: MAKE, JOBS, RESULTS, and the directories STRICT_BUILD, SAN_BUILD, TSAN_BUILD, COVER_BUILD.
set -u
export MAKE JOBS RESULTS COVER_BUILD SAN_BUILD TSAN_BUILD UBSAN_OPTIONS=print_stacktrace=1 ASAN_OPTIONS=detect_stack_use_after_return=1
make="$MAKE --no-print-directory"
strict="MODE=release BUILD=$STRICT_BUILD WERROR=-Werror"
san="MODE=san BUILD=$SAN_BUILD WERROR=-Werror"
bad=0
rm -rf "$RESULTS"
mkdir -p "$RESULTS"

echo '== build, warnings are errors'
LABEL='(release)' tests/run.py steps build "release=$make $JOBS $strict programs test-programs" || bad=1
echo '== tests'
# shellcheck disable=SC2086 # words
$make -k -j1 $strict RESULTS="$RESULTS" unit sim golden integration e2e || bad=1
echo '== C tests under ASan and UBSan'
LABEL='(san)' tests/run.py steps build "san=$make $JOBS $san programs test-programs" || bad=1
# shellcheck disable=SC2086 # words
$make -k -j1 $san RESULTS="$RESULTS" LABEL='(san)' unit sim golden integration replay || bad=1
echo '== threads under TSan'
tests/tsan.sh || bad=1
echo '== lint'
$make RESULTS="$RESULTS" lint || bad=1
echo '== coverage'
COVER_STRICT=1 tests/cover.sh || bad=1
echo '== summary'
tests/run.py summary || bad=1
exit $bad
