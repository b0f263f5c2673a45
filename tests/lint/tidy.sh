#!/bin/sh
# lint: clang's own warnings (WARN, from the makefile) and clang-tidy, one file per run (given
# several, version 14 reports valid va_list use), only for files whose preprocessed text or rules
# changed since they last passed.
set -eu
cache=${LINT_CACHE:-build/lint}/tidy
mkdir -p "$cache"

if [ $# = 1 ]; then
    # shellcheck disable=SC2046 # one flag per word
    set -- "$1" -std=c11 -D_GNU_SOURCE '-DDNSFLIP_VERSION="0"' -I. \
        $(pkg-config --cflags-only-I libcjson | sed 's/-I/-isystem/g')
    file=$1
    shift
    # shellcheck disable=SC2086 # one flag per word
    set -- "$@" ${WARN:--Wall -Wextra}
    key=$({ cat .clang-tidy && echo "$@" && clang-14 -E "$@" "$file"; } 2>/dev/null | sha256sum | cut -c1-40)
    [ ! -e "$cache/$key" ] || exit 0
    if out=$(clang-14 "$@" -Werror -fsyntax-only "$file" 2>&1 && clang-tidy-14 --quiet "$file" -- "$@" 2>&1); then
        : >"$cache/$key"
        exit 0
    fi
    printf '%s\n' "$out" | grep -avE '^[0-9]+ warnings? (generated|treated)|^Suppressed|^Use -header-filter' |
        head -n 40 # the whole path to a finding: clang-tidy-14 FILE -- -std=c11 -D_GNU_SOURCE -I.
    exit 1
fi
find dnsflip policies probes tests -name '*.c' | LC_ALL=C sort | xargs -P "${LINT_JOBS:-2}" -I{} "$0" {}
