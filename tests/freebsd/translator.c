/* Runs a static x86-64 program of FreeBSD's on Linux: translator [-b] [-0 NAME] PROGRAM [ARGUMENT...]
 *
 * The process becomes the program; a second one, which it starts first, traces it (ptrace(2)). The tracer plays FreeBSD's
 * kernel: it enters the program as that does, and at each system call turns number, flags, structures and errors into
 * Linux's and back. What has no equivalent it does itself. Signals are delivered in FreeBSD's frame. With -b a page that
 * may not be touched is SIGBUS, as machdep.prot_fault_translation can have it.
 *
 * What FreeBSD would refuse or do differently and a program of waot's depends on is done as there: the brand of the file,
 * capability mode, registers that a call does not keep, errors that are told as values, names with slashes.
 * What a program of waot's does not do is not here: it ends the program with a message.
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/openat2.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/sysinfo.h>
#include <sys/uio.h>
#include <sys/user.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "abi.h"

/* A handler returns to this address, which is not mapped: FreeBSD's trampoline would make sigreturn there. */
#define RETURN_ADDRESS UINT64_C(0x7ffff0000000)
#define RED_ZONE 128

static pid_t program;
static bool faults_are_bus, confined;
static struct f_sigaction actions[65]; /* by Linux's number */
static struct f_stack signal_stack;

static void fail(const char *format, ...)
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

/* ---------------------------------------------------------------- the program's memory */

static bool get(uint64_t from, void *to, size_t size)
{
    struct iovec here = {to, size}, there = {(void *)from, size};
    return process_vm_readv(program, &here, 1, &there, 1, 0) == (ssize_t)size;
}

static bool put(uint64_t to, const void *from, size_t size)
{
    struct iovec here = {(void *)from, size}, there = {(void *)to, size};
    return process_vm_writev(program, &here, 1, &there, 1, 0) == (ssize_t)size;
}

/* A path or a name; 0 or minus one of FreeBSD's errors. */
static long get_text(uint64_t from, char to[4096])
{
    for (size_t size = 0; size < 4096; size++) {
        if (!get(from + size, to + size, 1))
            return -F_EFAULT;
        if (to[size] == '\0')
            return 0;
    }
    return -F_ENAMETOOLONG;
}

/* ---------------------------------------------------------------- errors, signals, flags */

#define ERROR_BY_LINUX(name, value) [E##name] = value,
#pragma GCC diagnostic ignored "-Winitializer-overrides"
static const uint8_t errors[134] = {FREEBSD_ERRORS(ERROR_BY_LINUX)};
#define SIGNAL_BY_LINUX(name, value) [SIG##name] = value,
static const uint8_t signals[65] = {FREEBSD_SIGNALS(SIGNAL_BY_LINUX)};
#define SIGNAL_BY_FREEBSD(name, value) [value] = SIG##name,
static const uint8_t linux_signals[129] = {FREEBSD_SIGNALS(SIGNAL_BY_FREEBSD)};

/* A result of Linux's as one of FreeBSD's, minus its error. */
static long result_of(long result)
{
    if (result >= 0 || result < -4095)
        return result;
    if (result <= -512) /* restarted where no handler comes between: a program of waot's does it itself */
        return -F_EINTR;
    if (result < -133 || errors[-result] == 0)
        fail("error %ld of Linux has no equivalent", -result);
    return -errors[-result];
}

static long own_result(long result)
{
    return result_of(result < 0 ? -errno : result);
}

static uint64_t signal_set(const struct f_sigset *from)
{
    uint64_t set = 0;
    for (int number = 1; number <= 128; number++)
        if ((from->bits[(number - 1) / 32] >> (number - 1) % 32 & 1) != 0 && linux_signals[number] != 0)
            set |= UINT64_C(1) << (linux_signals[number] - 1);
    return set;
}

struct pair {
    uint64_t theirs, ours;
};

static uint64_t map_flags(const char *what, uint64_t from, const struct pair *pairs)
{
    uint64_t to = 0;
    for (; pairs->theirs != 0; pairs++) {
        if ((from & pairs->theirs) == pairs->theirs) {
            to |= pairs->ours;
            from &= ~pairs->theirs;
        }
    }
    if (from != 0)
        fail("%s with flags %#lx", what, from);
    return to;
}

