#!/bin/sh
# Compiles examples/hello.c to WebAssembly, that to a native program, and runs it. Argument: the directory of waot.
set -eu
bin=$1
out=build/example
mkdir -p "$out"

say() { printf '\n%s\n' "$*"; }
show() {
    printf '$ %s\n' "$*"
    "$@"
}
size() { wc -c <"$1" | tr -d ' '; }
now() { "$bin/python" -c 'import time; print(time.monotonic())'; }
since() { "$bin/python" -c "import time; print(f'{time.monotonic() - $1:.2f} s')"; }

say "1. C to WebAssembly, with zig's clang (the first time zig also compiles its C library: a quarter of a minute)"
started=$(now)
show "$bin/python" -m ziglang cc --target=wasm32-wasi -Os -s -o "$out/hello.wasm" examples/hello.c
echo "   $out/hello.wasm: $(size "$out/hello.wasm") bytes, $(since "$started")"

say "2. WebAssembly to a native program, with waot (the first time it also compiles its runtime)"
started=$(now)
show "$bin/waot" build "$out/hello.wasm" -o "$out/hello" -v
echo "   $out/hello: $(size "$out/hello") bytes, static, $(since "$started")"

say "3. The program, run"
show "$out/hello" one two

say "4. What it may do, as recorded in it"
show "$bin/waot" inspect "$out/hello"

say "Done: $out/hello is one static file. Copy it to any Linux machine of this kind and it runs."
