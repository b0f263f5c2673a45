#!/bin/sh
# Fetches AWS's published signing cases under build/peers/signing, from packages that hold them:
# pypi: the source of botocore, the version that tests/requirements.txt names; cargo: the crate
# aws-sigv4, which has the cases of paths that are not normalised too.  usage: signing_suite.sh pypi|cargo
set -eu
top=$(cd "$(dirname "$0")/../.." && pwd)
peers=$top/build/peers/signing
crate=1.6.4

pypi() {
    version=$(sed -n 's/^botocore==//p' "$top/tests/requirements.txt")
    "$top/build/venv/bin/pip" download --quiet --disable-pip-version-check --no-deps \
        --no-binary botocore --dest "$work" "botocore==$version"
    tar -xzf "$work/botocore-$version.tar.gz" -C "$work" --strip-components=4 \
        "botocore-$version/tests/unit/auth/aws4_testsuite"
    rm "$work/botocore-$version.tar.gz"
}

cargo_crate() {
    command -v cargo >/dev/null || {
        echo 'there is no cargo' >&2
        exit 1
    }
    mkdir "$work/src"
    touch "$work/src/lib.rs"
    printf '[package]\nname = "peer"\nversion = "0.0.0"\n[dependencies]\naws-sigv4 = "=%s"\n' \
        "$crate" >"$work/Cargo.toml"
    (cd "$work" && cargo vendor --quiet vendor >/dev/null)
    mv "$work/vendor/aws-sigv4/aws-signing-test-suite" "$work/"
    rm -r "$work/vendor" "$work/src"
}

case ${1:-} in
pypi | cargo) ;;
*)
    echo 'usage: signing_suite.sh pypi|cargo' >&2
    exit 64
    ;;
esac
[ ! -d "$peers/$1" ] || exit 0
mkdir -p "$peers"
work=$(mktemp -d "$peers/new.XXXXXX")
trap 'rm -rf "$work"' EXIT
if [ "$1" = pypi ]; then pypi; else cargo_crate; fi
mv "$work" "$peers/$1"
