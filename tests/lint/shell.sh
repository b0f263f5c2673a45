#!/bin/sh
# lint: shellcheck for every shell script.
set -eu
find tests dnsflip conf docs completions .ci -type f 2>/dev/null | while IFS= read -r file; do
    case $file in
    *.py | *.[ch] | *.md | *.yaml) continue ;;
    esac
    head -n 1 "$file" | grep -qaE '^#!.*[ /](ba|da)?sh( |$)' && echo "$file"
done | LC_ALL=C sort | xargs -r shellcheck