static uint64_t map_value(const char *what, uint64_t from, const struct pair *pairs)
{
    for (; pairs->theirs != UINT64_MAX; pairs++)
        if (pairs->theirs == from)
            return pairs->ours;
    fail("%s with value %#lx", what, from);
    return 0;
}

static const struct pair open_flags[] = {
    {F_O_NONBLOCK, O_NONBLOCK}, {F_O_APPEND, O_APPEND}, {F_O_SYNC, O_SYNC},           {F_O_NOFOLLOW, O_NOFOLLOW},
    {F_O_CREAT, O_CREAT},       {F_O_TRUNC, O_TRUNC},   {F_O_EXCL, O_EXCL},           {F_O_NOCTTY, O_NOCTTY},
    {F_O_SEARCH, O_PATH},       {F_O_CLOEXEC, O_CLOEXEC}, {F_O_DIRECTORY, O_DIRECTORY}, {F_O_DSYNC, O_DSYNC},
    {F_O_RESOLVE_BENEATH, 0},   {0, 0},
};

static int freebsd_status(long flags)
{
    int to = (int)(flags & O_ACCMODE);
    to |= (flags & O_NONBLOCK) != 0 ? F_O_NONBLOCK : 0;
    to |= (flags & O_APPEND) != 0 ? F_O_APPEND : 0;
    to |= (flags & O_SYNC) == O_SYNC ? F_O_SYNC : (flags & O_DSYNC) != 0 ? F_O_DSYNC : 0;
    return to;
}

/* ---------------------------------------------------------------- at a system call */

static struct user_regs_struct registers;
static uint64_t arguments[6];
/* At the end of the call: what is to be made of its result, or the result if we did it ourselves. */
static long (*finish)(long result);
static bool done_here;
static long done_with;
static bool error_is_value;

/* Room below the program's stack, where the kernel finds what we write for it. */
static uint64_t scratch(size_t size)
{
    return (registers.rsp - RED_ZONE - 4096 - size) & ~UINT64_C(63);
}

static void become(long number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f)
{
    registers.orig_rax = (uint64_t)number;
    registers.rdi = a, registers.rsi = b, registers.rdx = c, registers.r10 = d, registers.r8 = e, registers.r9 = f;
}

static void renumber(long number)
{
    become(number, arguments[0], arguments[1], arguments[2], arguments[3], arguments[4], arguments[5]);
}

static void become_done(long result)
{
    done_here = true;
    done_with = result;
    registers.orig_rax = UINT64_MAX;
}

static uint64_t placed(const void *data, size_t size)
{
    uint64_t at = scratch(size);
    if (!put(at, data, size))
        fail("no room below the stack");
    return at;
}

/* ---------------------------------------------------------------- paths */

/* The program's directory `handle`, in this process; -1 with errno. */
static int open_root(uint64_t handle)
{
    char name[64];
    snprintf(name, sizeof name, "/proc/%d/fd/%d", program, (int)handle);
    int root = open(name, O_PATH | O_CLOEXEC);
    if (root < 0 && errno == ENOENT)
        errno = EBADF;
    struct stat stat;
    if (root >= 0 && fstat(root, &stat) == 0 && !S_ISDIR(stat.st_mode)) {
        close(root);
        errno = ENOTDIR;
        return -1;
    }
    return root;
}

/* What stands at a path, without opening it; a descriptor here or minus one of FreeBSD's errors. */
static long open_place(uint64_t directory, uint64_t path, bool beneath, bool follow)
{
    char text[4096];
    long result = get_text(path, text);
    if (result < 0)
        return result;
    if (confined && (int)directory == F_AT_FDCWD)
        return -F_ECAPMODE;
    int root = (int)directory == F_AT_FDCWD ? AT_FDCWD : open_root(directory);
    if (root == -1)
        return own_result(-1);
    struct open_how how = {.flags = O_PATH | O_CLOEXEC | (follow ? 0 : O_NOFOLLOW)};
    how.resolve = beneath || confined ? RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS : 0;
    do
        result = syscall(SYS_openat2, root, text, &how, sizeof how);
    while (result < 0 && errno == EAGAIN);
    result = result < 0 && errno == EXDEV ? -F_ENOTCAPABLE : own_result(result);
    if (root >= 0)
        close(root);
    return result;
}

static bool is_link(uint64_t directory, uint64_t path)
{
    long place = open_place(directory, path, false, false);
    struct stat stat;
    bool link = place >= 0 && fstat((int)place, &stat) == 0 && S_ISLNK(stat.st_mode);
    if (place >= 0)
        close((int)place);
    return link;
}

