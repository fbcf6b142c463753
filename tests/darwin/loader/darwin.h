/* macOS's side of what programs ask of libSystem: layouts and numbers, from Apple's public headers, for arm64 and x86-64.
 * Only what the runtime uses; whatever else comes in is an error of the test that says so. */
#ifndef DARWIN_H
#define DARWIN_H

#include <stddef.h>
#include <stdint.h>

struct darwin_stat {
    int32_t device;
    uint16_t mode, links;
    uint64_t inode;
    uint32_t user, group;
    int32_t special;
    int32_t padding;
    int64_t accessed[2], modified[2], changed[2], born[2]; /* seconds and nanoseconds */
    int64_t size, blocks;
    int32_t block_size;
    uint32_t flags, generation;
    int32_t spare;
    int64_t spares[2];
};
_Static_assert(sizeof(struct darwin_stat) == 144, "struct stat with 64-bit inodes");

struct darwin_dirent {
    uint64_t inode, position;
    uint16_t record_size, name_size;
    uint8_t type;
    char name[1024];
};
_Static_assert(offsetof(struct darwin_dirent, name) == 21, "struct dirent with 64-bit inodes");

struct darwin_sigaction {
    void *handler;
    uint32_t mask;
    int32_t flags;
};

struct darwin_stack {
    void *sp;
    uint64_t size;
    int32_t flags;
};

struct darwin_siginfo {
    int32_t number, error, code, process;
    uint32_t user;
    int32_t status;
    void *address;
    void *value;
    int64_t band;
    uint64_t padding[7];
};
_Static_assert(sizeof(struct darwin_siginfo) == 104, "siginfo_t");

#if defined(__aarch64__)
struct darwin_mcontext {
    uint64_t far;
    uint32_t esr, exception;
    uint64_t x[29], fp, lr, sp, pc;
    uint32_t cpsr, padding;
    uint8_t vectors[528];
};
#else
struct darwin_mcontext {
    uint16_t trap, cpu;
    uint32_t error;
    uint64_t address;
    uint64_t rax, rbx, rcx, rdx, rdi, rsi, rbp, rsp, r8, r9, r10, r11, r12, r13, r14, r15, rip, rflags, cs, fs, gs;
    uint8_t floats[524];
};
#endif

struct darwin_ucontext {
    int32_t on_stack;
    uint32_t mask;
    struct darwin_stack stack;
    struct darwin_ucontext *link;
    uint64_t size;
    struct darwin_mcontext *context;
};

/* As they begin where nothing initialises them but what the headers have for it: a signature, then zeros. */
struct darwin_mutex {
    int64_t signature;
    uint32_t word; /* one of macOS's own numbers; here the loader's */
    uint8_t others[52];
};
struct darwin_condition {
    int64_t signature;
    uint32_t word;
    uint8_t others[36];
};
_Static_assert(sizeof(struct darwin_mutex) == 64 && sizeof(struct darwin_condition) == 48, "pthread_mutex_t, _cond_t");

struct darwin_timeval {
    int64_t seconds;
    int32_t microseconds;
};

struct darwin_msghdr {
    void *name;
    uint32_t name_size;
    void *pieces;
    int32_t count;
    void *control;
    uint32_t control_size;
    int32_t flags;
};

struct darwin_preallocate {
    uint32_t flags;
    int32_t mode;
    int64_t offset, length, allocated;
};

enum {
    DARWIN_AT_FDCWD = -2,
    DARWIN_AT_NOFOLLOW = 0x20,
    DARWIN_AT_REMOVEDIR = 0x80,
    DARWIN_UTIME_NOW = -1,
    DARWIN_UTIME_OMIT = -2,
    DARWIN_MAP_SHARED = 0x1,
    DARWIN_MAP_PRIVATE = 0x2,
    DARWIN_MAP_FIXED = 0x10,
    DARWIN_MAP_NORESERVE = 0x40,
    DARWIN_MAP_ANON = 0x1000,
    DARWIN_MINSIGSTKSZ = 32768,
    DARWIN_SS_DISABLE = 4,
    DARWIN_MUTEX = 0x32aaaba7,
    DARWIN_CONDITION = 0x3cb0b1bb,
    DARWIN_SIGBUS = 10,
    DARWIN_SIGSEGV = 11,
    DARWIN_SI_USER = 0x10001,
    DARWIN_SA_ONSTACK = 0x1,
    DARWIN_SA_NODEFER = 0x10,
    DARWIN_SA_SIGINFO = 0x40,
    DARWIN_F_PREALLOCATE = 42,
    DARWIN_F_RDADVISE = 44,
    DARWIN_F_FULLFSYNC = 51,
    DARWIN_F_DUPFD_CLOEXEC = 67,
    DARWIN_FIONREAD = 0x4004667f,
    DARWIN_AF_INET6 = 30,
    DARWIN_SOL_SOCKET = 0xffff,
};

#endif
