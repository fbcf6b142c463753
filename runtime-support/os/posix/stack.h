/* The size of the wasm stack, and of what is left free below it. */
#ifndef WAOT_STACK_H
#define WAOT_STACK_H

#include "../../core/process.h"
#include "../../include/waot_abi.h"

/* The widest frame that may be pushed without a probe, and more: it costs address space only, of which each thread takes
 * as much, and 32 bits have little. */
/* Two of LLVM's back ends make no probes: no function has a frame that is wider (waot/lowering/function.py). */
#if defined(__arm__) || defined(__loongarch__)
#define WAOT_STACK_GUARD (UINT64_C(64) << 20)
#elif UINTPTR_MAX == UINT32_MAX
#define WAOT_STACK_GUARD (UINT64_C(1) << 20)
#else
#define WAOT_STACK_GUARD (UINT64_C(16) << 20)
#endif
#define WAOT_STACK_DEFAULT (UINT64_C(8) << 20)

static inline uint64_t waot_stack_size(void)
{
    const unsigned char *at = waot_process.manifest;
    while ((size_t)(waot_process.manifest_end - at) >= sizeof(struct waot_record)) {
        const struct waot_record *record = (const struct waot_record *)at;
        at += sizeof *record;
        if (record->kind == WAOT_RECORD_END || record->size > (size_t)(waot_process.manifest_end - at))
            break;
        if (record->kind == WAOT_RECORD_STACK_SIZE && record->size == sizeof(uint64_t))
            return *(const uint64_t *)at;
        at += (record->size + UINT64_C(7)) & ~UINT64_C(7);
    }
    return WAOT_STACK_DEFAULT;
}

#endif
