/* The one way into the kernel. The stub is in <architecture>.S; numbers come from <sys/syscall.h>. */
#ifndef WAOT_SYSCALL_H
#define WAOT_SYSCALL_H

#include <sys/syscall.h>

/* The kernel's result: a value, or -errno in [-4095, -1]. Pass 0 for the arguments that a call does not have. */
long waot_syscall(long number, long a, long b, long c, long d, long e, long f);

#endif
