// A threaded interpreter, made of guaranteed tail calls, whose handlers throw and whose program catches; vectors and
// results of several values live across the throws.
#include "throwing.hpp"

#include <cstdint>
#include <cstdio>
#include <string>
#include <utility>
#include <vector>
#include <wasm_simd128.h>

#define APART __attribute__((noinline))
#define NEXT [[clang::musttail]] return handlers[*at](machine, at, value)

struct Machine;
using Handler = std::int64_t (*)(Machine &, const std::uint8_t *, std::int64_t);
extern const Handler handlers[];

struct Fault {
    const char *what;
    const std::uint8_t *at;
    std::int64_t value;
};
struct Machine {
    std::vector<std::int64_t> stack;
    std::int64_t fuel = 1000;
    v128_t trace = wasm_i64x2_splat(0);
};

static std::int64_t halt(Machine &, const std::uint8_t *, std::int64_t value) { return value; }
static std::int64_t literal(Machine &machine, const std::uint8_t *at, std::int64_t value) {
    machine.stack.push_back(value);
    value = static_cast<std::int8_t>(at[1]);
    at += 2;
    NEXT;
}
APART static std::int64_t pop(Machine &machine, const std::uint8_t *at) {
    if (machine.stack.empty())
        throw Fault{"empty stack", at, machine.fuel};
    std::int64_t top = machine.stack.back();
    machine.stack.pop_back();
    return top;
}
static std::int64_t add(Machine &machine, const std::uint8_t *at, std::int64_t value) {
    value += pop(machine, at++);
    NEXT;
}
static std::int64_t divide(Machine &machine, const std::uint8_t *at, std::int64_t value) {
    if (value == 0)
        throw std::string("division by zero");
    value = pop(machine, at++) / value;
    NEXT;
}
static std::int64_t jump(Machine &machine, const std::uint8_t *at, std::int64_t value) {
    if (--machine.fuel == 0)
        throw Fault{"out of fuel", at, value};
    at += static_cast<std::int8_t>(at[1]);
    NEXT;
}
static std::int64_t record(Machine &machine, const std::uint8_t *at, std::int64_t value) {
    machine.trace = wasm_i64x2_add(wasm_i64x2_shl(machine.trace, 1), wasm_i64x2_make(value, machine.fuel));
    at++;
    NEXT;
}
std::int64_t nested(Machine &machine, const std::uint8_t *at, std::int64_t value);
const Handler handlers[] = {halt, literal, add, divide, jump, record, nested};

APART static std::pair<std::int64_t, const char *> run(Machine &machine, const std::uint8_t *code) {
    v128_t kept = wasm_i32x4_make(1, 2, 3, 4); // in a local, changed before and used after the throw
    double real = 1.5;
    for (int turn = 0;; turn++) {
        kept = wasm_i32x4_mul(kept, wasm_i32x4_make(3, 5, 7, turn + 9));
        real *= 1.25;
        try {
            std::int64_t value = handlers[*code](machine, code, turn);
            kept = wasm_i32x4_add(kept, wasm_i32x4_splat(static_cast<std::int32_t>(value)));
            if (turn == 3)
                return {value ^ wasm_i32x4_extract_lane(kept, 0) ^ wasm_i32x4_extract_lane(kept, 3), "done"};
            continue;
        } catch (const Fault &fault) {
            kept = wasm_v128_xor(kept, wasm_i64x2_splat(fault.value + (fault.at - code)));
            if (turn == 2) {
                std::int64_t sum = static_cast<std::int64_t>(real * 1000) + wasm_i64x2_extract_lane(kept, 0) % 100000 +
                                   wasm_i64x2_extract_lane(kept, 1) % 100000;
                return {sum, fault.what};
            }
        }
        machine.fuel = 100 + turn;
    }
}

std::int64_t nested(Machine &machine, const std::uint8_t *at, std::int64_t value) {
    try {
        static const std::uint8_t fails[] = {5, 1, 0, 3, 0};
        value += run(machine, fails).first;
    } catch (const std::string &text) {
        value += static_cast<std::int64_t>(text.size());
    }
    at++;
    NEXT; // after the try, so the call is still a jump
}

int main() {
    static const std::uint8_t programs[][16] = {
        {1, 40, 1, 2, 2, 5, 0},        // 42
        {1, 7, 1, 1, 5, 2, 4, 0xfc},   // adds until it is out of fuel
        {2, 2, 0},                     // takes from the empty stack
        {1, 9, 6, 5, 6, 1, 3, 3, 0},   // runs others that divide by zero
        {1, 1, 1, 0, 3, 0},            // divides by zero itself
    };
    for (const auto &program : programs) {
        Machine machine;
        try {
            auto [value, how] = run(machine, program);
            std::printf("%s with %lld", how, static_cast<long long>(value));
        } catch (const std::string &text) {
            std::printf("%s", text.c_str());
        }
        std::printf(", fuel %lld, depth %zu, trace %llx %llx\n", static_cast<long long>(machine.fuel),
                    machine.stack.size(), static_cast<unsigned long long>(wasm_i64x2_extract_lane(machine.trace, 0)),
                    static_cast<unsigned long long>(wasm_i64x2_extract_lane(machine.trace, 1)));
    }
    static const std::uint8_t loop[] = {1, 1, 2, 5, 4, 0xfc}; // a jump to `literal`: a million hops, no stack
    std::int64_t sum = 0;
    for (int i = 0; i < 300; i++) {
        Machine machine;
        machine.fuel = 1000;
        try {
            sum += run(machine, loop).first;
        } catch (const Fault &fault) {
            sum += fault.value;
        }
    }
    std::printf("%lld\n", static_cast<long long>(sum));
    return 0;
}
