/* Traps (core specification, section 4.2: execution that cannot go on) and how they are told.
 *
 *     waot: trap: integer divide by zero
 *         at divide (function 12, offset 0x1a4)
 *         at main (function 9, offset 0x133)
 *
 * A machine frame stands for a whole chain of inlined wasm functions. The line table knows the innermost, which is where
 * the offset lies; the function whose code the frame belongs to is told as "inlined in".
 */
#include "trap.h"

#include "../include/waot_abi.h"
#include "lines.h"
#include "process.h"

#define WAOT_FRAMES_FIRST 24u
#define WAOT_FRAMES_LAST 8u
#define WAOT_NAME_LIMIT 200u

struct waot_report {
    struct waot_unwinder unwinder;
    struct waot_place places[WAOT_FRAMES_FIRST + WAOT_FRAMES_LAST]; /* the last ones are a ring */
    uint64_t frames;
    size_t length;
    /* With threads all of it is written at once, or others might write in between. */
    char text[WAOT_THREADS ? 32 << 10 : 1024];
};
WAOT_COLD_DATA static struct waot_report waot_report;

static void waot_flush(void)
{
    waot_os_report(waot_report.text, waot_report.length);
    waot_report.length = 0;
}

static void waot_put_char(char c)
{
    if (waot_report.length == sizeof waot_report.text)
        waot_flush();
    waot_report.text[waot_report.length++] = c;
}

static void waot_put(const char *text)
{
    while (*text)
        waot_put_char(*text++);
}

static void waot_put_number(uint64_t value, unsigned base)
{
    char digits[20];
    unsigned count = 0;
    do {
        digits[count++] = "0123456789abcdef"[value % base];
        value /= base;
    } while (value);
    if (base == 16)
        waot_put("0x");
    while (count)
        waot_put_char(digits[--count]);
}

/* Names are the module's own words: control characters (C0, DEL, and C1 as UTF-8 has it) must not reach a terminal. */
static void waot_put_name(const char *name)
{
    for (unsigned i = 0; name[i]; i++) {
        unsigned char c = (unsigned char)name[i];
        unsigned char next = (unsigned char)name[i + 1];
        /* Cut between characters, not inside one. */
        if (i >= WAOT_NAME_LIMIT && (c & 0xc0) != 0x80) {
            waot_put("...");
            return;
        }
        if (c < 0x20 || c == 0x7f)
            waot_put_char('?');
        else if (c == 0xc2 && next >= 0x80 && next < 0xa0) {
            waot_put_char('?');
            i++;
        } else
            waot_put_char((char)c);
    }
}

static const struct waot_function *waot_find_function(uint32_t offset)
{
    uint64_t low = 0;
    uint64_t high = waot_module.function_count;
    while (low < high) {
        uint64_t middle = low + (high - low) / 2;
        const struct waot_function *function = &waot_module.functions[middle];
        if (offset < function->start)
            high = middle;
        else if (offset >= function->end)
            low = middle + 1;
        else
            return function;
    }
    return 0;
}

/* "NAME (function N", or "function N" where it has none; the caller goes on after ", " or closes. */
static int waot_put_function(const struct waot_function *function)
{
    const char *name = waot_module.names + function->name;
    if (function->name && *name) {
        waot_put_name(name);
        waot_put(" (");
    }
    waot_put("function ");
    waot_put_number(function->index & WAOT_FUNCTION_INDEX, 10);
    return function->name && *name;
}

static void waot_put_place(const struct waot_place *place)
{
    waot_put("    at ");
    const struct waot_function *function = place->offset ? waot_find_function(place->offset) : 0;
    /* The row at a machine function's start is its own only if it says the start of a body: no operator lies there. */
    const struct waot_function *outer = place->entry ? waot_find_function(place->entry) : 0;
    if (outer && outer->start != place->entry)
        outer = 0;
    if (!function) {
        /* Code of the function with no row of its own yet; the frame is real, so it is told. */
        if (outer)
            waot_put(waot_put_function(outer) ? ", offset unknown)" : ", offset unknown");
        else
            waot_put("an unknown function");
        waot_put("\n");
        return;
    }
    int named = waot_put_function(function);
    waot_put(", offset ");
    uint32_t part = function->index >> WAOT_FUNCTION_INDEX_BITS;
    waot_put_number(place->offset - (part ? waot_module.starts[part] : 0), 16);
    if (named)
        waot_put(")");
    if (outer && outer != function) {
        waot_put(", inlined in ");
        if (waot_put_function(outer))
            waot_put(")");
    }
    waot_put("\n");
}

