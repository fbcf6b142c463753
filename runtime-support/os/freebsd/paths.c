/* Paths of os.h, resolved beneath a directory.
 *
 * O_RESOLVE_BENEATH and AT_RESOLVE_BENEATH do it in the kernel (FreeBSD 13.0), `..` included: it goes to directories that
 * were passed through on the way. The calls that make, rename or read a link by its name do not have the flag. For these
 * the directory that the name stands in is opened with it, and they get a name of one component: no slash, because behind
 * a name with a slash at its end they would follow a symbolic link, and neither `.` nor `..`. What Linux says of such
 * names is said here, so that programs behave the same.
 */
#include "system.h"

void waot_os_force_walk(void)
{
    /* Every FreeBSD that programs run on resolves beneath a directory itself. */
}

/* A name in an open directory. */
struct waot_freebsd_place {
    long directory;
    bool opened; /* whether `directory` is to be closed: it may be the root itself */
    bool slash;  /* slashes stood behind the name */
    char name[WAOT_OS_PATH_SIZE];
};

enum waot_freebsd_name { WAOT_FREEBSD_NAME, WAOT_FREEBSD_DOT, WAOT_FREEBSD_DOT_DOT };

static enum waot_freebsd_name waot_freebsd_kind(const char *name)
{
    if (name[0] != '.')
        return WAOT_FREEBSD_NAME;
    if (name[1] == '\0')
        return WAOT_FREEBSD_DOT;
    return name[1] == '.' && name[2] == '\0' ? WAOT_FREEBSD_DOT_DOT : WAOT_FREEBSD_NAME;
}

static long waot_freebsd_check(const char *path)
{
    if (path[0] == '\0')
        return -ENOENT;
    return path[0] == '/' ? -EPERM : 0;
}

/* waot_freebsd_stat of a path beneath `root`. */
static long waot_freebsd_stat_beneath(long root, const char *path, int flags, struct waot_os_stat *stat)
{
    long result = waot_freebsd_check(path);
    return result < 0 ? result : waot_freebsd_stat(root, path, flags | AT_RESOLVE_BENEATH, stat);
}

/* Splits the last name off and opens the directory that it stands in. A path that ends in `.` or `..` is looked up: what
 * stands above the root is not told of. */
static long waot_freebsd_locate(long root, const char *path, struct waot_freebsd_place *place)
{
    struct waot_os_stat stat;
    long result = waot_freebsd_check(path);
    if (result < 0)
        return result;
    size_t size = __builtin_strlen(path), end = size;
    while (end > 0 && path[end - 1] == '/')
        end--;
    size_t start = end;
    while (start > 0 && path[start - 1] != '/')
        start--;
    place->slash = end < size;
    place->directory = root;
    place->opened = false;
    if (start > 0) {
        __builtin_memcpy(place->name, path, start);
        place->name[start] = '\0';
        result = WAOT_FREEBSD_RETRY(SYS_openat, root, place->name, WAOT_FREEBSD_SEARCH | O_RESOLVE_BENEATH, 0);
        if (result < 0)
            return result;
        place->directory = result;
        place->opened = true;
    }
    __builtin_memcpy(place->name, path + start, end - start);
    place->name[end - start] = '\0';
    result = waot_freebsd_kind(place->name) == WAOT_FREEBSD_NAME ? 0 : waot_freebsd_stat_beneath(root, path, 0, &stat);
    if (result < 0 && place->opened)
        WAOT_FREEBSD_CALL(SYS_close, place->directory);
    return result;
}

/* Ends with a place: what came of it, as os.h has it. */
static int64_t waot_freebsd_release(const struct waot_freebsd_place *place, long result)
{
    if (place->opened)
        WAOT_FREEBSD_CALL(SYS_close, place->directory);
    return waot_freebsd_result(result);
}

/* The type of what the name itself stands for, a link for a link, or -errno. */
static long waot_freebsd_place_type(const struct waot_freebsd_place *place)
{
    struct waot_os_stat stat;
    long result = waot_freebsd_stat(place->directory, place->name, AT_SYMLINK_NOFOLLOW, &stat);
    return result < 0 ? result : stat.filetype;
}

/* Whether something can be made there that is no directory: with a slash behind it never. */
static long waot_freebsd_place_for_file(const struct waot_freebsd_place *place)
{
    if (waot_freebsd_kind(place->name) != WAOT_FREEBSD_NAME)
        return -EEXIST;
    if (!place->slash)
        return 0;
    long type = waot_freebsd_place_type(place);
    return type < 0 ? type : -EEXIST;
}

/* ---------------------------------------------------------------- opening */

/* Of a path with a slash at its end, open(2) makes no file; what it says is different from one system to the next. */
static int64_t waot_freebsd_make_directory_as_file(long root, const char *path, bool exclusive)
{
    struct waot_freebsd_place place;
    long result = waot_freebsd_locate(root, path, &place);
    if (result < 0)
        return waot_freebsd_result(result);
    bool dots = waot_freebsd_kind(place.name) != WAOT_FREEBSD_NAME;
    return waot_freebsd_release(&place, dots && exclusive ? -EEXIST : -EISDIR);
}