/* Calls that have no flag to stay beneath a directory: waot gives them plain names. */
static void check_name(uint64_t directory, uint64_t path)
{
    char text[4096];
    if (get_text(path, text) == 0 && (strchr(text, '/') != NULL || strcmp(text, ".") == 0 || strcmp(text, "..") == 0))
        fail("a name that could lead elsewhere: %s", text);
    if (confined && (int)directory == F_AT_FDCWD)
        fail("a name in the current directory in capability mode: %s", text);
}

static long opened(long result)
{
    bool nofollow = (arguments[2] & F_O_NOFOLLOW) != 0;
    if (result == -EXDEV)
        return -F_ENOTCAPABLE;
    if ((result == -ELOOP || result == -ENOTDIR) && nofollow && is_link(arguments[0], arguments[1]))
        return -F_EMLINK;
    return result_of(result);
}

static void do_openat(void)
{
    uint64_t flags = map_flags("openat", arguments[2] & ~UINT64_C(3), open_flags) | (arguments[2] & 3);
    bool beneath = (arguments[2] & F_O_RESOLVE_BENEATH) != 0 || confined;
    if (confined && (int)arguments[0] == F_AT_FDCWD) {
        become_done(-F_ECAPMODE);
        return;
    }
    if ((flags & O_PATH) != 0)
        flags &= O_PATH | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC;
    struct open_how how = {.flags = flags, .mode = (flags & O_CREAT) != 0 ? arguments[3] : 0};
    how.resolve = beneath ? RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS : 0;
    become(SYS_openat2, arguments[0], arguments[1], placed(&how, sizeof how), sizeof how, 0, 0);
    finish = opened;
}

/* ---------------------------------------------------------------- attributes */

static struct f_timespec time_of(struct timespec time)
{
    return (struct f_timespec){time.tv_sec, time.tv_nsec};
}

static bool put_stat(uint64_t to, const struct stat *from)
{
    struct f_stat stat = {
        .st_dev = from->st_dev,
        .st_ino = from->st_ino,
        .st_nlink = from->st_nlink,
        .st_mode = (uint16_t)from->st_mode,
        .st_bsdflags = -1,
        .st_uid = from->st_uid,
        .st_gid = from->st_gid,
        .st_rdev = from->st_rdev,
        .st_atim = time_of(from->st_atim),
        .st_mtim = time_of(from->st_mtim),
        .st_ctim = time_of(from->st_ctim),
        .st_birthtim = {-1, -1},
        .st_size = from->st_size,
        .st_blocks = from->st_blocks,
        .st_blksize = (int32_t)from->st_blksize,
    };
    return put(to, &stat, sizeof stat);
}

static long got_stat(long result)
{
    struct stat stat; /* the C library's is the kernel's */
    if (result < 0)
        return result_of(result);
    return get(arguments[1], &stat, sizeof stat) && put_stat(arguments[1], &stat) ? 0 : -F_EFAULT;
}

static void do_fstatat(void)
{
    uint64_t known = F_AT_SYMLINK_NOFOLLOW | F_AT_RESOLVE_BENEATH;
    if ((arguments[3] & ~known) != 0)
        fail("fstatat with flags %#lx", arguments[3]);
    long place = open_place(arguments[0], arguments[1], (arguments[3] & F_AT_RESOLVE_BENEATH) != 0,
                            (arguments[3] & F_AT_SYMLINK_NOFOLLOW) == 0);
    long result = place;
    struct stat stat;
    if (place >= 0) {
        result = own_result(fstat((int)place, &stat));
        close((int)place);
    }
    if (result == 0 && !put_stat(arguments[2], &stat))
        result = -F_EFAULT;
    become_done(result);
}

static void get_times(uint64_t from, struct timespec to[2])
{
    struct f_timespec times[2];
    if (!get(from, times, sizeof times))
        fail("times at %#lx", from);
    for (int i = 0; i < 2; i++) {
        to[i] = (struct timespec){times[i].tv_sec, times[i].tv_nsec};
        if (times[i].tv_nsec == F_UTIME_NOW)
            to[i].tv_nsec = UTIME_NOW;
        if (times[i].tv_nsec == F_UTIME_OMIT)
            to[i].tv_nsec = UTIME_OMIT;
    }
}

