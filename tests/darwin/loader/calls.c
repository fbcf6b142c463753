/* libSystem's functions as the runtime uses them, on Linux: flags, numbers, layouts and errors are translated, and what macOS
 * does otherwise than Linux is done macOS's way where a program could tell. What has no translation ends the test. */
#include "darwin.h"
#include "loader.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/auxv.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/random.h>
#include <sys/select.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysinfo.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

/* ---------------------------------------------------------------- errors */

static _Thread_local int darwin_errno;

/* Linux's error -> Darwin's, where they are not the same number. */
static const struct {
    int linux_number, darwin_number;
} errors[] = {
    {EAGAIN, 35},       {EINPROGRESS, 36},  {EALREADY, 37},      {ENOTSOCK, 38},        {EDESTADDRREQ, 39},
    {EMSGSIZE, 40},     {EPROTOTYPE, 41},   {ENOPROTOOPT, 42},   {EPROTONOSUPPORT, 43}, {EOPNOTSUPP, 45},
    {EAFNOSUPPORT, 47}, {EADDRINUSE, 48},   {EADDRNOTAVAIL, 49}, {ENETDOWN, 50},        {ENETUNREACH, 51},
    {ENETRESET, 52},    {ECONNABORTED, 53}, {ECONNRESET, 54},    {ENOBUFS, 55},         {EISCONN, 56},
    {ENOTCONN, 57},     {ETIMEDOUT, 60},    {ECONNREFUSED, 61},  {ELOOP, 62},           {ENAMETOOLONG, 63},
    {EHOSTUNREACH, 65}, {ENOTEMPTY, 66},    {EDQUOT, 69},        {ESTALE, 70},          {ENOLCK, 77},
    {ENOSYS, 78},       {EOVERFLOW, 84},    {ECANCELED, 89},     {EILSEQ, 92},          {EDEADLK, 11},
};

long failed(int error)
{
    darwin_errno = error;
    for (size_t i = 0; i < sizeof errors / sizeof errors[0]; i++)
        if (errors[i].linux_number == error) {
            darwin_errno = errors[i].darwin_number;
            return -1;
        }
    if (error > 34) /* above these no number is the same */
        fail("Linux's error %d has no translation", error);
    return -1;
}

static long result(long value)
{
    return value < 0 ? failed(errno) : value;
}

static int *darwin_error(void)
{
    return &darwin_errno;
}

/* ---------------------------------------------------------------- memory and process */

static void darwin_bzero(void *at, size_t size)
{
    memset(at, 0, size);
}

static void pattern(uint8_t *at, const void *from, size_t size, size_t width)
{
    for (size_t i = 0; i < size; i++)
        at[i] = ((const uint8_t *)from)[i % width];
}

static void darwin_memset_pattern4(void *at, const void *from, size_t size)
{
    pattern(at, from, size, 4);
}

static void darwin_memset_pattern8(void *at, const void *from, size_t size)
{
    pattern(at, from, size, 8);
}

static void darwin_memset_pattern16(void *at, const void *from, size_t size)
{
    pattern(at, from, size, 16);
}

static int darwin_getpagesize(void)
{
    return PAGE;
}

static int darwin_issetugid(void)
{
    return getauxval(AT_SECURE) != 0;
}

static uint64_t whole_pages(uint64_t size)
{
    return (size + PAGE - 1) / PAGE * PAGE;
}

