/* What the translator takes FreeBSD's kernel interface on x86-64 to be, as its manual pages and sources state it. check.c
 * compares all of it with the headers that zig brings; the system layer is compiled against those. */
#ifndef FREEBSD_ABI_H
#define FREEBSD_ABI_H

#include <stdint.h>

/* X(name, value) for what is the same on both architectures. */
#define FREEBSD_CALLS(X)                                                                                                \
    X(SYS_exit, 1) X(SYS_read, 3) X(SYS_write, 4) X(SYS_close, 6) X(SYS_getpid, 20) X(SYS_recvmsg, 27)                  \
    X(SYS_sendmsg, 28) X(SYS_kill, 37) X(SYS_sigaltstack, 53) X(SYS_ioctl, 54) X(SYS_munmap, 73) X(SYS_mprotect, 74)    \
    X(SYS_fcntl, 92) X(SYS_fsync, 95) X(SYS_socket, 97) X(SYS_bind, 104) X(SYS_setsockopt, 105) X(SYS_listen, 106)      \
    X(SYS_getsockopt, 118) X(SYS_readv, 120) X(SYS_writev, 121) X(SYS_shutdown, 134) X(SYS_sysarch, 165)                \
    X(SYS___sysctl, 202)                                                                                                \
    X(SYS_clock_gettime, 232) X(SYS_clock_getres, 234) X(SYS_issetugid, 253) X(SYS_preadv, 289) X(SYS_pwritev, 290)     \
    X(SYS_sched_yield, 331) X(SYS_sigprocmask, 340) X(SYS_sigaction, 416) X(SYS_thr_exit, 431)                          \
    X(SYS_thr_self, 432) X(SYS_thr_kill, 433) X(SYS__umtx_op, 454) X(SYS_thr_new, 455) X(SYS_pread, 475)                \
    X(SYS_pwrite, 476) X(SYS_mmap, 477) X(SYS_lseek, 478) X(SYS_ftruncate, 480) X(SYS_linkat, 495) X(SYS_mkdirat, 496)  \
    X(SYS_openat, 499) X(SYS_readlinkat, 500) X(SYS_renameat, 501) X(SYS_symlinkat, 502) X(SYS_unlinkat, 503)           \
    X(SYS_cap_enter, 516) X(SYS_posix_fallocate, 530) X(SYS_posix_fadvise, 531) X(SYS_accept4, 541) X(SYS_ppoll, 545)   \
    X(SYS_futimens, 546) X(SYS_utimensat, 547) X(SYS_fdatasync, 550) X(SYS_fstat, 551) X(SYS_fstatat, 552)              \
    X(SYS_getdirentries, 554) X(SYS_getrandom, 563)