static void do_utimensat(void)
{
    struct timespec times[2];
    get_times(arguments[2], times);
    bool follow = (arguments[3] & F_AT_SYMLINK_NOFOLLOW) == 0;
    long place = open_place(arguments[0], arguments[1], (arguments[3] & F_AT_RESOLVE_BENEATH) != 0, follow);
    long result = place;
    if (place >= 0) {
        result = own_result(utimensat((int)place, "", times, AT_EMPTY_PATH));
        close((int)place);
    }
    become_done(result);
}

/* ---------------------------------------------------------------- directories */

/* As linux_dirent64. */
struct entry {
    uint64_t inode;
    int64_t next;
    uint16_t size;
    uint8_t type;
    char name[];
};

static void do_getdirentries(void)
{
    static char from[1 << 16], to[1 << 16];
    int process = (int)syscall(SYS_pidfd_open, program, 0);
    int handle = (int)syscall(SYS_pidfd_getfd, process, (int)arguments[0], 0);
    long result = handle < 0 ? own_result(-1) : 0;
    size_t room = arguments[2] < sizeof to ? arguments[2] : sizeof to, used = 0;
    off_t at = handle < 0 ? 0 : lseek(handle, 0, SEEK_CUR);
    long got = result < 0 ? result : syscall(SYS_getdents64, handle, from, room / 2 < 280 ? 280 : room / 2);
    if (result == 0 && got < 0)
        result = own_result(-1);
    if (got > 0) { /* a slot that is not used, as file systems of FreeBSD's have them */
        struct f_dirent unused = {.d_off = at, .d_reclen = 32, .d_type = F_DT_REG, .d_namlen = 1};
        memcpy(to, &unused, 32);
        used = 32;
    }
    for (long i = 0; i < got;) {
        const struct entry *entry = (const void *)(from + i);
        size_t length = strlen(entry->name), size = (offsetof(struct f_dirent, d_name) + length + 1 + 7) & ~(size_t)7;
        if (size > room - used) {
            if (used == 32)
                result = -F_EINVAL;
            break;
        }
        struct f_dirent *out = (void *)(to + used);
        memset(out, 0, size);
        out->d_fileno = entry->inode;
        out->d_off = entry->next;
        out->d_reclen = (uint16_t)size;
        out->d_type = entry->type; /* DT_* have the same values */
        out->d_namlen = (uint16_t)length;
        memcpy(out->d_name, entry->name, length + 1);
        used += size;
        at = entry->next;
        i += entry->size;
    }
    if (handle >= 0) {
        lseek(handle, at, SEEK_SET);
        close(handle);
    }
    close(process);
    if (arguments[3] != 0)
        fail("getdirentries with a place for the base");
    if (result == 0)
        result = put(arguments[1], to, used) ? (long)used : -F_EFAULT;
    become_done(result);
}

/* ---------------------------------------------------------------- descriptors */

static long got_status(long result)
{
    return result < 0 ? result_of(result) : freebsd_status(result);
}

static void do_fcntl(void)
{
    static const struct pair commands[] = {{F_F_GETFD, F_GETFD}, {F_F_SETFD, F_SETFD},
                                           {F_F_GETFL, F_GETFL}, {F_F_SETFL, F_SETFL},
                                           {F_F_DUPFD_CLOEXEC, F_DUPFD_CLOEXEC}, {UINT64_MAX, 0}};
    int command = (int)map_value("fcntl", arguments[1], commands);
    uint64_t value = arguments[2];
    if (command == F_SETFL)
        value = map_flags("F_SETFL", value & ~UINT64_C(3), open_flags);
    if (command == F_GETFL)
        finish = got_status;
    become(SYS_fcntl, arguments[0], (uint64_t)command, value, 0, 0, 0);
}

static void do_mmap(void)
{
    static const struct pair flags[] = {{F_MAP_EXCL | F_MAP_FIXED, MAP_FIXED_NOREPLACE},
                                        {F_MAP_FIXED, MAP_FIXED},
                                        {F_MAP_PRIVATE, MAP_PRIVATE | MAP_NORESERVE},
                                        {F_MAP_ANON, MAP_ANONYMOUS},
                                        {0, 0}};
    if ((int)arguments[4] != -1 || arguments[5] != 0)
        fail("mmap of a file");
    become(SYS_mmap, arguments[0], arguments[1], arguments[2], map_flags("mmap", arguments[3], flags), arguments[4], 0);
}

