/* What core/ must know of the machine that it is compiled for. */
#ifndef WAOT_MACHINE_H
#define WAOT_MACHINE_H

#include <stdint.h>

#define WAOT_32_BIT (UINTPTR_MAX == UINT32_MAX)

#ifdef __i386__
#define WAOT_DIVIDES_64_BY_32 1 /* div */
#else
#define WAOT_DIVIDES_64_BY_32 0
#endif

/* There are no vectors, so code that copies by them is large, and on RISC-V makes most accesses a byte at a time. */
#ifndef WAOT_SMALL_COPIES
#if (defined(__riscv) && __riscv_xlen == 32) || (defined(__ARM_ARCH_PROFILE) && __ARM_ARCH_PROFILE == 'M')
#define WAOT_SMALL_COPIES 1
#else
#define WAOT_SMALL_COPIES 0
#endif
#endif

/* Large blocks are worth registers that not every processor of the architecture has, and finding out. Where there is no
 * system, nobody says whether they are saved. */
#ifndef WAOT_LARGE_COPIES
#if defined(__x86_64__) && (defined(__linux__) || defined(_WIN32) || defined(__FreeBSD__) || defined(__APPLE__))
#define WAOT_LARGE_COPIES 1
#else
#define WAOT_LARGE_COPIES 0
#endif
#endif

/* What rounds is an object of its own, core/apart/rounding.c. */
#ifdef _WIN32
#define WAOT_ROUNDING_APART 1
#else
#define WAOT_ROUNDING_APART 0
#endif

/* Words may be at any address. */
#ifndef WAOT_WORDS_ANYWHERE
#ifdef __ARM_FEATURE_UNALIGNED
#define WAOT_WORDS_ANYWHERE 1
#else
#define WAOT_WORDS_ANYWHERE 0
#endif
#endif

/* Run-time ABI for the Arm architecture: names of its own for what other architectures call __divdi3 and so on, and floats
 * in general registers whatever other functions do. */
#ifdef __arm__
#define WAOT_ARM_RUN_TIME_ABI 1
#define WAOT_BASE_CALL __attribute__((pcs("aapcs")))
#else
#define WAOT_ARM_RUN_TIME_ABI 0
#define WAOT_BASE_CALL
#endif

/* Floats, or doubles at least, are computed without a unit for them. */
#if defined(__riscv) && !defined(__riscv_flen)
#define WAOT_SOFT_FLOATS 1
#else
#define WAOT_SOFT_FLOATS 0
#endif
#if WAOT_SOFT_FLOATS || (defined(__arm__) && !(__ARM_FP & 8))
#define WAOT_SOFT_DOUBLES 1
#else
#define WAOT_SOFT_DOUBLES 0
#endif

/* No instruction accesses 64 bits at once. */
#if defined(__riscv) && __riscv_xlen == 32
#define WAOT_ATOMICS_64_ARE_CALLS 1
#else
#define WAOT_ATOMICS_64_ARE_CALLS 0
#endif
#if defined(__riscv) && !defined(__riscv_atomic)
#define WAOT_ATOMICS_32_ARE_CALLS 1
#else
#define WAOT_ATOMICS_32_ARE_CALLS 0
#endif

#endif
