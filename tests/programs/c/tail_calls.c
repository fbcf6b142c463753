/* Guaranteed tail calls (return_call, return_call_indirect): ten million hops must not use the stack. */
#include <stdint.h>
#include <stdio.h>

#define MUST_TAIL __attribute__((musttail)) return

__attribute__((noinline)) static int odd(uint32_t n);
__attribute__((noinline)) static int even(uint32_t n) {
    if (n == 0)
        return 1;
    MUST_TAIL odd(n - 1);
}
__attribute__((noinline)) static int odd(uint32_t n) {
    if (n == 0)
        return 0;
    MUST_TAIL even(n - 1);
}

/* A threaded interpreter: each handler jumps to the next through a table. */
struct machine;
typedef int64_t (*handler)(struct machine *, const uint8_t *, int64_t);
struct machine {
    const handler *handlers;
    int64_t memory[4];
};
#define NEXT MUST_TAIL m->handlers[*pc](m, pc, accumulator)
static int64_t halt(struct machine *m, const uint8_t *pc, int64_t accumulator) {
    (void)m, (void)pc;
    return accumulator;
}
static int64_t add(struct machine *m, const uint8_t *pc, int64_t accumulator) {
    accumulator += m->memory[pc[1]];
    pc += 2;
    NEXT;
}
static int64_t store(struct machine *m, const uint8_t *pc, int64_t accumulator) {
    m->memory[pc[1]] = accumulator;
    pc += 2;
    NEXT;
}
static int64_t load(struct machine *m, const uint8_t *pc, int64_t accumulator) {
    accumulator = m->memory[pc[1]];
    pc += 2;
    NEXT;
}
static int64_t decrement_and_jump(struct machine *m, const uint8_t *pc, int64_t accumulator) {
    pc = --m->memory[pc[1]] ? pc - pc[2] : pc + 3;
    NEXT;
}

/* More arguments than registers, so that the callee's arguments lie on the stack. */
__attribute__((noinline)) static int64_t rotate(int n, int64_t a, int64_t b, int64_t c, int64_t d, int64_t e, int64_t f,
                                                int64_t g, int64_t h, int64_t i, double x, double y) {
    if (n == 0)
        return a * 1 + b * 3 + c * 5 + d * 7 + e * 11 + f * 13 + g * 17 + h * 19 + i * 23 + (int64_t)(x - y);
    MUST_TAIL rotate(n - 1, b, c, d, e, f, g, h, i, a + n, y, x + 1);
}

int main(void) {
    printf("%d %d\n", even(10000000), odd(9999999));
    static const handler handlers[] = {halt, add, store, load, decrement_and_jump};
    static const uint8_t program[] = {3, 0, 1, 1, 2, 0, 4, 2, 6, 0};
    struct machine m = {handlers, {0, 3, 3000000, 0}};
    printf("%lld\n", (long long)m.handlers[program[0]](&m, program, 0));
    printf("%lld\n", (long long)rotate(1000001, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0.5, 1.5));
    return 0;
}
