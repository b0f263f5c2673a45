#!/bin/sh
# lint: functions and headers that are banned, everywhere or outside their room.
set -eu
plain=$(mktemp)
found=$(mktemp)
trap 'rm -f "$plain" "$found"' EXIT
ours='(dnsflip|policies|probes)/'

# Source lines as FILE:LINE:TEXT, without comments and without the insides of strings.
# shellcheck disable=SC2016 # an awk program
find dnsflip policies probes tests -name '*.[ch]' | LC_ALL=C sort | xargs awk '
FNR == 1 { in_comment = 0 }
{
    out = ""
    for (i = 1; i <= length($0); i++) {
        c = substr($0, i, 1)
        two = substr($0, i, 2)
        if (in_comment) {
            if (two == "*/") { in_comment = 0; i++ }
        } else if (two == "/*") {
            in_comment = 1; i++
        } else if (two == "//") {
            break
        } else if (c == "\"" || c == "\047") {
            for (i++; i <= length($0) && substr($0, i, 1) != c; i++)
                if (substr($0, i, 1) == "\\") i++
            out = out c c
        } else {
            out = out c
        }
    }
    print FILENAME ":" FNR ":" out
}' /dev/null >"$plain"

# ban FILES EXCEPT WHY WORD...: calls of WORD in paths that begin with FILES and not with EXCEPT.
ban() {
    files=$1 except=$2 why=$3
    shift 3
    words=$(echo "$@" | tr ' ' '|')
    grep -E "^$files" "$plain" | grep -vE "^$except" |
        grep -E "^[^:]*:[0-9]*:(.*[^A-Za-z0-9_>.])?($words)[[:space:]]*\\(" |
        sed "s#\$#   <- $why#" >>"$found" || true
}

# keep ROOMS NAME HEADER...: HEADER (a pattern) is included in paths that begin with ROOMS alone.
keep() {
    rooms=$1 name=$2 header=$3
    grep -rnE --include='*.[ch]' "^#[[:space:]]*include <($header)" dnsflip policies probes |
        grep -vE "^$rooms" | sed "s#\$#   <- $name belongs in $rooms#" >>"$found" || true
}

nowhere='^$'
ban '' "$nowhere" 'knows no bound; there are str_copy, str_format and struct buf' \
    strcpy strcat sprintf vsprintf gets strtok strncpy strncat alloca
ban '' "$nowhere" 'knows no error; there is str_parse_u64' atoi atol atoll atof sscanf
ban '' "$nowhere" 'is not safe with threads, or not random' gmtime localtime strerror rand srand
ban '' "$nowhere" 'starts a shell; dnsflip/io/exec starts programs' system popen
ban "$ours" 'dnsflip/base/' 'reads a clock outside dnsflip/base/' time clock_gettime gettimeofday
ban "$ours" 'dnsflip/base/' 'is heap memory past mem_*' \
    malloc calloc realloc reallocarray free strdup strndup asprintf vasprintf
keep 'dnsflip/io/' libevent 'event2/|event\.h|evhttp\.h|evdns\.h'
keep 'dnsflip/io/' libcurl 'curl/'
keep 'dnsflip/(io|render)/' ldns 'ldns/'
keep 'dnsflip/io/' expat 'expat'
keep 'dnsflip/config/' libyaml 'yaml\.h'

cat "$found"
[ ! -s "$found" ]
