/* What docs/freestanding.md promises, on tests/freestanding/behaviour.wat. Prints each expectation that is not met. */
#include "board.h"
#include "module.h"

static int failures;

/* Without arithmetic, which not each of the machines has. */
static uint64_t bits(double value)
{
    union {
        double value;
        uint64_t bits;
    } both = {value};
    return both.bits;
}

static uint32_t single(float value)
{
    union {
        float value;
        uint32_t bits;
    } both = {value};
    return both.bits;
}

#define IS(expression, wanted) board_compare(__LINE__, #expression, (uint64_t)(expression), (uint64_t)(wanted))

static void board_compare(unsigned line, const char *expression, uint64_t got, uint64_t wanted)
{
    if (got == wanted)
        return;
    failures++;
    board_print("line ");
    board_number(line);
    board_print(": ");
    board_print(expression);
    board_print(" is ");
    board_number(got);
    board_print(", not ");
    board_number(wanted);
    board_print("\n");
}

static uint8_t memory[3 * 65536 + 1000 + 1], second[65536];
static int context;
static struct waot_instance *instance_seen;

uint32_t env_call(struct waot_instance *instance, uint32_t what)
{
    uint32_t result = 0;
    instance_seen = instance;
    IS(instance->context == &context, 1);
    IS(instance->memory->base == memory + 1, 1);
    switch (what) {
    case 0:
        return 5;
    case 1: /* leaves the call of the module */
        waot_leave(instance, 256);
        break;
    case 2: /* a call within a call, which traps: this one goes on */
        IS(module_unreachable(), WAOT_TRAP_UNREACHABLE);
        IS(module_add(1, 2, &result), WAOT_OK);
        return result;
    case 3: /* and one that is left */
        IS(module_call(1, &result), 256);
        return 9;
    case 4: /* the memory is the one that the module has now */
        IS(instance->memory->size, 65536);
        IS(module_grow(1, &result), WAOT_OK);
        IS(instance->memory->size, 2 * 65536);
        return (uint32_t)instance->memory->size;
    case 5:
        waot_leave(instance, 0);
        break;
    }
    return 0;
}

double other_env_types(struct waot_instance *instance, uint32_t a, uint64_t b, float c, double d, uint64_t e)
{
    (void)instance;
    IS(a, 0x80000001u);
    IS(b, 0x8000000000000002u);
    IS(single(c), 0x3fc00000u);
    IS(bits(d), 0xc002000000000000u);
    IS(e, 0x123456789abcdef0u);
    return -4.5;
}

static void before_it_is_made(void)
{
    uint32_t result = 1;
    IS(module_add(1, 2, &result), WAOT_NOT_READY);
    IS(result, 1);
    struct waot_buffer buffers[2] = {{memory + 1, 65535}, {second, sizeof second}};
    struct waot_environment environment = {&context, buffers, board_stack};
    IS(waot_module_init(&environment), WAOT_MEMORY_TOO_SMALL);
    buffers[0].size = sizeof memory - 1;
    buffers[1].size = 0;
    IS(waot_module_init(&environment), WAOT_MEMORY_TOO_SMALL);
    environment.memories = 0;
    IS(waot_module_init(&environment), WAOT_MEMORY_TOO_SMALL);
    buffers[1].size = sizeof second;
    environment.memories = buffers;
    environment.stack_low = 0;
    IS(waot_module_init(&environment), WAOT_STACK_TOO_SMALL);
    environment.stack_low = &environment;
    IS(waot_module_init(&environment), WAOT_STACK_TOO_SMALL);
    environment.stack_low = board_stack;
    for (size_t i = 0; i < sizeof memory; i++)
        memory[i] = 0xaa;
    IS(waot_module_init(&environment), WAOT_OK);
    IS(waot_module_init(&environment), WAOT_ALREADY);
    IS(memory[0], 0xaa);
    IS(memory[1], 0);
    IS(memory[1 + 65535], 0x34);
    IS(memory[1 + 65536], 0xaa);
}

static void calls(void)
{
    uint32_t result = 0;
    uint64_t wide = 0;
    float half = 0;
    double twice = 0;
    IS(module_add(0xffffffffu, 3, &result), WAOT_OK);
    IS(result, 2);
    IS(module_count(&result), WAOT_OK);
    IS(result, 101);
    IS(module_two(0xffffffffu, &wide, &half), WAOT_OK);
    IS(wide, 0x100000000u);
    IS(single(half), 0x3f000000u);
    IS(module_types(0x80000001u, 0x8000000000000002u, 1.5f, -2.25, &twice), WAOT_OK);
    IS(bits(twice), 0xc012000000000000u);
    IS(module_init(&result), WAOT_OK);
    IS(result, 77);
    IS(module_waot_init(&result), WAOT_OK);
    IS(result, 78);
    IS(module_call(0, &result), WAOT_OK);
    IS(result, 5);
    IS(module_call(1, &result), 256);
    IS(module_call(2, &result), WAOT_OK);
    IS(result, 3);
    IS(module_call(3, &result), WAOT_OK);
    IS(result, 9);
    IS(module_call(5, &result), WAOT_EXITED);
}

