/* What every start of a static ELF executable does, whatever the system: relocation, and finding the arguments. */
#ifndef WAOT_IMAGE_H
#define WAOT_IMAGE_H

#include "../core/process.h"
#include "../include/waot_abi.h"

#include <elf.h>

#define WAOT_HIDDEN __attribute__((visibility("hidden")))

#if UINTPTR_MAX > UINT32_MAX
typedef Elf64_Rela waot_relocation;
#elif defined(__riscv)
typedef Elf32_Rela waot_relocation;
#else
#define WAOT_ADDEND_IN_PLACE 1
typedef Elf32_Rel waot_relocation;
#endif

/* Linker script. Hidden for the reason given in process.h. */
extern const waot_relocation waot_rela_start[] WAOT_HIDDEN, waot_rela_end[] WAOT_HIDDEN;
extern const uintptr_t waot_relr_start[] WAOT_HIDDEN, waot_relr_end[] WAOT_HIDDEN;

/* Adds the load address to the pointers of a static PIE; an image at a fixed address has none. The linker layer has
 * checked that every entry is R_*_RELATIVE. RELR (generic ABI): an even entry is an address, an odd one a bitmap of the
 * 63 words that follow (31 where they have 32 bits). */
static void waot_relocate(void)
{
    uintptr_t base = (uintptr_t)waot_image_start;
    for (const waot_relocation *rela = waot_rela_start; rela < waot_rela_end; rela++)
#ifdef WAOT_ADDEND_IN_PLACE
        *(uintptr_t *)(base + rela->r_offset) += base;
#else
        *(uintptr_t *)(base + rela->r_offset) = base + (uintptr_t)rela->r_addend;
#endif
    uintptr_t *where = 0;
    for (const uintptr_t *relr = waot_relr_start; relr < waot_relr_end; relr++) {
        if (!(*relr & 1)) {
            where = (uintptr_t *)(base + *relr);
            *where++ += base;
        } else {
            uintptr_t bits = *relr >> 1;
            for (int i = 0; bits; i++, bits >>= 1)
                if (bits & 1)
                    where[i] += base;
            where += 8 * sizeof *relr - 1;
        }
    }
}

/* Where the kernel put them (System V ABI 3.4.1): argc, argv, null, envp, null. Gives what follows, the auxiliary vector. */
static const void *waot_read_arguments(uintptr_t *stack)
{
    waot_process.argc = (int)stack[0];
    waot_process.argv = (char **)(stack + 1);
    waot_process.envp = waot_process.argv + waot_process.argc + 1;
    char **end = waot_process.envp;
    while (*end)
        end++;
    return end + 1;
}

#endif