int64_t waot_os_path_open(waot_os_handle root, const char *path, uint32_t access, uint32_t oflags, uint32_t fdflags)
{
    static const uint8_t modes[] = {O_RDONLY, O_RDONLY, O_WRONLY, O_RDWR}; /* by WAOT_OS_OPEN_READ and _WRITE */
    long flags = modes[access & (WAOT_OS_OPEN_READ | WAOT_OS_OPEN_WRITE)] | O_NOCTTY | O_CLOEXEC | O_RESOLVE_BENEATH;
    flags |= (access & WAOT_OS_OPEN_FOLLOW) != 0 ? 0 : O_NOFOLLOW;
    flags |= (oflags & WAOT_WASI_OFLAGS_CREAT) != 0 ? O_CREAT : 0;
    flags |= (oflags & WAOT_WASI_OFLAGS_EXCL) != 0 ? O_EXCL : 0;
    flags |= (oflags & WAOT_WASI_OFLAGS_TRUNC) != 0 ? O_TRUNC : 0;
    flags |= (oflags & WAOT_WASI_OFLAGS_DIRECTORY) != 0 ? O_DIRECTORY : 0;
    flags |= (fdflags & WAOT_WASI_FDFLAGS_APPEND) != 0 ? O_APPEND : 0;
    flags |= (fdflags & WAOT_WASI_FDFLAGS_NONBLOCK) != 0 ? O_NONBLOCK : 0;
    flags |= (fdflags & WAOT_WASI_FDFLAGS_DSYNC) != 0 ? O_DSYNC : 0;
    flags |= (fdflags & (WAOT_WASI_FDFLAGS_SYNC | WAOT_WASI_FDFLAGS_RSYNC)) != 0 ? O_SYNC : 0;
    long result = waot_freebsd_check(path);
    if (result < 0)
        return waot_freebsd_result(result);
    if ((flags & O_CREAT) != 0 && path[__builtin_strlen(path) - 1] == '/')
        return waot_freebsd_make_directory_as_file(root, path, (flags & O_EXCL) != 0);
    result = WAOT_FREEBSD_RETRY(SYS_openat, root, path, flags, 0666);
    if (result == -EMLINK) /* a link that is not to be followed */
        result = -ELOOP;
    /* Of a directory that is there, a file cannot be made; FreeBSD opens it where it is not to be written to. */
    struct waot_os_stat stat;
    if (result >= 0 && (flags & (O_CREAT | O_ACCMODE | O_TRUNC)) == O_CREAT && waot_os_stat(result, &stat) == 0 &&
        stat.filetype == WAOT_WASI_FILETYPE_DIRECTORY) {
        WAOT_FREEBSD_CALL(SYS_close, result);
        result = -EISDIR;
    }
    return waot_freebsd_result(waot_freebsd_above_standard(result));
}

/* ---------------------------------------------------------------- attributes */

int64_t waot_os_path_stat(waot_os_handle root, const char *path, bool follow, struct waot_os_stat *stat)
{
    return waot_freebsd_result(waot_freebsd_stat_beneath(root, path, follow ? 0 : AT_SYMLINK_NOFOLLOW, stat));
}

int64_t waot_os_path_set_times(waot_os_handle root, const char *path, bool follow, const struct waot_os_times *times)
{
    long result = waot_freebsd_check(path);
    if (result == 0)
        result =
            waot_freebsd_set_times(root, path, (follow ? 0 : AT_SYMLINK_NOFOLLOW) | AT_RESOLVE_BENEATH, times);
    return waot_freebsd_result(result);
}

/* ---------------------------------------------------------------- making and removing */

int64_t waot_os_path_make_directory(waot_os_handle root, const char *path)
{
    struct waot_freebsd_place place;
    long result = waot_freebsd_locate(root, path, &place);
    if (result < 0)
        return waot_freebsd_result(result);
    if (waot_freebsd_kind(place.name) != WAOT_FREEBSD_NAME)
        result = -EEXIST;
    else
        result = WAOT_FREEBSD_RETRY(SYS_mkdirat, place.directory, place.name, 0777);
    return waot_freebsd_release(&place, result);
}

int64_t waot_os_path_remove_directory(waot_os_handle root, const char *path)
{
    static const int16_t refused[] = {[WAOT_FREEBSD_DOT] = -EINVAL, [WAOT_FREEBSD_DOT_DOT] = -ENOTEMPTY};
    struct waot_freebsd_place place;
    long result = waot_freebsd_locate(root, path, &place);
    if (result < 0)
        return waot_freebsd_result(result);
    result = refused[waot_freebsd_kind(place.name)];
    if (result == 0)
        result = WAOT_FREEBSD_RETRY(SYS_unlinkat, place.directory, place.name, AT_REMOVEDIR);
    return waot_freebsd_release(&place, result);
}

