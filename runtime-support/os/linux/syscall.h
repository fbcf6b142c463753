/* The one way into the kernel. The stub is in <architecture>.S or here; numbers come from <sys/syscall.h>. */
#ifndef WAOT_SYSCALL_H
#define WAOT_SYSCALL_H

#include <sys/syscall.h>

/* The kernel's result: a value, or -errno in [-4095, -1]. Pass 0 for the arguments that a call does not have. */
#ifndef __powerpc64__
long waot_syscall(long number, long a, long b, long c, long d, long e, long f);
#else
/* Inline: around a call of a stub a function saves and restores what it returns to, and each argument that there is not
 * would be a zero. An error is told by summary overflow, its number is positive then. */
#define WAOT_COUNTED(count) waot_syscall##count
#define WAOT_INLINE(count, second, third, fourth, fifth, sixth)                                                        \
    static inline long waot_syscall##count(long number, long a, long b, long c, long d, long e, long f)                \
    {                                                                                                                  \
        register long r0 __asm__("r0") = number, r3 __asm__("r3") = a, r4 __asm__("r4") = b, r5 __asm__("r5") = c;     \
        register long r6 __asm__("r6") = d, r7 __asm__("r7") = e, r8 __asm__("r8") = f;                                \
        __asm__ volatile("sc; bns+ 0f; neg 3, 3; 0:"                                                                   \
                         : "+r"(r0), "+r"(r3), second(r4), third(r5), fourth(r6), fifth(r7), sixth(r8)                 \
                         :                                                                                             \
                         : "r9", "r10", "r11", "r12", "cr0", "ctr", "xer", "memory");                                  \
        return r3;                                                                                                     \
    }
WAOT_INLINE(1, "=r", "=r", "=r", "=r", "=r")
WAOT_INLINE(2, "+r", "=r", "=r", "=r", "=r")
WAOT_INLINE(3, "+r", "+r", "=r", "=r", "=r")
WAOT_INLINE(4, "+r", "+r", "+r", "=r", "=r")
WAOT_INLINE(5, "+r", "+r", "+r", "+r", "=r")
WAOT_INLINE(6, "+r", "+r", "+r", "+r", "+r")
#endif

#endif