/* Places are multiples of macOS's pages, which on arm64 are larger than Linux's here. */
static void *darwin_mmap(void *at, uint64_t size, int protection, int flags, int handle, int64_t offset)
{
    if (flags == DARWIN_MAP_SHARED && !at && !offset) { /* a file, in whole pages of memory */
        void *room = darwin_mmap(NULL, size, PROT_NONE, DARWIN_MAP_PRIVATE | DARWIN_MAP_ANON, -1, 0);
        if (room == MAP_FAILED)
            return room;
        return (void *)result((long)mmap(room, size, protection, MAP_SHARED | MAP_FIXED, handle, 0));
    }
    if (flags & ~(DARWIN_MAP_PRIVATE | DARWIN_MAP_FIXED | DARWIN_MAP_NORESERVE | DARWIN_MAP_ANON) ||
        !(flags & DARWIN_MAP_ANON) || handle != -1 || offset)
        fail("mmap with flags %#x", (unsigned)flags);
    if ((uintptr_t)at % PAGE || !size || (protection & (PROT_WRITE | PROT_EXEC)) == (PROT_WRITE | PROT_EXEC))
        return (void *)failed(EINVAL);
    size = whole_pages(size);
    int to = MAP_PRIVATE | MAP_ANONYMOUS | (flags & DARWIN_MAP_NORESERVE ? MAP_NORESERVE : 0);
    if (flags & DARWIN_MAP_FIXED)
        return (void *)result((long)mmap(at, size, protection, to | MAP_FIXED, -1, 0));
    void *got;
    if (at || PAGE == 4096) {
        got = mmap(at, size, protection, to, -1, 0);
        if (got == MAP_FAILED || (uintptr_t)got % PAGE == 0)
            return (void *)result((long)got);
        munmap(got, size);
    }
    got = mmap(NULL, size + PAGE, protection, to, -1, 0);
    if (got == MAP_FAILED)
        return (void *)failed(errno);
    uint64_t before = -(uintptr_t)got % PAGE;
    munmap(got, before);
    munmap((char *)got + before + size, PAGE - before);
    return (char *)got + before;
}

static int darwin_mprotect(void *at, uint64_t size, int protection)
{
    if ((uintptr_t)at % PAGE || (protection & (PROT_WRITE | PROT_EXEC)) == (PROT_WRITE | PROT_EXEC))
        return (int)failed(EINVAL);
    return (int)result(mprotect(at, whole_pages(size), protection));
}

static int darwin_munmap(void *at, uint64_t size)
{
    if ((uintptr_t)at % PAGE)
        return (int)failed(EINVAL);
    return (int)result(munmap(at, whole_pages(size)));
}

static int darwin_sysctlbyname(const char *name, void *value, size_t *size, void *new_value, size_t new_size)
{
    struct sysinfo info;
    if (strcmp(name, "hw.memsize") || *size != 8 || new_value || new_size)
        fail("sysctlbyname(%s)", name);
    sysinfo(&info);
    uint64_t total = (uint64_t)info.totalram * info.mem_unit;
    memcpy(value, &total, sizeof total);
    return 0;
}

static int darwin_sched_yield(void)
{
    return sched_yield();
}

static void darwin_arc4random_buf(void *at, size_t size)
{
    for (size_t done = 0; done < size;) {
        ssize_t got = getrandom((char *)at + done, size - done, 0);
        if (got < 0)
            fail("getrandom");
        done += (size_t)got;
    }
}

/* ---------------------------------------------------------------- files */

static int directory_handle(int handle)
{
    return handle == DARWIN_AT_FDCWD ? AT_FDCWD : handle;
}

/* Bits of open(2): Darwin's, Linux's. O_SEARCH is O_DIRECTORY with a bit that stands here for O_PATH. */
static const struct {
    int darwin, linux_flag;
} open_flags[] = {
    {0x1, O_WRONLY},         {0x2, O_RDWR},         {0x4, O_NONBLOCK},         {0x8, O_APPEND},
    {0x80, O_SYNC},          {0x100, O_NOFOLLOW},   {0x200, O_CREAT},          {0x400, O_TRUNC},
    {0x800, O_EXCL},         {0x20000, O_NOCTTY},   {0x100000, O_DIRECTORY},   {0x400000, O_DSYNC},
    {0x1000000, O_CLOEXEC},  {0x40000000, O_PATH},
};

static int to_linux_flags(int flags)
{
    int to = 0;
    for (size_t i = 0; i < sizeof open_flags / sizeof open_flags[0]; i++)
        if (flags & open_flags[i].darwin) {
            to |= open_flags[i].linux_flag;
            flags &= ~open_flags[i].darwin;
        }
    if (flags)
        fail("open with flags %#x", (unsigned)flags);
    return to;
}

