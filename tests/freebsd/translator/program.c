/* The program that is traced: its memory, and the system call that it is at. */
#include "translator.h"

#include <stdarg.h>
#include <sys/uio.h>

pid_t program;
bool faults_are_bus, confined;
struct user_regs_struct registers;
uint64_t arguments[6];
long (*finish)(long result);
bool done_here;
long done_with;
bool error_is_value;

void fail(const char *format, ...)
{
    char text[400];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    dprintf(2, "translator: %.*s\n", size, text);
    kill(program, SIGKILL);
    _exit(97);
}

/* ---------------------------------------------------------------- its memory */

bool get(uint64_t from, void *to, size_t size)
{
    struct iovec here = {to, size}, there = {(void *)from, size};
    return process_vm_readv(program, &here, 1, &there, 1, 0) == (ssize_t)size;
}

bool put(uint64_t to, const void *from, size_t size)
{
    struct iovec here = {(void *)from, size}, there = {(void *)to, size};
    return process_vm_writev(program, &here, 1, &there, 1, 0) == (ssize_t)size;
}

/* A path or a name; 0 or minus one of FreeBSD's errors. */
long get_text(uint64_t from, char to[4096])
{
    for (size_t size = 0; size < 4096; size++) {
        if (!get(from + size, to + size, 1))
            return -F_EFAULT;
        if (to[size] == '\0')
            return 0;
    }
    return -F_ENAMETOOLONG;
}

/* ---------------------------------------------------------------- its call */

/* Room below the program's stack, where the kernel finds what we write for it. */
static uint64_t scratch(size_t size)
{
    return (registers.rsp - RED_ZONE - 4096 - size) & ~UINT64_C(63);
}

void become(long number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f)
{
    registers.orig_rax = (uint64_t)number;
    registers.rdi = a, registers.rsi = b, registers.rdx = c, registers.r10 = d, registers.r8 = e, registers.r9 = f;
}

void renumber(long number)
{
    become(number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4], arguments[5]);
}

void become_done(long result)
{
    done_here = true;
    done_with = result;
    registers.orig_rax = UINT64_MAX;
}

uint64_t placed(const void *data, size_t size)
{
    uint64_t at = scratch(size);
    if (!put(at, data, size))
        fail("no room below the stack");
    return at;
}