static void do_ioctl(void)
{
    static const struct pair requests[] = {{F_FIONREAD, 0x541b}, {F_TIOCGETA, 0x5401}, {UINT64_MAX, 0}};
    become(SYS_ioctl, arguments[0], map_value("ioctl", arguments[1], requests), arguments[2], 0, 0, 0);
}

static void do_ppoll(void)
{
    struct timespec time;
    uint64_t timeout = 0;
    if (arguments[2] != 0) {
        if (!get(arguments[2], &time, sizeof time))
            fail("ppoll's time");
        timeout = placed(&time, sizeof time); /* Linux writes to it */
    }
    if (arguments[3] != 0)
        fail("ppoll with signals");
    become(SYS_ppoll, arguments[0], arguments[1], timeout, 0, 0, 0);
}

/* ---------------------------------------------------------------- sockets */

static const struct pair families[] = {{F_AF_INET, AF_INET}, {F_AF_INET6, AF_INET6}, {UINT64_MAX, 0}};
static const struct pair socket_flags[] = {
    {F_SOCK_CLOEXEC, SOCK_CLOEXEC}, {F_SOCK_NONBLOCK, SOCK_NONBLOCK}, {F_SOCK_STREAM, SOCK_STREAM}, {0, 0}};

static void do_option(long number)
{
    static const struct pair of_sockets[] = {
        {F_SO_TYPE, SO_TYPE}, {F_SO_ACCEPTCONN, SO_ACCEPTCONN}, {F_SO_REUSEADDR, SO_REUSEADDR}, {UINT64_MAX, 0}};
    static const struct pair of_version6[] = {{F_IPV6_V6ONLY, IPV6_V6ONLY}, {UINT64_MAX, 0}};
    bool general = arguments[1] == F_SOL_SOCKET;
    if (!general && arguments[1] != F_IPPROTO_IPV6)
        fail("a socket's option of level %ld", arguments[1]);
    become(number, arguments[0], general ? SOL_SOCKET : IPPROTO_IPV6,
           map_value("a socket's option", arguments[2], general ? of_sockets : of_version6), arguments[3], arguments[4],
           0);
}

static void do_bind(void)
{
    uint8_t address[28];
    if (arguments[2] > sizeof address || !get(arguments[1], address, arguments[2]))
        fail("bind's address");
    if (address[0] != arguments[2])
        fail("an address that says it has %d bytes and has %ld", address[0], arguments[2]);
    uint16_t family = (uint16_t)map_value("bind", address[1], families);
    memcpy(address, &family, sizeof family);
    become(SYS_bind, arguments[0], placed(address, sizeof address), arguments[2], 0, 0, 0);
}

static uint64_t message_at;

static long got_message(long result)
{
    struct msghdr from;
    struct f_msghdr to;
    if (result >= 0 && get(message_at, &from, sizeof from) && get(arguments[1], &to, sizeof to)) {
        to.msg_flags = (from.msg_flags & MSG_TRUNC) != 0 ? F_MSG_TRUNC : 0;
        put(arguments[1], &to, sizeof to);
    }
    return result_of(result);
}

static void do_message(long number)
{
    static const struct pair flags[] = {{F_MSG_PEEK, MSG_PEEK},
                                        {F_MSG_WAITALL, MSG_WAITALL},
                                        {F_MSG_NOSIGNAL, MSG_NOSIGNAL},
                                        {F_MSG_CMSG_CLOEXEC, MSG_CMSG_CLOEXEC},
                                        {0, 0}};
    struct f_msghdr from;
    if (!get(arguments[1], &from, sizeof from) || from.msg_name != 0 || from.msg_control != 0)
        fail("a message with a name or control data");
    struct msghdr to = {.msg_iov = (struct iovec *)from.msg_iov, .msg_iovlen = (size_t)from.msg_iovlen};
    message_at = placed(&to, sizeof to);
    become(number, arguments[0], message_at, map_flags("a message", arguments[2], flags), 0, 0, 0);
    finish = number == SYS_recvmsg ? got_message : NULL;
}

/* ---------------------------------------------------------------- signals */

static void do_sigaction(void)
{
    int number = arguments[0] < 129 ? linux_signals[arguments[0]] : 0;
    if (number == 0 || arguments[2] != 0)
        fail("sigaction of signal %ld", arguments[0]);
    if (number == SIGKILL || number == SIGSTOP) {
        become_done(-F_EINVAL);
        return;
    }
    struct f_sigaction action;
    if (!get(arguments[1], &action, sizeof action))
        fail("sigaction's action");
    actions[number] = action;
    /* What has a handler we deliver; the rest the kernel does. */
    const uint64_t kernel[4] = {action.handler == 1 ? 1 : 0};
    become(SYS_rt_sigaction, (uint64_t)number, placed(kernel, sizeof kernel), 0, 8, 0, 0);
}