#define FREEBSD_CONSTANTS(X)                                                                                            \
    X(O_RDONLY, 0) X(O_WRONLY, 1) X(O_RDWR, 2) X(O_NONBLOCK, 4) X(O_APPEND, 8) X(O_SYNC, 0x80) X(O_NOFOLLOW, 0x100)     \
    X(O_CREAT, 0x200) X(O_TRUNC, 0x400) X(O_EXCL, 0x800) X(O_NOCTTY, 0x8000) X(O_DIRECTORY, 0x20000)                    \
    X(O_SEARCH, 0x40000) X(O_CLOEXEC, 0x100000) X(O_RESOLVE_BENEATH, 0x800000) X(O_DSYNC, 0x1000000)                    \
    X(AT_FDCWD, -100) X(AT_SYMLINK_NOFOLLOW, 0x200) X(AT_REMOVEDIR, 0x800) X(AT_RESOLVE_BENEATH, 0x2000)                \
    X(F_GETFD, 1) X(F_SETFD, 2) X(F_GETFL, 3) X(F_SETFL, 4) X(F_DUPFD_CLOEXEC, 17) X(FD_CLOEXEC, 1)                     \
    X(MAP_PRIVATE, 2) X(MAP_FIXED, 0x10) X(MAP_ANON, 0x1000) X(MAP_EXCL, 0x4000)                                        \
    X(PROT_NONE, 0) X(PROT_READ, 1) X(PROT_WRITE, 2)                                                                    \
    X(SIG_BLOCK, 1) X(SIG_UNBLOCK, 2) X(SIG_SETMASK, 3)                                                                 \
    X(SA_ONSTACK, 1) X(SA_NODEFER, 0x10) X(SA_SIGINFO, 0x40)                                                            \
    X(SI_USER, 0x10001) X(SI_QUEUE, 0x10002) X(SI_LWP, 0x10007) X(SEGV_MAPERR, 1) X(SEGV_ACCERR, 2)                     \
    X(BUS_ADRALN, 1) X(BUS_ADRERR, 2) X(BUS_OBJERR, 3)                                                                  \
    X(CLOCK_REALTIME, 0) X(CLOCK_MONOTONIC, 4) X(CLOCK_THREAD_CPUTIME_ID, 14) X(CLOCK_PROCESS_CPUTIME_ID, 15)           \
    X(UTIME_NOW, -1) X(UTIME_OMIT, -2)                                                                                  \
    X(FIONREAD, 0x4004667f) X(TIOCGETA, 0x402c7413)                                                                     \
    X(POLLIN, 1) X(POLLOUT, 4) X(POLLERR, 8) X(POLLHUP, 0x10) X(POLLNVAL, 0x20)                                         \
    X(CTL_HW, 6) X(HW_PHYSMEM, 5) X(UMTX_OP_WAIT_UINT_PRIVATE, 15) X(UMTX_OP_WAKE_PRIVATE, 16)                          \
    X(AF_INET, 2) X(AF_INET6, 28) X(SOCK_STREAM, 1) X(SOCK_DGRAM, 2) X(SOCK_CLOEXEC, 0x10000000)                        \
    X(SOCK_NONBLOCK, 0x20000000) X(SOL_SOCKET, 0xffff) X(SO_ACCEPTCONN, 2) X(SO_REUSEADDR, 4) X(SO_TYPE, 0x1008)        \
    X(IPPROTO_IPV6, 41) X(IPV6_V6ONLY, 27) X(MSG_PEEK, 2) X(MSG_TRUNC, 0x10) X(MSG_WAITALL, 0x40)                       \
    X(MSG_NOSIGNAL, 0x20000) X(MSG_CMSG_CLOEXEC, 0x40000)                                                               \
    X(POSIX_FADV_NORMAL, 0) X(POSIX_FADV_RANDOM, 1) X(POSIX_FADV_SEQUENTIAL, 2) X(POSIX_FADV_WILLNEED, 3)               \
    X(POSIX_FADV_DONTNEED, 4) X(POSIX_FADV_NOREUSE, 5)                                                                  \
    X(DT_UNKNOWN, 0) X(DT_FIFO, 1) X(DT_CHR, 2) X(DT_DIR, 4) X(DT_BLK, 6) X(DT_REG, 8) X(DT_LNK, 10) X(DT_SOCK, 12)     \
    X(AT_NULL, 0) X(AT_IGNORE, 1) X(AT_PAGESZ, 6) X(AT_EXECPATH, 15) X(AT_STACKPROT, 23)

#define FREEBSD_X86_64_CONSTANTS(X) X(AMD64_SET_FSBASE, 129)

/* X(name, value, Linux's name where it is another one): both have an error E<name>. */
#define FREEBSD_ERRORS(X)                                                                                               \
    X(PERM, 1) X(NOENT, 2) X(SRCH, 3) X(INTR, 4) X(IO, 5) X(NXIO, 6) X(2BIG, 7) X(NOEXEC, 8) X(BADF, 9) X(CHILD, 10)    \
    X(DEADLK, 11) X(NOMEM, 12) X(ACCES, 13) X(FAULT, 14) X(NOTBLK, 15) X(BUSY, 16) X(EXIST, 17) X(XDEV, 18)             \
    X(NODEV, 19) X(NOTDIR, 20) X(ISDIR, 21) X(INVAL, 22) X(NFILE, 23) X(MFILE, 24) X(NOTTY, 25) X(TXTBSY, 26)           \
    X(FBIG, 27) X(NOSPC, 28) X(SPIPE, 29) X(ROFS, 30) X(MLINK, 31) X(PIPE, 32) X(DOM, 33) X(RANGE, 34) X(AGAIN, 35)     \
    X(INPROGRESS, 36) X(ALREADY, 37) X(NOTSOCK, 38) X(DESTADDRREQ, 39) X(MSGSIZE, 40) X(PROTOTYPE, 41)                  \
    X(NOPROTOOPT, 42) X(PROTONOSUPPORT, 43) X(SOCKTNOSUPPORT, 44) X(OPNOTSUPP, 45) X(PFNOSUPPORT, 46)                   \
    X(AFNOSUPPORT, 47) X(ADDRINUSE, 48) X(ADDRNOTAVAIL, 49) X(NETDOWN, 50) X(NETUNREACH, 51) X(NETRESET, 52)            \
    X(CONNABORTED, 53) X(CONNRESET, 54) X(NOBUFS, 55) X(ISCONN, 56) X(NOTCONN, 57) X(SHUTDOWN, 58)                      \
    X(TOOMANYREFS, 59) X(TIMEDOUT, 60) X(CONNREFUSED, 61) X(LOOP, 62) X(NAMETOOLONG, 63) X(HOSTDOWN, 64)                \
    X(HOSTUNREACH, 65) X(NOTEMPTY, 66) X(USERS, 68) X(DQUOT, 69) X(STALE, 70) X(NOLCK, 77) X(NOSYS, 78) X(IDRM, 82) \
    X(NOMSG, 83) X(OVERFLOW, 84) X(CANCELED, 85) X(ILSEQ, 86) X(BADMSG, 89) X(MULTIHOP, 90) X(NOLINK, 91)               \
    X(PROTO, 92) X(NOTRECOVERABLE, 95) X(OWNERDEAD, 96)

