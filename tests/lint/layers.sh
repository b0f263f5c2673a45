#!/bin/sh
# lint: who may include whom.  A folder may always include itself; a quoted include starts at the
# project's root; the headers form no cycle.
set -eu

may='
base      :
model     : base
policies  : base model
record    : base model policies
io        : base model
dns       : base model
beacon    : base model dns
probes    : base model io
render    : base model dns
providers : base model io dns beacon render
config    : base model policies probes providers
engine    : base model policies io dns beacon probes providers record
ctl       : base model policies io engine
lab       : base model io
face      : dnsflip base model dns beacon
dnsflip   : base model policies record io dns beacon probes providers config engine ctl lab render
'

includes() {
    grep -rn --include='*.[ch]' '^#[[:space:]]*include "' dnsflip policies probes || true
}

includes | MAY="$may" awk -F'[:"]' '
BEGIN {
    rows = split(ENVIRON["MAY"], row, "\n")
    for (i = 1; i <= rows; i++) {
        words = split(row[i], word, /[ :]+/)
        known[word[1]] = 1
        for (j = 2; j <= words; j++)
            allowed[word[1] ">" word[j]] = 1
    }
}
# The last folder of a path; the programs that strangers can reach are a folder of their own.
function room(path) {
    if (path ~ /^dnsflip\/(face|link)\.[ch]$/ && path !~ /\.h$/)
        return "face"
    sub(/\/[^\/]*$/, "", path)
    sub(/.*\//, "", path)
    return path
}
function complain(text) {
    print $1 ":" $2 ": " text
    bad = 1
}
{
    from = room($1)
    to = room($4)
    if ($4 !~ /^(dnsflip|policies|probes)\//)
        complain("\"" $4 "\" does not start at the root of the project")
    else if (!(from in known))
        complain("the folder " from "/ has no row in tests/lint/layers.sh")
    else if (from != to && !((from ">" to) in allowed))
        complain(from " may not include " $4)
}
END { exit bad }'

includes | grep '^[^:]*\.h:' | sed 's/:[0-9]*:[^"]*"/ /; s/".*//' | tsort >/dev/null