int64_t waot_os_path_unlink(waot_os_handle root, const char *path)
{
    struct waot_freebsd_place place;
    long result = waot_freebsd_locate(root, path, &place);
    if (result < 0)
        return waot_freebsd_result(result);
    bool dots = waot_freebsd_kind(place.name) != WAOT_FREEBSD_NAME;
    if (!dots && !place.slash)
        result = WAOT_FREEBSD_RETRY(SYS_unlinkat, place.directory, place.name, 0);
    if (dots || place.slash || result == -EPERM) { /* the last is what unlink(2) says of a directory */
        long type = dots ? WAOT_WASI_FILETYPE_DIRECTORY : waot_freebsd_place_type(&place);
        if (type == WAOT_WASI_FILETYPE_DIRECTORY)
            result = -EISDIR;
        else if (place.slash)
            result = type < 0 ? type : -ENOTDIR;
    }
    return waot_freebsd_release(&place, result);
}

int64_t waot_os_path_symlink(const char *target, waot_os_handle root, const char *path)
{
    struct waot_freebsd_place place;
    long result = waot_freebsd_locate(root, path, &place);
    if (result < 0)
        return waot_freebsd_result(result);
    result = target[0] == '\0' ? -ENOENT : waot_freebsd_place_for_file(&place);
    if (result == 0)
        result = WAOT_FREEBSD_RETRY(SYS_symlinkat, target, place.directory, place.name);
    return waot_freebsd_release(&place, result);
}

/* ---------------------------------------------------------------- two places */

static long waot_freebsd_link(const struct waot_freebsd_place *from, const struct waot_freebsd_place *to)
{
    long result = waot_freebsd_place_for_file(to);
    if (result < 0)
        return result;
    return WAOT_FREEBSD_RETRY(SYS_linkat, from->directory, from->name, to->directory, to->name, 0);
}

static long waot_freebsd_rename(const struct waot_freebsd_place *from, const struct waot_freebsd_place *to)
{
    if (waot_freebsd_kind(from->name) != WAOT_FREEBSD_NAME || waot_freebsd_kind(to->name) != WAOT_FREEBSD_NAME)
        return -EBUSY;
    if (from->slash || to->slash) { /* it is a directory that is to be renamed */
        long type = waot_freebsd_place_type(from);
        if (type != WAOT_WASI_FILETYPE_DIRECTORY)
            return type < 0 ? type : -ENOTDIR;
    }
    return WAOT_FREEBSD_RETRY(SYS_renameat, from->directory, from->name, to->directory, to->name);
}

static int64_t waot_freebsd_two_places(long (*act)(const struct waot_freebsd_place *, const struct waot_freebsd_place *),
                                       long root, const char *path, long new_root, const char *new_path)
{
    struct waot_freebsd_place from, to;
    long result = waot_freebsd_locate(root, path, &from);
    if (result < 0)
        return waot_freebsd_result(result);
    result = waot_freebsd_locate(new_root, new_path, &to);
    if (result < 0)
        return waot_freebsd_release(&from, result);
    result = act(&from, &to);
    waot_freebsd_release(&to, 0);
    return waot_freebsd_release(&from, result);
}

/* Whether a path ends with a slash or in `.` or `..`, so that it stands for a directory, never for a link. 0 where it does
 * not; otherwise what is there is looked up: 1, or -errno. */
static long waot_freebsd_is_directory(long root, const char *path)
{
    size_t size = __builtin_strlen(path), start = size;
    while (start > 0 && path[start - 1] != '/')
        start--;
    struct waot_os_stat stat;
    if (size > 0 && start < size && waot_freebsd_kind(path + start) == WAOT_FREEBSD_NAME)
        return 0;
    long result = waot_freebsd_stat_beneath(root, path, 0, &stat);
    return result < 0 ? result : 1;
}

int64_t waot_os_path_link(waot_os_handle root, const char *path, waot_os_handle new_root, const char *new_path)
{
    long directory = waot_freebsd_is_directory(root, path);
    if (directory < 0)
        return waot_freebsd_result(directory);
    if (directory > 0) { /* of directories there are no links */
        struct waot_freebsd_place to;
        long result = waot_freebsd_locate(new_root, new_path, &to);
        if (result < 0)
            return waot_freebsd_result(result);
        result = waot_freebsd_place_for_file(&to);
        if (result == 0)
            result = waot_freebsd_place_type(&to) >= 0 ? -EEXIST : -EPERM;
        return waot_freebsd_release(&to, result);
    }
    return waot_freebsd_two_places(waot_freebsd_link, root, path, new_root, new_path);
}

int64_t waot_os_path_rename(waot_os_handle root, const char *path, waot_os_handle new_root, const char *new_path)
{
    return waot_freebsd_two_places(waot_freebsd_rename, root, path, new_root, new_path);
}

int64_t waot_os_path_readlink(waot_os_handle root, const char *path, char *target, size_t size)
{
    long directory = waot_freebsd_is_directory(root, path);
    if (directory != 0)
        return waot_freebsd_result(directory < 0 ? directory : -EINVAL);
    struct waot_freebsd_place place;
    long result = waot_freebsd_locate(root, path, &place);
    if (result < 0)
        return waot_freebsd_result(result);
    result = WAOT_FREEBSD_RETRY(SYS_readlinkat, place.directory, place.name, target, size);
    return waot_freebsd_release(&place, result);
}
