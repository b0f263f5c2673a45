#!/bin/sh
# lint: every C file is as `make fmt` leaves it.
set -eu
bad=$(find dnsflip policies probes tests -name '*.[ch]' | LC_ALL=C sort |
    xargs -r clang-format-14 --dry-run 2>&1 | sed -n 's/^\([^ :]*\):[0-9].*warning.*/\1/p' | uniq)
[ -z "$bad" ] || {
    echo "$bad"
    echo 'make fmt formats them'
    exit 1
}