static int to_darwin_flags(int flags)
{
    int to = flags & O_ACCMODE;
    to |= flags & O_NONBLOCK ? 0x4 : 0;
    to |= flags & O_APPEND ? 0x8 : 0;
    to |= (flags & O_SYNC) == O_SYNC ? 0x80 : flags & O_DSYNC ? 0x400000 : 0;
    return to;
}

/* On macOS a slash behind a name makes all of these follow a link, whatever else they are told; a name is a single one, and
 * `..` leads wherever another process has moved the directory. */
static void check_name(const char *path)
{
    if (strchr(path, '/') || !strcmp(path, ".."))
        fail("a name that may lead anywhere: %s", path);
}

static void check_new_name(const char *path)
{
    check_name(path);
    if (!strcmp(path, "."))
        fail("a directory itself is to be made, removed or renamed");
}

int darwin_openat(int directory, const char *path, int flags, int mode)
{
    int to = to_linux_flags(flags);
    if (to & O_NOFOLLOW)
        check_name(path);
    int handle = openat(directory_handle(directory), path, to, flags & 0x200 ? mode & 07777 : 0);
    if (handle < 0 && errno == ENOTDIR && (to & (O_DIRECTORY | O_NOFOLLOW)) == (O_DIRECTORY | O_NOFOLLOW)) {
        struct stat stat; /* macOS sees the link before it sees that it is no directory */
        if (!fstatat(directory_handle(directory), path, &stat, AT_SYMLINK_NOFOLLOW) && S_ISLNK(stat.st_mode))
            return (int)failed(ELOOP);
        return (int)failed(ENOTDIR);
    }
    return (int)result(handle);
}

static int preallocate(int handle, struct darwin_preallocate *wanted)
{
    struct stat stat;
    if (wanted->flags != 4 || wanted->mode != 3 || wanted->offset) /* F_ALLOCATEALL, F_PEOFPOSMODE */
        fail("F_PREALLOCATE with flags %#x", wanted->flags);
    if (fstat(handle, &stat))
        return (int)failed(errno);
    wanted->allocated = wanted->length;
    return (int)result(fallocate(handle, FALLOC_FL_KEEP_SIZE, stat.st_size, wanted->length));
}

int darwin_fcntl(int handle, int command, long argument)
{
    switch (command) {
    case 1: /* F_GETFD */
        return (int)result(fcntl(handle, F_GETFD));
    case 2: /* F_SETFD */
        return (int)result(fcntl(handle, F_SETFD, (int)argument));
    case 3: { /* F_GETFL */
        int flags = fcntl(handle, F_GETFL);
        return flags < 0 ? (int)failed(errno) : to_darwin_flags(flags);
    }
    case 4: /* F_SETFL */
        return (int)result(fcntl(handle, F_SETFL, to_linux_flags((int)argument)));
    case DARWIN_F_DUPFD_CLOEXEC:
        return (int)result(fcntl(handle, F_DUPFD_CLOEXEC, (int)argument));
    case DARWIN_F_FULLFSYNC:
        return (int)result(fsync(handle));
    case DARWIN_F_PREALLOCATE:
        return preallocate(handle, (struct darwin_preallocate *)argument);
    case DARWIN_F_RDADVISE:
        return 0;
    default:
        fail("fcntl command %d", command);
    }
}

int darwin_ioctl(int handle, unsigned long request, void *argument)
{
    if (request != DARWIN_FIONREAD)
        fail("ioctl %#lx", request);
    return (int)result(ioctl(handle, FIONREAD, argument));
}

static void convert_time(int64_t to[2], const struct timespec *from)
{
    to[0] = from->tv_sec;
    to[1] = from->tv_nsec;
}

static int convert_stat(int done, const struct stat *from, struct darwin_stat *to)
{
    if (done)
        return (int)failed(errno);
    memset(to, 0, sizeof *to);
    to->device = (int32_t)(from->st_dev ^ from->st_dev >> 32);
    to->mode = (uint16_t)from->st_mode;
    to->links = (uint16_t)from->st_nlink;
    to->inode = from->st_ino;
    convert_time(to->accessed, &from->st_atim);
    convert_time(to->modified, &from->st_mtim);
    convert_time(to->changed, &from->st_ctim);
    to->size = from->st_size;
    to->blocks = from->st_blocks;
    return 0;
}

