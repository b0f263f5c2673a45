#!/bin/sh
# lint: each header compiles alone.
set -eu
bad=0
for header in $(find dnsflip policies probes tests -name '*.h' | LC_ALL=C sort); do
    # shellcheck disable=SC2046 # one flag per word
    gcc -std=c11 -D_GNU_SOURCE '-DDNSFLIP_VERSION="0"' -I. $(pkg-config --cflags-only-I libcjson) \
        -Wall -Wextra -Werror -fsyntax-only -x c "$header" || bad=1
done
exit $bad
