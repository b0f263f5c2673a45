#!/bin/sh
# Copies the state of a dnsflip that may be running: its journal, all files of it, then the view.
# usage: backup.sh STATE_DIR NEW_FOLDER        Ends with 0 if the copy is whole.
set -eu

state=$1
copy=$2
umask 077
mkdir "$copy"

old_files() {
    (cd "$state" && ls journal-*.jsonl 2>/dev/null) || true
}

# A new file of the journal may begin in the middle of it (every some million lines): then again.
while :; do
    before=$(old_files)
    for file in $before journal.jsonl; do
        cp -p "$state/$file" "$copy/$file"
    done
    [ "$(old_files)" = "$before" ] && break
    rm -f "$copy"/journal*.jsonl
done

# Behind the journal: what it tells of is in this view or in an older one.
[ ! -f "$state/view" ] || cp -p "$state/view" "$copy/view"
