#!/bin/sh
# lint: docs/alarms.md has a heading for every alarm that the engine can raise, and for no other.
set -eu
page=docs/alarms.md
# The states in which an operation ends badly are alarms too, by their own names.
states='not-converged needs-attention refused abandoned failed conflict cancelled'
raised=$(find dnsflip -name '*.c' -exec cat {} + | tr '\n' ' ' | grep -oE '(record|raise)_alarm\([^;]*;' |
    grep -oE '"[a-z]+(-[a-z]+)*"' | tr -d '"' | LC_ALL=C sort -u)
explained=$(sed -n "s/^### //p" "$page")
bad=0

for name in $raised $states; do
    grep -q "^### $name\$" "$page" || {
        echo "$page does not explain the alarm $name"
        bad=1
    }
done
for name in $explained; do
    echo "$raised" "$states" | tr ' ' '\n' | grep -qx "$name" || {
        echo "$page explains $name, which nobody raises"
        bad=1
    }
done
exit $bad