static int darwin_fstat(int handle, struct darwin_stat *to)
{
    struct stat from;
    return convert_stat(fstat(handle, &from), &from, to);
}

static int darwin_fstatat(int directory, const char *path, struct darwin_stat *to, int flags)
{
    struct stat from;
    if (flags & ~DARWIN_AT_NOFOLLOW)
        fail("fstatat with flags %#x", (unsigned)flags);
    check_name(path);
    int done = fstatat(directory_handle(directory), path, &from, flags ? AT_SYMLINK_NOFOLLOW : 0);
    return convert_stat(done, &from, to);
}

static void times_to_linux(const int64_t from[4], struct timespec to[2])
{
    for (int i = 0; i < 2; i++) {
        int64_t nanoseconds = from[2 * i + 1];
        to[i].tv_sec = from[2 * i];
        to[i].tv_nsec = nanoseconds == DARWIN_UTIME_NOW    ? UTIME_NOW
                        : nanoseconds == DARWIN_UTIME_OMIT ? UTIME_OMIT
                                                           : nanoseconds;
    }
}

static int darwin_futimens(int handle, const int64_t times[4])
{
    struct timespec to[2];
    times_to_linux(times, to);
    return (int)result(futimens(handle, to));
}

static int darwin_utimensat(int directory, const char *path, const int64_t times[4], int flags)
{
    struct timespec to[2];
    if (flags & ~DARWIN_AT_NOFOLLOW)
        fail("utimensat with flags %#x", (unsigned)flags);
    check_name(path);
    times_to_linux(times, to);
    return (int)result(utimensat(directory_handle(directory), path, to, flags ? AT_SYMLINK_NOFOLLOW : 0));
}

static int darwin_linkat(int from, const char *path, int to, const char *new_path, int flags)
{
    if (flags)
        fail("linkat with flags %#x", (unsigned)flags);
    check_name(path);
    check_new_name(new_path);
    return (int)result(linkat(directory_handle(from), path, directory_handle(to), new_path, 0));
}

static int darwin_unlinkat(int directory, const char *path, int flags)
{
    if (flags & ~DARWIN_AT_REMOVEDIR)
        fail("unlinkat with flags %#x", (unsigned)flags);
    check_new_name(path);
    int done = unlinkat(directory_handle(directory), path, flags ? AT_REMOVEDIR : 0);
    return (int)(done && errno == EISDIR ? failed(EPERM) : result(done)); /* as POSIX has it */
}

static int darwin_mkdirat(int directory, const char *path, uint16_t mode)
{
    check_new_name(path);
    return (int)result(mkdirat(directory_handle(directory), path, mode));
}

static int darwin_symlinkat(const char *target, int directory, const char *path)
{
    check_new_name(path);
    return (int)result(symlinkat(target, directory_handle(directory), path));
}

static int darwin_renameat(int from, const char *path, int to, const char *new_path)
{
    check_new_name(path);
    check_new_name(new_path);
    return (int)result(renameat(directory_handle(from), path, directory_handle(to), new_path));
}

static long darwin_readlinkat(int directory, const char *path, char *to, size_t size)
{
    check_name(path);
    return result(readlinkat(directory_handle(directory), path, to, size));
}

/* macOS moves at most INT_MAX bytes in one call, and refuses to try more. */
static int too_much(const struct iovec *pieces, int count)
{
    uint64_t sum = 0;
    for (int i = 0; i < count; i++) {
        if (pieces[i].iov_len > INT32_MAX)
            return 1;
        sum += pieces[i].iov_len;
    }
    return sum > INT32_MAX || count <= 0 || count > 1024;
}

static long darwin_read(int handle, void *to, size_t size)
{
    return size > INT32_MAX ? failed(EINVAL) : result(read(handle, to, size));
}

static long darwin_write(int handle, const void *from, size_t size)
{
    return size > INT32_MAX ? failed(EINVAL) : result(write(handle, from, size));
}

