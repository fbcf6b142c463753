/* Performs the commands of a script of the official suite on the instances that it is linked with.
 *
 * The commands are data behind the manifest's last record: a sequence of records, made by tests/spec/table.py, whose
 * constants this file is compiled with. For each a line goes to standard output:
 *
 *     ok
 *     returned                    where something else was expected
 *     result NUMBER: 32 HEX DIGITS
 *     trap: TEXT
 *     exception
 *
 * It stands in place of the shim's `waot_main`, and its `waot_trap_hook` comes back here from a trap, on whatever stack
 * that happened.
 */
#include "core/process.h"
#include "core/trap.h"
#include "include/waot_abi.h"
#include "os/os.h"
#include "wasi/wasi.h"

struct waot_suite_command {
    uint8_t kind;
    uint8_t expected;
    uint16_t arguments;
    uint16_t checks;
    uint16_t message; /* bytes of the trap's text */
    uint32_t item;    /* number of an instance, or of an export */
    uint32_t size;    /* bytes of the record */
    struct waot_slot data[]; /* arguments, then checks, then the message with a NUL */
};
_Static_assert(sizeof(struct waot_suite_command) == WAOT_SUITE_COMMAND_BYTES, "table.py");

/* A result is right if its bits under the mask are the wanted ones, or if the check after it, for the same result, says
 * so. */
struct waot_suite_check {
    uint32_t result;
    uint32_t flags;
    uint64_t unused;
    struct waot_slot mask, wanted;
};
_Static_assert(sizeof(struct waot_suite_check) == WAOT_SUITE_CHECK_BYTES, "table.py");

static struct {
    void *frame;      /* of waot_suite_try */
    const char *trap; /* the text of the trap that ended the command, or null */
    void *exception;
    int busy; /* in a command */
    size_t length;
    char line[256];
    struct waot_slot slots[WAOT_SUITE_SLOTS];
} waot_suite;

/* try_<arch>.S: calls function(argument), 0; or 1 if waot_suite_throw(*frame) was called meanwhile. */
int waot_suite_try(void (*function)(const void *), const void *argument, void **frame);
_Noreturn void waot_suite_throw(void *frame);

/* What is done first; some programs have another one. */
void waot_suite_begin(void);
__attribute__((weak)) void waot_suite_begin(void)
{
}

static void waot_suite_put(const char *text)
{
    while (*text && waot_suite.length < sizeof waot_suite.line - 1)
        waot_suite.line[waot_suite.length++] = *text++;
}

static void waot_suite_put_hex(const struct waot_slot *slot)
{
    for (int i = 31; i >= 0; i--) {
        char digit[2] = {"0123456789abcdef"[slot->words[i / 16] >> (i % 16 * 4) & 15], 0};
        waot_suite_put(digit);
    }
}

static void waot_suite_put_number(uint32_t number)
{
    char digits[11];
    char *at = digits + sizeof digits;
    *--at = 0;
    do
        *--at = (char)('0' + number % 10);
    while (number /= 10);
    waot_suite_put(at);
}

static void waot_suite_end_line(void)
{
    waot_suite.line[waot_suite.length++] = '\n';
    for (size_t at = 0; at < waot_suite.length;) {
        struct waot_os_buffer buffer = {(uint8_t *)waot_suite.line + at, waot_suite.length - at};
        int64_t written = waot_os_write(waot_os_standard(1), &buffer, 1);
        if (written <= 0)
            waot_exit(WAOT_SUITE_STATUS);
        at += (size_t)written;
    }
    waot_suite.length = 0;
}

void waot_trap_hook(const char *text)
{
    if (!waot_suite.busy) /* a trap of the driver's own: told as ever */
        return;
    waot_suite.busy = 0;
    waot_suite.trap = text;
    waot_suite_throw(waot_suite.frame);
}

static void waot_suite_perform(const void *argument)
{
    const struct waot_suite_command *command = argument;
    waot_suite.busy = 1;
    if (command->kind == WAOT_SUITE_INSTANTIATE)
        waot_instances[command->item]();
    else {
        waot_export_function *function;
        *(void **)&function = waot_exports[command->item].item;
        waot_suite.exception = function(waot_suite.slots);
    }
    waot_suite.busy = 0;
}

static int waot_suite_starts_with(const char *text, const char *prefix)
{
    while (*prefix)
        if (*text++ != *prefix++)
            return 0;
    return 1;
}

/* The suite's texts are sometimes longer ("uninitialized element 7") and sometimes shorter than ours. */
static int waot_suite_is_message(const char *trap, const char *message)
{
    return waot_suite_starts_with(trap, message) || waot_suite_starts_with(message, trap);
}

static int waot_suite_holds(const struct waot_suite_check *check)
{
    const struct waot_slot *slot = &waot_suite.slots[check->result];
    if (check->flags & WAOT_SUITE_NOT_NULL && !slot->words[0])
        return 0;
    return (slot->words[0] & check->mask.words[0]) == check->wanted.words[0] &&
           (slot->words[1] & check->mask.words[1]) == check->wanted.words[1];
}

/* Writes the verdict on the results, which are all there. */
static void waot_suite_compare(const struct waot_suite_check *checks, unsigned count)
{
    for (unsigned i = 0; i < count; i++) {
        int right = waot_suite_holds(&checks[i]);
        while (checks[i].flags & WAOT_SUITE_OR_NEXT)
            right |= waot_suite_holds(&checks[++i]);
        if (!right) {
            waot_suite_put("result ");
            waot_suite_put_number(checks[i].result);
            waot_suite_put(": ");
            waot_suite_put_hex(&waot_suite.slots[checks[i].result]);
            return;
        }
    }
    waot_suite_put("ok");
}

static void waot_suite_do(const struct waot_suite_command *command)
{
    const struct waot_suite_check *checks = (const void *)(command->data + command->arguments);
    const char *message = (const char *)(checks + command->checks);
    for (unsigned i = 0; i < command->arguments; i++)
        waot_suite.slots[i] = command->data[i];
    waot_suite.trap = 0;
    waot_suite.exception = 0;
    waot_suite_try(waot_suite_perform, command, &waot_suite.frame);
    if (waot_suite.trap) {
        if (command->expected == WAOT_SUITE_TRAPS && waot_suite_is_message(waot_suite.trap, message))
            waot_suite_put("ok");
        else {
            waot_suite_put("trap: ");
            waot_suite_put(waot_suite.trap);
        }
    } else if (waot_suite.exception)
        waot_suite_put(command->expected == WAOT_SUITE_THROWS ? "ok" : "exception");
    else if (command->expected == WAOT_SUITE_RETURNS)
        waot_suite_compare(checks, command->checks);
    else
        waot_suite_put("returned");
    waot_suite_end_line();
}

void waot_main(void)
{
    waot_wasi_profile(); /* of waot_wasi_start, all that these programs have a use for */
    const unsigned char *at = waot_process.manifest;
    waot_suite_begin();
    for (;;) {
        const struct waot_record *record = (const void *)at;
        at += sizeof *record + ((record->size + UINT64_C(7)) & ~UINT64_C(7));
        if (record->kind == WAOT_RECORD_END)
            break;
    }
    at += -(uintptr_t)at & 15u;
    while (at < waot_process.manifest_end) {
        const struct waot_suite_command *command = (const void *)at;
        waot_suite_do(command);
        at += command->size;
    }
    waot_exit(0);
}