/* Errors that Linux does not have. */
#define FREEBSD_OWN_ERRORS(X) X(EPROCLIM, 67) X(ENOTCAPABLE, 93) X(ECAPMODE, 94)

/* Both have a signal of that name. */
#define FREEBSD_SIGNALS(X)                                                                                              \
    X(HUP, 1) X(INT, 2) X(QUIT, 3) X(ILL, 4) X(TRAP, 5) X(ABRT, 6) X(FPE, 8) X(KILL, 9) X(BUS, 10) X(SEGV, 11)          \
    X(SYS, 12) X(PIPE, 13) X(ALRM, 14) X(TERM, 15) X(URG, 16) X(STOP, 17) X(TSTP, 18) X(CONT, 19) X(CHLD, 20)           \
    X(TTIN, 21) X(TTOU, 22) X(IO, 23) X(XCPU, 24) X(XFSZ, 25) X(VTALRM, 26) X(PROF, 27) X(WINCH, 28) X(USR1, 30)        \
    X(USR2, 31)

#define DEFINE(name, value) F_##name = value,
#define DEFINE_ERROR(name, value) F_E##name = value,
#define DEFINE_SIGNAL(name, value) F_SIG##name = value,
enum {
    FREEBSD_CALLS(DEFINE) FREEBSD_CONSTANTS(DEFINE) FREEBSD_X86_64_CONSTANTS(DEFINE)
        FREEBSD_OWN_ERRORS(DEFINE) FREEBSD_ERRORS(DEFINE_ERROR)
        FREEBSD_SIGNALS(DEFINE_SIGNAL)
};
#undef DEFINE
#undef DEFINE_ERROR
#undef DEFINE_SIGNAL

struct f_timespec {
    int64_t tv_sec, tv_nsec;
};

struct f_stat {
    uint64_t st_dev, st_ino, st_nlink;
    uint16_t st_mode;
    int16_t st_bsdflags;
    uint32_t st_uid, st_gid;
    int32_t st_padding1;
    uint64_t st_rdev;
    struct f_timespec st_atim, st_mtim, st_ctim, st_birthtim;
    int64_t st_size, st_blocks;
    int32_t st_blksize;
    uint32_t st_flags;
    uint64_t st_gen, st_filerev, st_spare[9];
};

struct f_dirent {
    uint64_t d_fileno;
    int64_t d_off;
    uint16_t d_reclen;
    uint8_t d_type, d_pad0;
    uint16_t d_namlen, d_pad1;
    char d_name[256];
};

struct f_sigset {
    uint32_t bits[4];
};

struct f_sigaction {
    uint64_t handler;
    int32_t sa_flags;
    struct f_sigset sa_mask;
};

struct f_stack {
    uint64_t ss_sp, ss_size;
    int32_t ss_flags;
};

struct f_siginfo {
    int32_t number, error, code, process;
    uint32_t user;
    int32_t status;
    uint64_t address, value, reason[5];
};

struct f_msghdr {
    uint64_t msg_name;
    uint32_t msg_namelen;
    uint64_t msg_iov;
    int32_t msg_iovlen;
    uint64_t msg_control;
    uint32_t msg_controllen;
    int32_t msg_flags;
};

struct f_thr_param {
    uint64_t start_func, arg, stack_base, stack_size, tls_base, tls_size, child_tid, parent_tid;
    int32_t flags;
    uint64_t rtp, spare[3];
};