static long darwin_pread(int handle, void *to, size_t size, int64_t offset)
{
    return size > INT32_MAX ? failed(EINVAL) : result(pread(handle, to, size, offset));
}

static long darwin_pwrite(int handle, const void *from, size_t size, int64_t offset)
{
    return size > INT32_MAX ? failed(EINVAL) : result(pwrite(handle, from, size, offset));
}

static long darwin_readv(int handle, const struct iovec *pieces, int count)
{
    return too_much(pieces, count) ? failed(EINVAL) : result(readv(handle, pieces, count));
}

static long darwin_writev(int handle, const struct iovec *pieces, int count)
{
    return too_much(pieces, count) ? failed(EINVAL) : result(writev(handle, pieces, count));
}

static long darwin_preadv(int handle, const struct iovec *pieces, int count, int64_t offset)
{
    return too_much(pieces, count) ? failed(EINVAL) : result(preadv(handle, pieces, count, offset));
}

static long darwin_pwritev(int handle, const struct iovec *pieces, int count, int64_t offset)
{
    return too_much(pieces, count) ? failed(EINVAL) : result(pwritev(handle, pieces, count, offset));
}

static int64_t darwin_lseek(int handle, int64_t offset, int whence)
{
    return whence > 2 ? failed(EINVAL) : result(lseek(handle, offset, whence));
}

static int darwin_close(int handle)
{
    return (int)result(close(handle));
}

static int darwin_fsync(int handle)
{
    return (int)result(fsync(handle));
}

static int darwin_ftruncate(int handle, int64_t size)
{
    return (int)result(ftruncate(handle, size));
}

static int darwin_isatty(int handle)
{
    int is = isatty(handle);
    if (!is)
        failed(errno);
    return is;
}

static DIR *darwin_fdopendir(int handle)
{
    DIR *stream = fdopendir(handle);
    if (!stream)
        failed(errno);
    return stream;
}

static struct darwin_dirent *darwin_readdir(DIR *stream)
{
    static _Thread_local struct darwin_dirent entry;
    errno = 0;
    const struct dirent *from = readdir(stream);
    if (!from) {
        if (errno)
            failed(errno);
        return NULL;
    }
    entry.inode = from->d_ino;
    entry.name_size = (uint16_t)strlen(from->d_name);
    entry.record_size = (uint16_t)((offsetof(struct darwin_dirent, name) + entry.name_size + 1 + 3) & ~3u);
    entry.type = from->d_type;
    memcpy(entry.name, from->d_name, entry.name_size + 1u);
    return &entry;
}

static int darwin_closedir(DIR *stream)
{
    return (int)result(closedir(stream));
}

/* ---------------------------------------------------------------- time and waiting */

static int clock_of(int clock)
{
    switch (clock) {
    case 0:
        return CLOCK_REALTIME;
    case 4:
        return CLOCK_MONOTONIC_RAW;
    default:
        fail("clock %d", clock);
    }
}

static int darwin_clock_gettime(int clock, struct timespec *time)
{
    return (int)result(clock_gettime(clock_of(clock), time));
}

static int darwin_clock_getres(int clock, struct timespec *time)
{
    return (int)result(clock_getres(clock_of(clock), time));
}

static int darwin_nanosleep(const struct timespec *time, struct timespec *left)
{
    return (int)result(nanosleep(time, left));
}

/* Of a device macOS's poll says that it is not open. */
static int darwin_poll(struct pollfd *entries, unsigned count, int timeout)
{
    struct stat stat;
    int invalid = 0;
    for (unsigned i = 0; i < count; i++)
        if (!fstat(entries[i].fd, &stat) && S_ISCHR(stat.st_mode))
            invalid++;
    int ready = poll(entries, count, invalid ? 0 : timeout);
    if (ready < 0)
        return (int)failed(errno);
    for (unsigned i = 0; i < count; i++)
        if (!fstat(entries[i].fd, &stat) && S_ISCHR(stat.st_mode)) {
            ready += entries[i].revents == 0;
            entries[i].revents = POLLNVAL;
        }
    return ready;
}

