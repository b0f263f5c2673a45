#!/bin/sh
# lint: the man pages are well-formed.
set -eu
pages=$(find dnsflip/man -name '*.[58]' | LC_ALL=C sort)
[ -z "$pages" ] || echo "$pages" | xargs mandoc -T lint -W warning