static void waot_collect(void)
{
    struct waot_unwinder *unwinder = &waot_report.unwinder;
    do {
        int located = waot_unwind_locate(unwinder);
        uintptr_t pc = unwinder->registers.pc - !unwinder->exact;
        if (pc >= (uintptr_t)waot_wasm_text_start && pc < (uintptr_t)waot_wasm_text_end) {
            uint64_t slot = waot_report.frames++;
            if (slot >= WAOT_FRAMES_FIRST)
                slot = WAOT_FRAMES_FIRST + (slot - WAOT_FRAMES_FIRST) % WAOT_FRAMES_LAST;
            waot_report.places[slot].pc = pc;
            waot_report.places[slot].function = located ? unwinder->fde.start : pc;
        }
        if (!located)
            return;
    } while (waot_unwind_step(unwinder));
}

static void waot_backtrace(void)
{
    waot_collect();
    uint64_t frames = waot_report.frames;
    uint64_t held = frames < WAOT_FRAMES_FIRST + WAOT_FRAMES_LAST ? frames : WAOT_FRAMES_FIRST + WAOT_FRAMES_LAST;
    waot_lines_resolve(waot_report.places, (unsigned)held);
    for (uint64_t i = 0; i < held; i++) {
        uint64_t slot = i;
        if (frames > held && i >= WAOT_FRAMES_FIRST) {
            if (i == WAOT_FRAMES_FIRST) {
                waot_put("    ... ");
                waot_put_number(frames - held, 10);
                waot_put(" more frames ...\n");
            }
            slot = WAOT_FRAMES_FIRST + (frames - held + i - WAOT_FRAMES_FIRST) % WAOT_FRAMES_LAST;
        }
        waot_put_place(&waot_report.places[slot]);
    }
}

/* The frames of a throw that nobody catches are gone; the exception knows where it was. */
WAOT_THREAD_LOCAL uint32_t waot_thrown_at;

void waot_tell_trap(void)
{
    waot_trapped.told = true;
    waot_report.unwinder.registers = waot_trapped.registers;
    waot_report.unwinder.exact = waot_trapped.exact;
    waot_put("waot: trap: ");
    waot_put(waot_trapped.text);
    waot_put("\n");
    if (!WAOT_THREADS)
        waot_flush();
    if (waot_thrown_at) {
        struct waot_place place = { .offset = waot_thrown_at };
        waot_put_place(&place);
    } else {
        waot_backtrace();
    }
    waot_flush();
    waot_exit(134);
}

void waot_internal_error(int signal, const struct waot_registers *registers, uintptr_t address)
{
    if (WAOT_THREADS)
        waot_end_program();
    if (waot_trapped.told) { /* in the telling of a trap */
        waot_put("    (the backtrace ends in an error of its own)\n");
        waot_flush();
        waot_exit(134);
    }
    waot_trapped.told = true;
    waot_put("waot: internal error: signal ");
    waot_put_number((uint64_t)signal, 10);
    waot_put(" at pc ");
    waot_put_number(registers->pc, 16);
    waot_put(" address ");
    waot_put_number(address, 16);
    waot_put("\n");
    waot_flush();
    waot_report.unwinder.registers = *registers;
    waot_report.unwinder.exact = 1;
    waot_backtrace();
    waot_flush();
    waot_os_abort();
}

void waot_fatal(const char *message)
{
    if (WAOT_THREADS)
        waot_end_program();
    waot_put("waot: ");
    waot_put(message);
    waot_put("\n");
    waot_flush();
    waot_exit(134);
}