static int darwin_select(int count, uint32_t *reading, uint32_t *writing, uint32_t *others, struct darwin_timeval *time)
{
    fd_set to[2];
    uint32_t *from[2] = {reading, writing};
    if (others || count > FD_SETSIZE)
        fail("select for %d descriptors", count);
    for (int i = 0; i < 2; i++) {
        FD_ZERO(&to[i]);
        for (int handle = 0; handle < count; handle++)
            if (from[i][handle / 32] >> handle % 32 & 1)
                FD_SET(handle, &to[i]);
    }
    struct timeval wanted = {0};
    if (time) {
        if (time->microseconds < 0 || time->microseconds > 999999 || time->seconds < 0 || time->seconds > 100000000)
            return (int)failed(EINVAL);
        wanted = (struct timeval){time->seconds, time->microseconds};
    }
    int ready = select(count, &to[0], &to[1], NULL, time ? &wanted : NULL);
    if (ready < 0)
        return (int)failed(errno);
    for (int i = 0; i < 2; i++)
        for (int handle = 0; handle < count; handle++)
            if (!FD_ISSET(handle, &to[i]))
                from[i][handle / 32] &= ~(UINT32_C(1) << handle % 32);
    return ready;
}

/* ---------------------------------------------------------------- sockets */

static int darwin_socket(int family, int type, int protocol)
{
    if (type != 1 || protocol)
        fail("socket of type %d", type);
    return (int)result(socket(family == DARWIN_AF_INET6 ? AF_INET6 : family, SOCK_STREAM, 0));
}

static int darwin_bind(int handle, const uint8_t *address, uint32_t size)
{
    uint8_t to[128];
    if (address[0] != size || size > sizeof to)
        fail("an address without its length");
    memcpy(to, address, size);
    const uint16_t family = address[1] == DARWIN_AF_INET6 ? AF_INET6 : address[1];
    memcpy(to, &family, sizeof family);
    return (int)result(bind(handle, (const struct sockaddr *)(const void *)to, size));
}

static int darwin_listen(int handle, int backlog)
{
    return (int)result(listen(handle, backlog));
}

/* An accepted socket is as its listener: it does not wait either. */
static int darwin_accept(int handle, void *address, void *size)
{
    if (address || size)
        fail("accept is asked for an address");
    int accepted = accept(handle, NULL, NULL), flags = fcntl(handle, F_GETFL);
    if (accepted >= 0 && flags & O_NONBLOCK)
        fcntl(accepted, F_SETFL, O_NONBLOCK);
    return (int)result(accepted);
}

static int option_of(int level, int name, int *to_level)
{
    *to_level = level == DARWIN_SOL_SOCKET ? SOL_SOCKET : level;
    if (level == 41 && name == 27) /* IPPROTO_IPV6, IPV6_V6ONLY */
        return 26;
    if (level == DARWIN_SOL_SOCKET)
        switch (name) {
        case 0x4:
            return SO_REUSEADDR;
        case 0x2:
            return SO_ACCEPTCONN;
        case 0x1008:
            return SO_TYPE;
        case 0x1022: /* SO_NOSIGPIPE, which is a flag of each call on Linux */
            return -1;
        }
    fail("option %#x of level %#x", (unsigned)name, (unsigned)level);
}

static int darwin_setsockopt(int handle, int level, int name, const void *value, uint32_t size)
{
    int to_level, to = option_of(level, name, &to_level);
    return to < 0 ? 0 : (int)result(setsockopt(handle, to_level, to, value, size));
}

static int darwin_getsockopt(int handle, int level, int name, void *value, uint32_t *size)
{
    int to_level, to = option_of(level, name, &to_level);
    return (int)result(getsockopt(handle, to_level, to, value, size));
}

static long darwin_recvmsg(int handle, struct darwin_msghdr *message, int flags)
{
    struct msghdr to = {.msg_iov = message->pieces, .msg_iovlen = message->count};
    if (flags & ~0x42 || message->name || message->control)
        fail("recvmsg with flags %#x", (unsigned)flags);
    long got = recvmsg(handle, &to, (flags & 0x2 ? MSG_PEEK : 0) | (flags & 0x40 ? MSG_WAITALL : 0));
    message->flags = to.msg_flags & MSG_TRUNC ? 0x10 : 0;
    return result(got);
}

