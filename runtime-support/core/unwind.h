/* Walking the native stack by the call frame information in .eh_frame. */
#ifndef WAOT_UNWIND_H
#define WAOT_UNWIND_H

#include <stdint.h>

#include "registers.h"

/* By DWARF number; which is which says registers.h in os/. The layout is known to waot_capture. */
#ifndef WAOT_REGISTERS
#define WAOT_REGISTERS 32
#endif
#ifndef WAOT_REGISTER_CFA
#define WAOT_REGISTER_CFA 0
#endif
/* Where code is that a pointer to it, or a return address, may say more of. */
#ifndef WAOT_CODE_ADDRESS
#define WAOT_CODE_ADDRESS(address) (address)
#endif
struct waot_registers {
    uintptr_t r[WAOT_REGISTERS];
    uintptr_t pc;
};

struct waot_fde {
    const unsigned char *at; /* the record, null if none covers the address */
    uintptr_t start, end;    /* the code that it covers */
};

#define WAOT_UNWIND_CACHE 128u

/* A fault before the function had its frame, on processors whose frame information does not follow prologues: the
 * registers are the caller's, and WAOT_REGISTER_RETURN is where it goes on. */
#define WAOT_UNFRAMED 2

struct waot_unwinder {
    struct waot_registers registers;
    int exact;            /* pc is the instruction itself (a fault), not the one after a call; or WAOT_UNFRAMED */
    struct waot_fde fde;  /* that covers pc, set by waot_unwind_locate */
    struct waot_fde cache[WAOT_UNWIND_CACHE]; /* by address: deep recursion meets few functions */
};

/* Where `pc` belongs: sets `fde`; 0 if no frame information covers it. */
__attribute__((unused)) static int waot_unwind_locate(struct waot_unwinder *unwinder);
/* To the caller's frame (after waot_unwind_locate); 0 at the end of the stack and wherever the information does not
 * make sense. Reads no memory outside .eh_frame and the wasm stack. */
__attribute__((unused)) static int waot_unwind_step(struct waot_unwinder *unwinder);

/* <architecture>.S in os/: the caller's registers. */
void waot_capture(struct waot_registers *registers);

#endif
