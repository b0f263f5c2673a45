#!/bin/sh
# lint: every C file is as `make fmt` leaves it.
set -eu
find dnsflip policies probes tests -name '*.[ch]' | LC_ALL=C sort |
    xargs -r clang-format-14 --dry-run -Werror