/* X(type here, type there, field); struct f_siginfo's fields are not called what C libraries make macros of. */
#define FREEBSD_FIELDS(X)                                                                                               \
    X(struct f_stat, struct stat, st_dev) X(struct f_stat, struct stat, st_ino) X(struct f_stat, struct stat, st_nlink) \
    X(struct f_stat, struct stat, st_mode) X(struct f_stat, struct stat, st_rdev) X(struct f_stat, struct stat, st_atim)\
    X(struct f_stat, struct stat, st_mtim) X(struct f_stat, struct stat, st_ctim) X(struct f_stat, struct stat, st_size)\
    X(struct f_dirent, struct dirent, d_fileno) X(struct f_dirent, struct dirent, d_off)                                \
    X(struct f_dirent, struct dirent, d_reclen) X(struct f_dirent, struct dirent, d_type)                               \
    X(struct f_dirent, struct dirent, d_namlen) X(struct f_dirent, struct dirent, d_name)                               \
    X(struct f_sigaction, struct sigaction, sa_flags)               \
    X(struct f_sigaction, struct sigaction, sa_mask) X(struct f_stack, stack_t, ss_sp)                                  \
    X(struct f_stack, stack_t, ss_size) X(struct f_stack, stack_t, ss_flags) \
    X(struct f_msghdr, struct msghdr, msg_name)                                 \
    X(struct f_msghdr, struct msghdr, msg_iov) X(struct f_msghdr, struct msghdr, msg_iovlen)                            \
    X(struct f_msghdr, struct msghdr, msg_control) X(struct f_msghdr, struct msghdr, msg_controllen)                    \
    X(struct f_msghdr, struct msghdr, msg_flags) X(struct f_timespec, struct timespec, tv_sec)                          \
    X(struct f_timespec, struct timespec, tv_nsec) X(struct f_thr_param, struct thr_param, start_func)                  \
    X(struct f_thr_param, struct thr_param, arg) X(struct f_thr_param, struct thr_param, stack_base)                    \
    X(struct f_thr_param, struct thr_param, stack_size) X(struct f_thr_param, struct thr_param, tls_base)               \
    X(struct f_thr_param, struct thr_param, child_tid) X(struct f_thr_param, struct thr_param, parent_tid)              \
    X(struct f_thr_param, struct thr_param, flags) X(struct f_thr_param, struct thr_param, rtp)

#define FREEBSD_SIZES(X)                                                                                                \
    X(struct f_stat, struct stat) X(struct f_dirent, struct dirent) X(struct f_sigset, sigset_t)                        \
    X(struct f_sigaction, struct sigaction) X(struct f_stack, stack_t) X(struct f_siginfo, siginfo_t)                   \
    X(struct f_msghdr, struct msghdr) X(struct f_timespec, struct timespec) X(struct f_thr_param, struct thr_param)

/* mcontext_t and ucontext_t of x86-64. */
struct f_mcontext {
    int64_t mc_onstack, mc_rdi, mc_rsi, mc_rdx, mc_rcx, mc_r8, mc_r9, mc_rax, mc_rbx, mc_rbp, mc_r10, mc_r11, mc_r12,
        mc_r13, mc_r14, mc_r15;
    uint32_t mc_trapno;
    uint16_t mc_fs, mc_gs;
    int64_t mc_addr;
    uint32_t mc_flags;
    uint16_t mc_es, mc_ds;
    int64_t mc_err, mc_rip, mc_cs, mc_rflags, mc_rsp, mc_ss, mc_len, mc_fpformat, mc_ownedfp;
    _Alignas(16) uint64_t mc_fpstate[64];
    int64_t mc_fsbase, mc_gsbase, mc_xfpustate, mc_xfpustate_len, mc_tlsbase, mc_spare[3];
};

struct f_ucontext {
    struct f_sigset uc_sigmask;
    struct f_mcontext uc_mcontext;
    uint64_t uc_link;
    struct f_stack uc_stack;
    int32_t uc_flags, spare[4];
};

#define FREEBSD_X86_64_FIELDS(X)                                                                                        \
    X(struct f_mcontext, mcontext_t, mc_rdi) X(struct f_mcontext, mcontext_t, mc_rsi)                                   \
    X(struct f_mcontext, mcontext_t, mc_rdx) X(struct f_mcontext, mcontext_t, mc_rcx)                                   \
    X(struct f_mcontext, mcontext_t, mc_r8) X(struct f_mcontext, mcontext_t, mc_r9)                                     \
    X(struct f_mcontext, mcontext_t, mc_rax) X(struct f_mcontext, mcontext_t, mc_rbx)                                   \
    X(struct f_mcontext, mcontext_t, mc_rbp) X(struct f_mcontext, mcontext_t, mc_r10)                                   \
    X(struct f_mcontext, mcontext_t, mc_r11) X(struct f_mcontext, mcontext_t, mc_r12)                                   \
    X(struct f_mcontext, mcontext_t, mc_r13) X(struct f_mcontext, mcontext_t, mc_r14)                                   \
    X(struct f_mcontext, mcontext_t, mc_r15) X(struct f_mcontext, mcontext_t, mc_rip)                                   \
    X(struct f_mcontext, mcontext_t, mc_rflags) X(struct f_mcontext, mcontext_t, mc_rsp)                                \
    X(struct f_mcontext, mcontext_t, mc_len) X(struct f_mcontext, mcontext_t, mc_fpstate)                               \
    X(struct f_ucontext, ucontext_t, uc_sigmask) X(struct f_ucontext, ucontext_t, uc_mcontext)                          \
    X(struct f_ucontext, ucontext_t, uc_stack)

#endif