static void traps(void)
{
    uint32_t result = 7;
    uint64_t wide;
    IS(module_unreachable(), WAOT_TRAP_UNREACHABLE);
    IS(instance_seen->trap_address > (uintptr_t)4096, 1);
    IS(module_divide(1, 0, &result), WAOT_TRAP_INTEGER_DIVIDE_BY_ZERO);
    IS(module_divide(0x80000000u, 0xffffffffu, &result), WAOT_TRAP_INTEGER_OVERFLOW);
    IS(result, 7);
    IS(module_divide((uint32_t)-7, 2, &result), WAOT_OK);
    IS(result, (uint32_t)-3);
    IS(module_truncate(1e30, &wide), WAOT_TRAP_INTEGER_OVERFLOW);
    IS(module_truncate(-1e10, &wide), WAOT_OK);
    IS(wide, (uint64_t)-10000000000);
    IS(module_indirect(0, &result), WAOT_OK);
    IS(result, 7);
    IS(module_indirect(1, &result), WAOT_TRAP_UNINITIALIZED_ELEMENT);
    IS(module_indirect(2, &result), WAOT_TRAP_UNDEFINED_ELEMENT);
    IS(module_table_grow(1, &result), WAOT_OK);
    IS(result, 0xffffffffu);
    IS(module_table_grow(0, &result), WAOT_OK);
    IS(result, 2);
}

static void memories(void)
{
    uint32_t result = 0;
    IS(module_load(65534, &result), WAOT_OK);
    IS(result, 0x3412);
    IS(module_load(65535, &result), WAOT_TRAP_MEMORY_OUT_OF_BOUNDS);
    IS(module_load(0xffffffffu, &result), WAOT_TRAP_MEMORY_OUT_OF_BOUNDS);
    IS(module_load_second(1, &result), WAOT_OK);
    IS(result, 'e');
    IS(module_load_second(65536, &result), WAOT_TRAP_MEMORY_OUT_OF_BOUNDS);
    IS(module_store(65533, 1), WAOT_TRAP_MEMORY_OUT_OF_BOUNDS);
    IS(module_fill(65536, 1, 1), WAOT_TRAP_MEMORY_OUT_OF_BOUNDS);
    IS(memory[1 + 65536], 0xaa);
    IS(module_call(4, &result), WAOT_OK);
    IS(result, 2 * 65536);
    IS(memory[1 + 65536], 0);
    IS(memory[1 + 2 * 65536 - 1], 0);
    IS(memory[1 + 2 * 65536], 0xaa);
    IS(module_store(2 * 65536 - 4, 0x01020304), WAOT_OK);
    IS(memory[1 + 2 * 65536 - 4], 4);
    IS(module_grow(2, &result), WAOT_OK); /* within the module's maximum, but the buffer ends before */
    IS(result, 0xffffffffu);
    IS(module_grow(1, &result), WAOT_OK);
    IS(result, 2);
    IS(module_size(&result), WAOT_OK);
    IS(result, 3);
    IS(memory[1 + 2 * 65536 - 4], 4);
    IS(module_grow(1, &result), WAOT_OK);
    IS(result, 0xffffffffu);
    IS(module_grow_second(1, &result), WAOT_OK);
    IS(result, 0xffffffffu);
    IS(memory[1 + 3 * 65536], 0xaa);
    IS(waot_at(instance_seen, 3 * 65536 - 1, 1) == memory + 3 * 65536, 1);
    IS(waot_at(instance_seen, 3 * 65536, 0) == memory + 3 * 65536 + 1, 1);
    IS(waot_at(instance_seen, 3 * 65536, 1) == 0, 1);
    IS(waot_at(instance_seen, 0xffffffffffffffffu, 2) == 0, 1);
    IS(waot_at(instance_seen, 2, 0xffffffffffffffffu) == 0, 1);
}

/* From each place within 16 bytes to each other, so that they overlap in either direction. */
static void copies(void)
{
    static uint8_t expected[256];
    uint8_t *at = memory + 1;
    int wrong = 0;
    for (unsigned n = 0; n < 100; n += 1 + n / 12)
        for (unsigned to = 64; to < 80; to++)
            for (unsigned from = 64; from < 80; from++) {
                for (unsigned i = 0; i < sizeof expected; i++)
                    expected[i] = at[i] = (uint8_t)(i * 7 + n);
                for (unsigned i = 0; i < n; i++)
                    expected[to + i] = (uint8_t)((from + i) * 7 + n);
                wrong += module_copy(to, from, n) != WAOT_OK;
                for (unsigned i = 0; i < sizeof expected; i++)
                    wrong += at[i] != expected[i];
                wrong += module_fill(from, 0x5a, n) != WAOT_OK;
                for (unsigned i = 0; i < sizeof expected; i++)
                    wrong += at[i] != (i - from < n ? 0x5a : expected[i]);
            }
    IS(wrong, 0);
}

/* The lowest byte of the stack that has been written to. */
static size_t lowest(void)
{
    size_t at = 0;
    while (at < BOARD_BELOW + BOARD_STACK && board_memory[at] == 0x5a)
        at++;
    return at;
}

static void stacks(void)
{
    uint32_t result = 0;
    uint64_t wide = 0;
    for (size_t i = 0; i < BOARD_BELOW + BOARD_STACK - 16384; i++)
        board_memory[i] = 0x5a;
    IS(module_recurse(1000, &result), WAOT_OK);
    IS(result, 1000);
    IS(module_recurse(100000000, &result), WAOT_TRAP_CALL_STACK_EXHAUSTED);
    IS(lowest() > BOARD_BELOW, 1);
    IS(lowest() < BOARD_BELOW + 32768, 1);
    IS(module_wide(1, &wide), WAOT_OK);
    IS(module_wide(100000000, &wide), WAOT_TRAP_CALL_STACK_EXHAUSTED);
    IS(lowest() >= BOARD_BELOW, 1);
    IS(module_add(3, 4, &result), WAOT_OK);
    IS(result, 7);
}

int board_main(void)
{
    before_it_is_made();
    calls();
    memories();
    copies();
    traps();
    stacks();
    board_print(failures ? "not all as expected\n" : "all as expected\n");
    return failures != 0;
}
