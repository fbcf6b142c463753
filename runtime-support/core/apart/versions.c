/* Of a program that carries its code twice (waot/linker/versions.py), for two levels of the processor: which of it runs.
 *
 * Each version has state of its own. What the shim knows of the module is a copy of one version's: it is in place before
 * the module's first instruction. */
#include "../../include/waot_abi.h"

#include <cpuid.h>
#include <stdbool.h>
#include <stddef.h>

/* The level of the better version, x86-64-v2 to v4. */
extern const uint32_t waot_better_level;

extern const struct waot_module waot_module_first __asm__("waot_module.1");
extern const struct waot_module waot_module_better __asm__("waot_module.2");
/* Only modules that allocate objects have one. */
extern const struct waot_heap waot_heap_first __asm__("waot_heap.1") __attribute__((weak));
extern const struct waot_heap waot_heap_better __asm__("waot_heap.2") __attribute__((weak));

static void waot_choose(void);
static void waot_enter(void);
static void (*waot_chosen_entry)(void);

/* The compiler takes what these names are elsewhere for constants, so what has been looked at may not change. */
struct waot_module waot_chosen __asm__("waot_module") = {.instantiate = waot_choose, .entry = waot_enter};
struct waot_heap waot_chosen_heap __asm__("waot_heap");

/* What the System V ABI for x86-64 says of levels 2 to 4, by register of CPUID's answers. */
struct waot_level {
    uint32_t basic_c, extended_c, leaf7_b;
    uint32_t saved; /* of XCR0: registers that the system saves */
};
static const struct waot_level waot_levels[] = {
    {bit_SSE3 | bit_SSSE3 | bit_CMPXCHG16B | bit_SSE41 | bit_SSE42 | bit_POPCNT, bit_LAHF_LM, 0, 0},
    {bit_FMA | bit_MOVBE | bit_OSXSAVE | bit_AVX | bit_F16C, bit_LZCNT, bit_BMI | bit_AVX2 | bit_BMI2, 0x6},
    {0, 0, bit_AVX512F | bit_AVX512DQ | bit_AVX512CD | bit_AVX512BW | bit_AVX512VL, 0xe6},
};

static bool waot_has(const struct waot_level *level)
{
    uint32_t a, b, basic_c, c, extended_c = 0, leaf7_b = 0, d, saved = 0;
    if (!__get_cpuid(1, &a, &b, &basic_c, &d))
        return false;
    if (__get_cpuid_count(7, 0, &a, &b, &c, &d))
        leaf7_b = b;
    if (__get_cpuid(0x80000001, &a, &b, &c, &d))
        extended_c = c;
    if (basic_c & bit_OSXSAVE)
        __asm__("xgetbv" : "=a"(saved), "=d"(d) : "c"(0));
    return !(level->basic_c & ~basic_c) && !(level->extended_c & ~extended_c) && !(level->leaf7_b & ~leaf7_b) &&
           !(level->saved & ~saved);
}

static void waot_choose(void)
{
    bool better = true;
    for (uint32_t level = 2; level <= waot_better_level; level++)
        better &= waot_has(&waot_levels[level - 2]);
    const struct waot_module *module = better ? &waot_module_better : &waot_module_first;
    const struct waot_heap *heap = better ? &waot_heap_better : &waot_heap_first;
    waot_chosen.memories = module->memories;
    waot_chosen.memory_count = module->memory_count;
    waot_chosen.functions = module->functions;
    waot_chosen.names = module->names;
    waot_chosen.function_count = module->function_count;
    waot_chosen.starts = module->starts;
    waot_chosen_entry = module->entry;
    if (heap)
        waot_chosen_heap = *heap;
    module->instantiate();
}

static void waot_enter(void)
{
    waot_chosen_entry();
}