static long darwin_sendmsg(int handle, const struct darwin_msghdr *message, int flags)
{
    const struct msghdr to = {.msg_iov = message->pieces, .msg_iovlen = message->count};
    if (flags || message->name || message->control)
        fail("sendmsg with flags %#x", (unsigned)flags);
    return result(sendmsg(handle, &to, MSG_NOSIGNAL));
}

static int darwin_shutdown(int handle, int how)
{
    return (int)result(shutdown(handle, how));
}

/* ---------------------------------------------------------------- names */

#if defined(__aarch64__)
void variadic_openat(void), variadic_fcntl(void), variadic_ioctl(void);
#define INODE64 ""
#define VARIADIC(name) variadic_##name
#else
#define INODE64 "$INODE64"
#define VARIADIC(name) darwin_##name
#endif

static const struct {
    const char *name;
    void *function;
} imports[] = {
#define PLAIN(name) {"_" #name, (void *)darwin_##name},
    {"___error", (void *)darwin_error},
    {"___bzero", (void *)darwin_bzero},
    {"__exit", (void *)_exit},
    {"_calloc", (void *)calloc},
    {"_free", (void *)free},
    {"_getpid", (void *)getpid},
    {"_realloc", (void *)realloc},
    {"_pthread_cond_timedwait_relative_np", (void *)darwin_pthread_cond_timedwait},
    {"_fdopendir" INODE64, (void *)darwin_fdopendir},
    {"_fstat" INODE64, (void *)darwin_fstat},
    {"_fstatat" INODE64, (void *)darwin_fstatat},
    {"_readdir" INODE64, (void *)darwin_readdir},
    {"_select$DARWIN_EXTSN", (void *)darwin_select},
    {"_fcntl", (void *)VARIADIC(fcntl)},
    {"_ioctl", (void *)VARIADIC(ioctl)},
    {"_openat", (void *)VARIADIC(openat)},
    PLAIN(accept) PLAIN(arc4random_buf) PLAIN(bind) PLAIN(bzero) PLAIN(clock_getres) PLAIN(clock_gettime) PLAIN(close)
    PLAIN(closedir) PLAIN(fsync) PLAIN(ftruncate) PLAIN(futimens) PLAIN(getpagesize) PLAIN(getsockopt) PLAIN(isatty)
    PLAIN(issetugid) PLAIN(kill) PLAIN(linkat) PLAIN(listen) PLAIN(lseek) PLAIN(memset_pattern16)
    PLAIN(memset_pattern4) PLAIN(memset_pattern8) PLAIN(mkdirat) PLAIN(mmap) PLAIN(mprotect) PLAIN(munmap)
    PLAIN(nanosleep) PLAIN(poll) PLAIN(pread) PLAIN(preadv)
    PLAIN(pthread_cond_destroy) PLAIN(pthread_cond_signal) PLAIN(pthread_cond_wait) PLAIN(pthread_create)
    PLAIN(pthread_detach) PLAIN(pthread_getspecific) PLAIN(pthread_key_create) PLAIN(pthread_kill) PLAIN(pthread_mutex_lock)
    PLAIN(pthread_mutex_unlock) PLAIN(pthread_self) PLAIN(pthread_setspecific)
    PLAIN(pwrite) PLAIN(pwritev) PLAIN(read) PLAIN(readlinkat)
    PLAIN(readv) PLAIN(recvmsg) PLAIN(renameat) PLAIN(sched_yield) PLAIN(sendmsg) PLAIN(setsockopt) PLAIN(shutdown)
    PLAIN(sigaction) PLAIN(sigaltstack) PLAIN(sigprocmask) PLAIN(socket) PLAIN(symlinkat) PLAIN(sysctlbyname)
    PLAIN(unlinkat) PLAIN(utimensat) PLAIN(write) PLAIN(writev)
};

void *find_import(const char *name)
{
    for (size_t i = 0; i < sizeof imports / sizeof imports[0]; i++)
        if (!strcmp(imports[i].name, name))
            return imports[i].function;
    return NULL;
}
