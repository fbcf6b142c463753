/* All system calls: what each becomes, and what is made of its result. */
#include "translator.h"

#include <fcntl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <time.h>

static void do_sysctl(void)
{
    int32_t name[2];
    uint64_t size;
    struct sysinfo machine;
    if (arguments[1] != 2 || !get(arguments[0], name, sizeof name) || name[0] != F_CTL_HW || name[1] != F_HW_PHYSMEM)
        fail("sysctl of something else than the memory's size");
    sysinfo(&machine);
    const uint64_t bytes = (uint64_t)machine.totalram * machine.mem_unit;
    if (confined)
        become_done(-F_EPERM);
    else if (!get(arguments[3], &size, sizeof size) || size < sizeof bytes)
        become_done(-F_ENOMEM);
    else
        become_done(put(arguments[2], &bytes, sizeof bytes) ? 0 : -F_EFAULT);
}

static void do_umtx(void)
{
    struct timespec time;
    uint64_t timeout = 0;
    if (arguments[4] != 0) {
        if (arguments[3] != sizeof time || !get(arguments[4], &time, sizeof time))
            fail("_umtx_op's time");
        timeout = placed(&time, sizeof time);
    }
    static const struct pair operations[] = {
        {F_UMTX_OP_WAIT_UINT_PRIVATE, 128}, {F_UMTX_OP_WAKE_PRIVATE, 129}, {UINT64_MAX, 0}};
    become(SYS_futex, arguments[0], map_value("_umtx_op", arguments[1], operations), arguments[2], timeout, 0, 0);
}

static void do_clock(long number)
{
    static const struct pair clocks[] = {{F_CLOCK_REALTIME, CLOCK_REALTIME},
                                         {F_CLOCK_MONOTONIC, CLOCK_MONOTONIC},
                                         {F_CLOCK_PROCESS_CPUTIME_ID, CLOCK_PROCESS_CPUTIME_ID},
                                         {F_CLOCK_THREAD_CPUTIME_ID, CLOCK_THREAD_CPUTIME_ID},
                                         {UINT64_MAX, 0}};
    become(number, map_value("a clock", arguments[0], clocks), arguments[1], 0, 0, 0, 0);
}

static void do_futimens(void)
{
    struct timespec times[2];
    get_times(arguments[1], times);
    become(SYS_utimensat, arguments[0], 0, placed(times, sizeof times), 0, 0, 0);
}

static long unlinked(long result)
{
    return result == -EISDIR ? -F_EPERM : result_of(result);
}

