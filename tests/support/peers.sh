#!/bin/sh
# Unpacks Debian packages, and what they need and this machine lacks, under build/peers without
# installing them: no service is started, no user is made.  usage: peers.sh NAME...
# Then run them as build/peers/root/usr/sbin/NAME with the variables in build/peers/env.
set -eu
[ $# -gt 0 ] || {
    echo 'usage: peers.sh PACKAGE...' >&2
    exit 64
}
top=$(cd "$(dirname "$0")/../.." && pwd)
peers=$top/build/peers
mkdir -p "$peers/deb" "$peers/root" "$peers/done"
libraries=$peers/root/usr/lib/$(dpkg-architecture -qDEB_HOST_MULTIARCH 2>/dev/null || gcc -print-multiarch)
cat >"$peers/env" <<EOF
PATH="$peers/root/usr/sbin:$peers/root/usr/bin:$peers/root/sbin:\$PATH"
LD_LIBRARY_PATH="$libraries:$peers/root${libraries#"$peers/root/usr"}:$peers/root/usr/lib"
export PATH LD_LIBRARY_PATH
EOF

# What installing $1 would add to this machine, itself and its missing libraries, one a line.
would_install() {
    apt-get install -s -q --no-install-recommends "$1" 2>/dev/null | awk '$1 == "Inst" { print $2 }'
}

for name in "$@"; do
    [ ! -e "$peers/done/$name" ] || continue
    if [ "$(dpkg-query -W -f '${db:Status-Status}' "$name" 2>/dev/null || true)" = installed ]; then
        echo "$name is installed on this machine"
        touch "$peers/done/$name"
        continue
    fi
    wanted=$(would_install "$name")
    if [ -z "$wanted" ]; then
        echo "peers.sh: apt knows no package $name (are its lists there? apt-get update)" >&2
        exit 1
    fi
    # shellcheck disable=SC2086 # one word per package
    (cd "$peers/deb" && apt-get -q -o APT::Sandbox::User=root download $wanted >/dev/null)
    for package in $wanted; do
        for file in "$peers/deb/${package%%:*}"_*.deb; do
            dpkg -x "$file" "$peers/root"
        done
    done
    echo "unpacked $name"
    touch "$peers/done/$name"
done
