#!/bin/sh
# lint: dnsflip/DESIGN.md names every source file, as FOLDER/STEM below dnsflip/ (base/err.c,
# base/err.{c,h} or base/err) or as the path of a file elsewhere, and names none that is not there.
set -eu
page=dnsflip/DESIGN.md
bad=0

[ -f "$page" ] || {
    echo "$page is missing"
    exit 1
}
for stem in $(find dnsflip probes policies -name '*.[ch]' | sed 's/\.[ch]$//' | LC_ALL=C sort -u); do
    short=${stem#dnsflip/}
    grep -qE "(^|[^A-Za-z0-9_/])(dnsflip/)?$short(\.[ch]|\.\{c,h\}|[^A-Za-z0-9_./-]|\$)" "$page" || {
        echo "$page does not name $stem"
        bad=1
    }
done
names=$(grep -oE '[a-z_0-9]+(/[a-z_0-9]+)*\.(c|h|\{c,h\})([^a-z]|$)' "$page" |
    sed -E 's/\.(c|h|\{c,h\})[^a-z]?$/.\1/' | LC_ALL=C sort -u)
for name in $names; do
    case $name in
    *'{c,h}') files="${name%.*}.c ${name%.*}.h" ;;
    *) files=$name ;;
    esac
    for file in $files; do
        [ -f "$file" ] || [ -f "dnsflip/$file" ] || {
            echo "$page names $file, which is not there"
            bad=1
        }
    done
done
exit $bad
