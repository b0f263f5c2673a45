#!/bin/sh
# lint: a source has at most 500 lines, a function at most 60.
set -eu
# shellcheck disable=SC2016 # an awk program
find dnsflip policies probes tests -name '*.[ch]' | LC_ALL=C sort | xargs awk '
# clang-format puts the brace of a function, and of nothing else, alone at the start of a line.
FNR == 1 { start = 0; name = "" }
/^[a-zA-Z_].*\(/ { name = $0 }
/^\{$/ { start = FNR }
/^\}$/ && start > 0 {
    if (FNR - start + 1 > 60) {
        print FILENAME ":" start ": " FNR - start + 1 " lines, at most 60: " name
        bad = 1
    }
    start = 0
}
FNR == 501 {
    print FILENAME ": more than 500 lines"
    bad = 1
}
END { exit bad }' /dev/null
