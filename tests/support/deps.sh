#!/bin/sh
# Installs the Debian packages that are missing.  usage: deps.sh build | check
# Prints the command first; asks on a terminal; goes ahead without asking with DEPS=yes, with
# CI=true, or as root without a terminal.
set -eu

build='gcc libc6-dev make pkg-config libldns-dev libcurl4-openssl-dev libevent-dev libcjson-dev
    libyaml-dev libssl-dev libexpat1-dev'
check="$build git libcmocka-dev clang-14 clang-format-14 clang-tidy-14 libclang-rt-14-dev gcovr shellcheck mandoc
    python3 python3-venv iproute2 procps openssl strace systemd"

case ${1:-} in
build) wanted=$build ;;
check) wanted=$check ;;
*)
    echo 'usage: deps.sh build | check' >&2
    exit 64
    ;;
esac

if ! command -v dpkg-query >/dev/null || ! command -v apt-get >/dev/null; then
    if pkg-config --exists ldns libcurl libevent_core libcjson yaml-0.1 openssl 2>/dev/null; then
        exit 0
    fi
    echo 'This is not a Debian system: install by hand what these packages hold, then go on:' >&2
    # shellcheck disable=SC2086 # one word per package
    echo "   " $wanted >&2
    exit 1
fi

missing=
for package in $wanted; do
    status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$status" = installed ] || missing="$missing $package"
done
[ -n "$missing" ] || exit 0

as_root=
[ "$(id -u)" = 0 ] || as_root='sudo '
command="${as_root}env DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends$missing"
echo 'Missing Debian packages; this installs them:'
echo "    $command"

if [ "${DEPS:-}" = yes ] || [ "${CI:-}" = true ]; then
    :
elif [ -t 0 ]; then
    printf 'Run it now? [y/N] '
    read -r answer
    case $answer in
    y | Y | yes) ;;
    *)
        echo 'Not installed. Run the command above, then make again.' >&2
        exit 1
        ;;
    esac
elif [ -n "$as_root" ]; then
    echo 'Not root and no terminal to ask on: run the command above, or set DEPS=yes.' >&2
    exit 1
fi
if [ -n "$as_root" ] && ! command -v sudo >/dev/null; then
    echo 'There is no sudo here: run the command above as root.' >&2
    exit 1
fi

# Stale or missing package lists are the usual reason for a failure: refresh them then, and only then.
if ! sh -c "$command"; then
    echo "    ${as_root}apt-get update"
    sh -c "${as_root}apt-get update -q"
    sh -c "$command" || {
        echo 'apt-get could not install them: see its messages above.' >&2
        exit 1
    }
fi
