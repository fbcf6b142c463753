/* A module without a system: made once, in buffers that the caller gives, then called.
 *
 * What ends a call early (a trap, the end of the program) goes back to who made it: waot_none_enter keeps the registers
 * that a callee must save on the stack, waot_none_back takes them from there. Imports may call exports, so there is a
 * stack of such places.
 *
 * There is nothing in the way of a stack that grows too far, so each function that calls others compares the stack
 * pointer, its own frame made, with waot_stack_limit. Above the lowest address that it may use must therefore be room for
 * one frame that is made before the comparison, and for functions that make none.
 */
#include "none.h"

#include "../../core/memory.h"
#include "../../core/process.h"

struct waot_process waot_process = {.page_size = 1};

/* For core/table.c, which does not come to them: a table's maximum is what it begins with. */
const unsigned char waot_image_start[1], waot_image_end[1];

uintptr_t waot_stack_limit = UINTPTR_MAX;
/* Bytes; waot/linker/freestanding.py writes them here when it knows what frames there are, so nobody else may. */
__attribute__((used)) const volatile uint32_t waot_stack_margin = 1;

uint32_t waot_thrown_at;

struct waot_none_place {
    uintptr_t stack;
    struct waot_none_place *outer;
};

enum waot_none_stage { WAOT_NEW, WAOT_BEGUN, WAOT_READY };

struct waot_none_state {
    struct waot_none_place *innermost; /* null outside of calls */
    const struct waot_buffer *next;    /* for the next memory; null when all are made */
    enum waot_none_stage stage;
};
static struct waot_none_state waot_none_state;

static void waot_none_leave(struct waot_instance *instance, int status)
{
    (void)instance;
    if (!waot_none_state.innermost)
        __builtin_trap();
    waot_none_back(waot_none_state.innermost->stack, status > 0 ? status : WAOT_EXITED);
}

struct waot_instance waot_none_instance = {.leave = waot_none_leave};

static int waot_none_guarded(void *(*function)(struct waot_slot *), struct waot_slot *slots)
{
    struct waot_none_place place = {.outer = waot_none_state.innermost};
    waot_none_state.innermost = &place;
    int status = waot_none_enter(&place.stack, function, slots);
    waot_none_state.innermost = place.outer;
    return status;
}

/* ---------------------------------------------------------------- calls */

static void *waot_none_instantiate(struct waot_slot *slots)
{
    waot_module.instantiate();
    return slots;
}

static int waot_none_fits(const struct waot_environment *environment)
{
    for (uint64_t i = 0; i < waot_module.memory_count; i++) {
        uintptr_t bytes = waot_module.memories[i]->bytes;
        if (!environment->memories || environment->memories[i].size < bytes ||
            (bytes && !environment->memories[i].base))
            return 0;
    }
    return 1;
}

int32_t waot_none_init(const struct waot_environment *environment)
{
    if (waot_none_state.stage != WAOT_NEW)
        return WAOT_ALREADY;
    if (!waot_none_fits(environment))
        return WAOT_MEMORY_TOO_SMALL;
    uintptr_t low = (uintptr_t)environment->stack_low;
    uintptr_t limit = low + waot_stack_margin;
    if (!low || limit < low || (uintptr_t)__builtin_frame_address(0) < limit)
        return WAOT_STACK_TOO_SMALL;
    for (uint64_t i = 0; i < waot_module.memory_count; i++)
        waot_module.memories[i]->reserve = environment->memories[i].size;
    waot_none_state.stage = WAOT_BEGUN;
    waot_none_state.next = environment->memories;
    waot_stack_limit = limit;
    waot_none_instance.context = environment->context;
    waot_none_instance.memory = (const struct waot_view *)(const void *)waot_none_memory;
    int status = waot_none_guarded(waot_none_instantiate, 0);
    waot_none_state.next = 0;
    if (!status)
        waot_none_state.stage = WAOT_READY;
    return status;
}

int32_t waot_none_call(waot_export_function *function, struct waot_slot *slots)
{
    return waot_none_state.stage == WAOT_READY ? waot_none_guarded(function, slots) : WAOT_NOT_READY;
}

/* ---------------------------------------------------------------- traps */

enum waot_none_trap {
    WAOT_NONE_NO_TRAP,
#define WAOT_NUMBER(name, text) WAOT_NONE_TRAP_##name,
    WAOT_TRAPS(WAOT_NUMBER)
#undef WAOT_NUMBER
};

static _Noreturn void waot_none_trapped(int trap, void *address)
{
    waot_none_instance.trap_address = (uintptr_t)address;
    waot_none_back(waot_none_state.innermost->stack, trap);
}

/* Not inlined: the call's return address tells where the trap is. */
#define WAOT_DEFINE_TRAP(name, text)                                                   \
    __attribute__((noinline, cold)) _Noreturn void waot_trap_##name(void)              \
    {                                                                                  \
        waot_none_trapped(WAOT_NONE_TRAP_##name, __builtin_return_address(0));         \
    }
WAOT_TRAPS(WAOT_DEFINE_TRAP)
#undef WAOT_DEFINE_TRAP

/* core/ says so where a system refuses something; what is refused here has been checked before. */
_Noreturn void waot_fatal(const char *message)
{
    (void)message;
    waot_trap_out_of_memory();
}

/* ---------------------------------------------------------------- core/memory.h: a buffer for each memory, in order */

void *waot_os_reserve(uint64_t size)
{
    (void)size; /* what waot_none_init has put there */
    if (!waot_none_state.next)
        return 0;
    void *base = waot_none_state.next++->base;
    return base ? base : &waot_none_state; /* of no bytes, but null means that there is none */
}

void *waot_os_reserve_roomy(uint64_t size)
{
    return waot_os_reserve(size);
}

int waot_os_reserve_at(void *at, uint64_t size)
{
    (void)at, (void)size;
    return -1;
}

int waot_os_extend(void *at, uint64_t size)
{
    (void)at, (void)size;
    return -1;
}

int waot_os_commit(void *at, uint64_t size)
{
    __builtin_memset(at, 0, (size_t)size);
    return 0;
}

void waot_os_prefer_large_pages(void *at, uint64_t size)
{
    (void)at;
    (void)size;
}

void *waot_os_allocate_pages(uint64_t size)
{
    (void)size;
    return 0;
}

void waot_os_free_pages(void *at, uint64_t size)
{
    (void)at, (void)size;
}
