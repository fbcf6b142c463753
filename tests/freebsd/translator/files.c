/* Paths, attributes of files, directories. */
#include "translator.h"

#include <fcntl.h>
#include <linux/openat2.h>
#include <stddef.h>
#include <sys/stat.h>
#include <sys/syscall.h>

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
void check_name(uint64_t directory, uint64_t path)
{
    char text[4096];
    if (get_text(path, text) == 0 && (strchr(text, '/') != NULL || strcmp(text, ".") == 0 || strcmp(text, "..") == 0))
        fail("a name that could lead elsewhere: %s", text);
    if (confined && (int)directory == F_AT_FDCWD)
        fail("a name in the current directory in capability mode: %s", text);
}

long opened(long result)
{
    bool nofollow = (arguments[2] & F_O_NOFOLLOW) != 0;
    if (result == -EXDEV)
        return -F_ENOTCAPABLE;
    if ((result == -ELOOP || result == -ENOTDIR) && nofollow && is_link(arguments[0], arguments[1]))
        return -F_EMLINK;
    return result_of(result);
}

void do_openat(void)
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

long got_stat(long result)
{
    struct stat stat; /* the C library's is the kernel's */
    if (result < 0)
        return result_of(result);
    return get(arguments[1], &stat, sizeof stat) && put_stat(arguments[1], &stat) ? 0 : -F_EFAULT;
}

void do_fstatat(void)
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

void get_times(uint64_t from, struct timespec to[2])
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

void do_utimensat(void)
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

void do_getdirentries(void)
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