static void do_sigprocmask(void)
{
    static const struct pair hows[] = {
        {F_SIG_BLOCK, SIG_BLOCK}, {F_SIG_UNBLOCK, SIG_UNBLOCK}, {F_SIG_SETMASK, SIG_SETMASK}, {UINT64_MAX, 0}};
    struct f_sigset from;
    if (!get(arguments[1], &from, sizeof from) || arguments[2] != 0)
        fail("sigprocmask's signals");
    const uint64_t set = signal_set(&from);
    become(SYS_rt_sigprocmask, map_value("sigprocmask", arguments[0], hows), placed(&set, sizeof set), 0, 8, 0, 0);
}

struct frame {
    uint64_t handler;
    struct f_ucontext context;
    struct f_siginfo info;
};

static bool on_signal_stack(uint64_t address)
{
    return address - signal_stack.ss_sp < signal_stack.ss_size;
}

static struct f_siginfo information(int number, const siginfo_t *from)
{
    struct f_siginfo info = {.number = signals[number], .code = from->si_code, .process = from->si_pid,
                             .user = from->si_uid};
    if (from->si_code <= 0)
        info.code = from->si_code == SI_USER ? F_SI_USER : from->si_code == SI_TKILL ? F_SI_LWP : F_SI_QUEUE;
    else if (number == SIGSEGV || number == SIGBUS)
        info.address = (uint64_t)from->si_addr, info.process = 0, info.user = 0;
    if (number == SIGSEGV && from->si_code == SEGV_ACCERR && faults_are_bus)
        info.number = F_SIGBUS, info.code = 12; /* T_PAGEFLT */
    if (number == SIGSEGV && from->si_code == SI_KERNEL) /* a general protection fault has no address */
        info.number = F_SIGBUS, info.code = F_BUS_OBJERR;
    return info;
}

/* In FreeBSD's frame, as sendsig() makes it. */
static void enter_handler(const struct f_sigaction *action, const struct f_siginfo *info)
{
    struct user_regs_struct now;
    ptrace(PTRACE_GETREGS, program, 0, &now);
    struct frame frame = {.handler = action->handler, .info = *info};
    struct f_mcontext *to = &frame.context.uc_mcontext;
    to->mc_onstack = on_signal_stack(now.rsp);
    to->mc_len = sizeof *to;
#define COPY(name) to->mc_##name = (int64_t)now.name;
    COPY(rdi) COPY(rsi) COPY(rdx) COPY(rcx) COPY(r8) COPY(r9) COPY(rax) COPY(rbx) COPY(rbp) COPY(r10) COPY(r11) COPY(r12)
    COPY(r13) COPY(r14) COPY(r15) COPY(rip) COPY(cs) COPY(rsp) COPY(ss)
#undef COPY
    to->mc_rflags = (int64_t)now.eflags;
    to->mc_addr = (int64_t)info->address;
    frame.context.uc_stack = signal_stack;
    bool change = (action->sa_flags & F_SA_ONSTACK) != 0 && signal_stack.ss_size != 0 && !on_signal_stack(now.rsp);
    uint64_t at = change ? signal_stack.ss_sp + signal_stack.ss_size : now.rsp - RED_ZONE;
    at = (at - sizeof frame) & ~UINT64_C(15);
    const uint64_t back = RETURN_ADDRESS;
    if (!put(at, &frame, sizeof frame) || !put(at - 8, &back, sizeof back))
        fail("no room for the frame of signal %d", info->number);
    if ((action->sa_flags & F_SA_SIGINFO) == 0)
        fail("a handler without SA_SIGINFO");
    now.rdi = (uint64_t)info->number;
    now.rsi = at + offsetof(struct frame, info);
    now.rdx = at + offsetof(struct frame, context);
    now.rcx = info->address;
    now.rsp = at - 8;
    now.rip = action->handler;
    now.eflags &= ~UINT64_C(0x400); /* direction */
    now.orig_rax = UINT64_MAX;      /* no call is to be restarted */
    ptrace(PTRACE_SETREGS, program, 0, &now);
}