void on_call(void)
{
    ptrace(PTRACE_GETREGS, thread, 0, &registers);
    const uint64_t number = registers.orig_rax;
    const uint64_t given[6] = {registers.rdi, registers.rsi, registers.rdx, registers.r10, registers.r8, registers.r9};
    memcpy(arguments, given, sizeof given);
    finish = NULL;
    done_here = error_is_value = false;
    switch (number) {
    case F_SYS_exit:
        renumber(SYS_exit_group);
        break;
#define SAME(name)       \
    case F_SYS_##name:       \
        renumber(SYS_##name); \
        break;
        SAME(read) SAME(write) SAME(close) SAME(getpid) SAME(readv) SAME(writev) SAME(fsync) SAME(fdatasync) SAME(lseek)
        SAME(ftruncate) SAME(mprotect) SAME(munmap) SAME(sched_yield) SAME(getrandom) SAME(listen) SAME(shutdown)
        SAME(preadv) SAME(pwritev)
#undef SAME
    case F_SYS_pread:
        renumber(SYS_pread64);
        break;
    case F_SYS_pwrite:
        renumber(SYS_pwrite64);
        break;
    case F_SYS_fstat:
        renumber(SYS_fstat);
        finish = got_stat;
        break;
    case F_SYS_mkdirat:
        check_name(arguments[0], arguments[1]);
        renumber(SYS_mkdirat);
        break;
    case F_SYS_symlinkat:
        check_name(arguments[1], arguments[2]);
        renumber(SYS_symlinkat);
        break;
    case F_SYS_readlinkat:
        if (confined) /* before that it is the one who starts the program that names */
            check_name(arguments[0], arguments[1]);
        renumber(SYS_readlinkat);
        break;
    case F_SYS_linkat:
        check_name(arguments[0], arguments[1]);
        check_name(arguments[2], arguments[3]);
        become(SYS_linkat, arguments[0], arguments[1], arguments[2], arguments[3], 0, 0);
        break;
    case F_SYS_renameat:
        check_name(arguments[0], arguments[1]);
        check_name(arguments[2], arguments[3]);
        renumber(SYS_renameat);
        break;
    case F_SYS_unlinkat:
        check_name(arguments[0], arguments[1]);
        become(SYS_unlinkat, arguments[0], arguments[1], arguments[2] == F_AT_REMOVEDIR ? AT_REMOVEDIR : 0, 0, 0, 0);
        finish = unlinked;
        break;
    case F_SYS_posix_fallocate:
        become(SYS_fallocate, arguments[0], 0, arguments[1], arguments[2], 0, 0);
        error_is_value = true;
        break;
    case F_SYS_posix_fadvise:
        renumber(SYS_fadvise64); /* the advices have the same numbers */
        error_is_value = true;
        break;
    case F_SYS_kill:
        if (confined && (pid_t)arguments[0] != program)
            become_done(-F_ECAPMODE);
        else
            become(SYS_kill, arguments[0], arguments[1] < 129 ? linux_signals[arguments[1]] : 0, 0, 0, 0, 0);
        break;
    case F_SYS_sigaltstack:
        become_done(get(arguments[0], &signal_stack, sizeof signal_stack) ? 0 : -F_EFAULT);
        break;
    case F_SYS_issetugid:
        become_done(0);
        break;
    case F_SYS_cap_enter:
        confined = true;
        become_done(0);
        break;
    case F_SYS_socket:
        become(SYS_socket, map_value("socket", arguments[0], families),
               map_flags("socket", arguments[1], socket_flags), arguments[2], 0, 0, 0);
        break;
    case F_SYS_bind:
        if (confined)
            become_done(-F_ECAPMODE);
        else
            do_bind();
        break;
    case F_SYS_accept4:
        become(SYS_accept4, arguments[0], arguments[1], arguments[2],
               map_flags("accept4", arguments[3], socket_flags), 0, 0);
        break;
    case F_SYS_getsockopt:
        do_option(SYS_getsockopt);
        break;
    case F_SYS_setsockopt:
        do_option(SYS_setsockopt);
        break;
    case F_SYS_recvmsg:
        do_message(SYS_recvmsg);
        break;
    case F_SYS_sendmsg:
        do_message(SYS_sendmsg);
        break;
    case F_SYS_clock_gettime:
        do_clock(SYS_clock_gettime);
        break;
    case F_SYS_clock_getres:
        do_clock(SYS_clock_getres);
        break;
#define OWN(name)       \
    case F_SYS_##name:  \
        do_##name();    \
        break;
        OWN(openat) OWN(fstatat) OWN(utimensat) OWN(futimens) OWN(getdirentries) OWN(fcntl) OWN(mmap) OWN(ioctl) OWN(ppoll)
        OWN(sigaction) OWN(sigprocmask) OWN(thr_new) OWN(thr_exit) OWN(thr_self) OWN(thr_kill) OWN(sysarch)
#undef OWN
    case F_SYS___sysctl:
        do_sysctl();
        break;
    case F_SYS__umtx_op:
        do_umtx();
        break;
    default:
        fail("system call %ld", number);
    }
    ptrace(PTRACE_SETREGS, thread, 0, &registers);
}

void on_result(void)
{
    ptrace(PTRACE_GETREGS, thread, 0, &registers);
    const uint64_t creating = arguments[2] & (F_O_CREAT | F_O_TRUNC | 3);
    /* Somebody renames: Linux wants to be asked again. And FreeBSD opens a directory that is to be made as a file. */
    bool directory = finish == opened && (long)registers.rax == -EISDIR && creating == F_O_CREAT;
    if (directory || (finish == opened && (long)registers.rax == -EAGAIN)) {
        const uint64_t flags = arguments[2] & ~(uint64_t)(directory ? F_O_CREAT : 0);
        become(0, arguments[0], arguments[1], flags, arguments[3], arguments[4], arguments[5]);
        registers.rax = F_SYS_openat;
        registers.rip -= 2;
        ptrace(PTRACE_SETREGS, thread, 0, &registers);
        return;
    }
    long result = done_here ? done_with : finish != NULL ? finish((long)registers.rax) : result_of((long)registers.rax);
    bool failed = result < 0 && result >= -4095;
    if (failed && error_is_value)
        failed = false, result = -result;
    registers.rax = (uint64_t)(failed ? -result : result);
    registers.eflags = failed ? registers.eflags | 1 : registers.eflags & ~UINT64_C(1);
    /* What FreeBSD's kernel does not keep. */
    registers.r8 = registers.r9 = registers.r10 = 0;
    registers.rdx = 0x5a5a5a5a;
    registers.rdi = arguments[0];
    registers.rsi = arguments[1];
    ptrace(PTRACE_SETREGS, thread, 0, &registers);
}
