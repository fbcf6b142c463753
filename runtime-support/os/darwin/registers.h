/* DWARF numbers of the registers that unwinding names: System V ABI for x86-64 figure 3.36, AArch64 DWARF ABI 4.1. */
#ifndef WAOT_REGISTERS_H
#define WAOT_REGISTERS_H

#if defined(__x86_64__)
#define WAOT_REGISTER_SP 7
#define WAOT_REGISTER_RETURN 16
#elif defined(__aarch64__)
#define WAOT_REGISTER_SP 31
#define WAOT_REGISTER_RETURN 30
#endif

#endif