/* sigreturn: the handler has returned, so the frame stands where the stack pointer is. */
static void leave_handler(void)
{
    struct user_regs_struct now;
    struct frame frame;
    ptrace(PTRACE_GETREGS, program, 0, &now);
    if (!get(now.rsp, &frame, sizeof frame))
        fail("the frame of a signal is gone");
    const struct f_mcontext *from = &frame.context.uc_mcontext;
    if (from->mc_len != sizeof *from)
        fail("sigreturn with a context of another size");
#define COPY(name) now.name = (uint64_t)from->mc_##name;
    COPY(rdi) COPY(rsi) COPY(rdx) COPY(rcx) COPY(r8) COPY(r9) COPY(rax) COPY(rbx) COPY(rbp) COPY(r10) COPY(r11) COPY(r12)
    COPY(r13) COPY(r14) COPY(r15) COPY(rip) COPY(rsp)
#undef COPY
    now.eflags = (uint64_t)from->mc_rflags;
    now.orig_rax = UINT64_MAX;
    ptrace(PTRACE_SETREGS, program, 0, &now);
}

/* What to go on with: the signal for the kernel to deliver, or none. */
static int on_signal(int number)
{
    siginfo_t from;
    struct user_regs_struct now;
    ptrace(PTRACE_GETREGS, program, 0, &now);
    ptrace(PTRACE_GETSIGINFO, program, 0, &from);
    if (number == SIGSEGV && now.rip == RETURN_ADDRESS) {
        leave_handler();
        return 0;
    }
    struct f_siginfo info = information(number, &from);
    const struct f_sigaction *action = &actions[linux_signals[info.number]];
    if (action->handler <= 1)
        return number;
    enter_handler(action, &info);
    return 0;
}

/* ---------------------------------------------------------------- all system calls */

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

static void on_call(void)
{
    ptrace(PTRACE_GETREGS, program, 0, &registers);
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
        OWN(sigaction) OWN(sigprocmask)
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
    ptrace(PTRACE_SETREGS, program, 0, &registers);
}

