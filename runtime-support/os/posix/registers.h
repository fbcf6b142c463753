/* DWARF numbers of the registers that unwinding names: System V ABI for x86-64 figure 3.36, AArch64 DWARF ABI 4.1,
 * RISC-V ABIs 1.0 section "DWARF register numbers", ELF ABI s390x supplement 1.6.2, 64-bit ELF V2 ABI for POWER 2.4,
 * LoongArch DWARF specification, System V ABI for i386 figure 2.14, DWARF for the Arm architecture 4.1. */
#ifndef WAOT_REGISTERS_H
#define WAOT_REGISTERS_H

#if defined(__x86_64__)
#define WAOT_REGISTER_SP 7
#define WAOT_REGISTER_RETURN 16
#elif defined(__aarch64__)
#define WAOT_REGISTER_SP 31
#define WAOT_REGISTER_RETURN 30
#elif defined(__i386__)
#define WAOT_REGISTER_SP 4
#define WAOT_REGISTER_RETURN 8
#elif defined(__arm__)
#define WAOT_REGISTER_SP 13
#define WAOT_REGISTER_RETURN 14
#define WAOT_CODE_ADDRESS(address) ((address) & ~(uintptr_t)1) /* odd where it is Thumb */
#elif defined(__riscv)
#define WAOT_REGISTER_SP 2
#define WAOT_REGISTER_RETURN 1
#elif defined(__s390x__)
#define WAOT_REGISTER_SP 15
#define WAOT_REGISTER_RETURN 14
/* The canonical frame address lies so far above the caller's stack pointer. */
#define WAOT_REGISTER_CFA 160
#elif defined(__powerpc64__)
#define WAOT_REGISTER_SP 1
#define WAOT_REGISTER_RETURN 65
#define WAOT_REGISTERS 66
#elif defined(__loongarch__)
#define WAOT_REGISTER_SP 3
#define WAOT_REGISTER_RETURN 1
#endif

#endif
