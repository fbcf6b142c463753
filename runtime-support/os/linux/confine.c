/* Giving up what the program does not need: no_new_privs, and a filter of system calls (seccomp(2)).
 *
 * The filters are made when the program is built (waot/linker/confine.py); only the process's own number is not known
 * there. They end with the process what they do not allow, so whoever adds a system call to the shim adds it there too.
 */
#include "../../core/process.h"
#include "system.h"

enum {
    WAOT_LINUX_PR_SET_NO_NEW_PRIVS = 38,
    WAOT_LINUX_SET_MODE_FILTER = 1,
    /* Before Linux 5.16 a filter slows every load behind a store, against attacks of a program on itself. */
    WAOT_LINUX_SPEC_ALLOW = 4,
    WAOT_LINUX_FILTER_ROOM = 256,
};

/* struct sock_filter and struct sock_fprog. */
struct waot_linux_instruction {
    uint16_t code;
    uint8_t yes, no;
    uint32_t k;
};
struct waot_linux_program {
    uint16_t count;
    const struct waot_linux_instruction *instructions;
};

/* What a record has, one after the other: those for fewer grants first, the last one for all. */
struct waot_linux_filter {
    uint32_t grants; /* WAOT_CONFINE_* that it is for */
    uint32_t count;
    struct waot_linux_instruction instructions[];
};

/* In a comparison: this process. */
#define WAOT_LINUX_PROCESS UINT32_MAX

/* Short, because it stands in every program: the calls here have no more arguments, of which prctl wants zeros. */
__attribute__((noinline)) static long waot_linux_call(long number, long a, long b, const void *c)
{
    return WAOT_CALL(number, a, b, c, 0, 0);
}

static bool waot_linux_has_sockets(void)
{
    for (long handle = 0; handle < 3; handle++) {
        int type;
        if (waot_call_getsockopt(handle, SOL_SOCKET, SO_TYPE, &type) >= 0)
            return true;
    }
    return false;
}

static long waot_linux_install(const struct waot_linux_filter *filter)
{
    struct waot_linux_instruction instructions[WAOT_LINUX_FILTER_ROOM];
    const struct waot_linux_program program = {(uint16_t)filter->count, instructions};
    const uint32_t process = (uint32_t)waot_linux_call(SYS_getpid, 0, 0, NULL);
    for (uint32_t i = 0; i < filter->count; i++) {
        instructions[i] = filter->instructions[i];
        if (instructions[i].k == WAOT_LINUX_PROCESS)
            instructions[i].k = process;
    }
    long result = waot_linux_call(SYS_prctl, WAOT_LINUX_PR_SET_NO_NEW_PRIVS, 1, NULL);
    if (result < 0)
        return result;
    /* Linux before 4.17 does not know the flag. */
    for (long flag = WAOT_LINUX_SPEC_ALLOW;; flag = 0) {
        result = waot_linux_call(SYS_seccomp, WAOT_LINUX_SET_MODE_FILTER, flag, &program);
        if (result != -EINVAL || flag == 0)
            return result;
    }
}

void waot_os_confine(const void *filters, size_t size, uint32_t grants, bool required)
{
    const struct waot_linux_filter *filter = filters;
    const char *end = (const char *)filters + size;
    if ((filter->grants & WAOT_CONFINE_SOCKETS) == 0 && waot_linux_has_sockets())
        grants |= WAOT_CONFINE_SOCKETS;
    for (;;) {
        const void *next = filter->instructions + filter->count;
        if ((grants & ~filter->grants) == 0 || next == end)
            break;
        filter = next;
    }
    if (waot_linux_install(filter) < 0 && required) {
        static const char refused[] = "waot: the system refuses to filter its calls\n";
        waot_os_ignore_write_signals();
        waot_linux_call(SYS_write, 2, (long)refused, (const void *)(sizeof refused - 1));
        waot_exit(1);
    }
}