static void on_result(void)
{
    ptrace(PTRACE_GETREGS, program, 0, &registers);
    const uint64_t creating = arguments[2] & (F_O_CREAT | F_O_TRUNC | 3);
    /* Somebody renames: Linux wants to be asked again. And FreeBSD opens a directory that is to be made as a file. */
    bool directory = finish == opened && (long)registers.rax == -EISDIR && creating == F_O_CREAT;
    if (directory || (finish == opened && (long)registers.rax == -EAGAIN)) {
        const uint64_t flags = arguments[2] & ~(uint64_t)(directory ? F_O_CREAT : 0);
        become(0, arguments[0], arguments[1], flags, arguments[3], arguments[4], arguments[5]);
        registers.rax = F_SYS_openat;
        registers.rip -= 2;
        ptrace(PTRACE_SETREGS, program, 0, &registers);
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
    ptrace(PTRACE_SETREGS, program, 0, &registers);
}

/* ---------------------------------------------------------------- starting */

/* Whether FreeBSD's kernel would take the file for one of its own. */
static bool is_branded(const char *name)
{
    static unsigned char page[4096];
    int file = open(name, O_RDONLY | O_CLOEXEC);
    if (file < 0 || read(file, page, sizeof page) < (ssize_t)sizeof(Elf64_Ehdr)) {
        dprintf(2, "translator: %s: %s\n", name, strerror(errno));
        return false;
    }
    close(file);
    const Elf64_Ehdr *header = (const void *)page;
    const Elf64_Phdr *segment = (const void *)(page + header->e_phoff);
    bool branded = header->e_ident[EI_OSABI] == ELFOSABI_FREEBSD, noted = false, fits = header->e_phoff % 8 == 0;
    fits = fits && header->e_phentsize == sizeof *segment &&
           header->e_phoff + header->e_phnum * sizeof *segment <= sizeof page;
    for (int i = 0; fits && i < header->e_phnum; i++) {
        static const unsigned char note[20] = {8, 0, 0, 0, 4, 0, 0, 0, 1, 0, 0, 0, 'F', 'r', 'e', 'e', 'B', 'S', 'D'};
        if (segment[i].p_type == PT_NOTE && segment[i].p_offset + 24 <= sizeof page)
            noted |= memcmp(page + segment[i].p_offset, note, sizeof note) == 0;
        fits = segment[i].p_type != PT_INTERP;
    }
    bool ours = branded && noted && fits && header->e_machine == EM_X86_64;
    if (!ours)
        dprintf(2, "translator: %s is no static program of FreeBSD's on x86-64\n", name);
    return ours;
}

/* At the entry: registers and auxiliary vector as FreeBSD's kernel has them. */
static void on_entry(void)
{
    ptrace(PTRACE_GETREGS, program, 0, &registers);
    const uint64_t stack = registers.rsp;
    uint64_t at = stack + 8, word, entry[2];
    for (int lists = 0; lists < 2; at += 8) { /* behind the arguments and the environment */
        if (!get(at, &word, 8))
            fail("the stack at the entry");
        lists += word == 0;
    }
    for (;; at += 16) {
        get(at, entry, sizeof entry);
        if (entry[0] == AT_NULL)
            break;
        if (entry[0] == AT_EXECFN)
            entry[0] = F_AT_EXECPATH;
        else if (entry[0] > 14)
            entry[0] = F_AT_IGNORE;
        put(at, entry, sizeof entry);
    }
    registers.rdi = stack;
    registers.rsp = ((stack - 8) & ~UINT64_C(15)) + 8;
    registers.rax = registers.rbx = registers.rbp = registers.rsi = registers.rdx = registers.rcx = 0;
    ptrace(PTRACE_SETREGS, program, 0, &registers);
}

static void trace(void)
{
    bool entered = false, starting = false, in_call = false;
    for (int status; waitpid(program, &status, __WALL) == program;) {
        int number = WIFSTOPPED(status) ? WSTOPSIG(status) : 0, deliver = 0;
        if (!WIFSTOPPED(status))
            return;
        if (status >> 16 == PTRACE_EVENT_EXEC) {
            entered = starting = true; /* execve has not returned yet */
        } else if (status >> 16 == PTRACE_EVENT_STOP) {
            if (number == SIGSTOP || number == SIGTSTP || number == SIGTTIN || number == SIGTTOU) {
                ptrace(PTRACE_LISTEN, program, 0, 0);
                continue;
            }
        } else if (!entered) {
            deliver = number == (SIGTRAP | 0x80) ? 0 : number;
        } else if (number == (SIGTRAP | 0x80)) {
            if (starting)
                on_entry();
            else if (in_call)
                on_result();
            else
                on_call();
            in_call = !starting && !in_call;
            starting = false;
        } else {
            deliver = on_signal(number);
        }
        ptrace(entered ? PTRACE_SYSCALL : PTRACE_CONT, program, 0, deliver);
    }
}

int main(int count, char **words)
{
    const char *name = NULL;
    int at = 1;
    for (; at < count && words[at][0] == '-'; at++) {
        if (strcmp(words[at], "-b") == 0)
            faults_are_bus = true;
        else if (strcmp(words[at], "-0") == 0 && at + 1 < count)
            name = words[++at];
        else
            return 125;
    }
    if (at >= count)
        return 125;
    const char *path = words[at];
    if (name != NULL)
        words[at] = (char *)name;
    for (int number = 1; number < 65; number++) { /* what is ignored from the start */
        struct sigaction action;
        if (sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_IGN)
            actions[number].handler = 1;
    }
    /* Without descriptors between the two: the limit on them may be anything. */
    volatile char *answer = mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (answer == MAP_FAILED)
        return 125;
    program = getpid();
    prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
    pid_t between = fork();
    if (between == 0) { /* the tracer is nobody's child whom the program might wait for */
        if (fork() != 0)
            _exit(0);
        close(0), close(1);
        syscall(SYS_close_range, 3, ~0u, 0);
        const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC | PTRACE_O_EXITKILL;
        sigset_t all;
        sigfillset(&all);
        sigprocmask(SIG_BLOCK, &all, NULL);
        setsid();
        bool traced = is_branded(path);
        if (traced && ptrace(PTRACE_SEIZE, program, 0, options) != 0) {
            dprintf(2, "translator: ptrace: %s\n", strerror(errno));
            traced = false;
        }
        *answer = traced ? 'y' : 'n';
        if (traced)
            trace();
        _exit(0);
    }
    waitpid(between, NULL, 0);
    while (*answer == 0)
        usleep(100);
    if (*answer == 'n')
        return 126;
    execv(path, words + at);
    dprintf(2, "translator: %s: %s\n", path, strerror(errno));
    return 127;
}
