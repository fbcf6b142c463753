/* Where a granted file stands, of os.h. */
#include "posix.h"

/* Opens the directory that `path`, relative to `at`, has its last name in, and copies the name; closes `at`. */
static long waot_posix_open_parent(long at, char *path, char name[WAOT_OS_NAME_SIZE])
{
    size_t size = __builtin_strlen(path), start = size;
    while (start > 0 && path[start - 1] != '/')
        start--;
    long result;
    if (size - start >= WAOT_OS_NAME_SIZE) {
        result = -ENAMETOOLONG;
    } else {
        __builtin_memcpy(name, path + start, size - start + 1);
        if (start == 0) {
            path[start++] = '.';
        } /* of "/name" the slash stays, and "a//" is as good as "a" */
        path[start] = '\0';
        result = waot_call_openat(at, path, WAOT_CALL_SEARCH, 0);
    }
    if (at != AT_FDCWD)
        waot_call_close(at);
    return result;
}

/* Whether a link's name leads to a file: 0, or the error that an open of it would give. */
static long waot_posix_check_name(long directory, const char *name)
{
    if (name[0] == '\0' || (name[0] == '.' && (name[1] == '\0' || (name[1] == '.' && name[2] == '\0'))))
        return -EISDIR;
    struct waot_os_stat stat;
    long result = waot_posix_stat(directory, name, AT_SYMLINK_NOFOLLOW, &stat);
    return result == 0 && stat.filetype == WAOT_WASI_FILETYPE_DIRECTORY ? -EISDIR : result;
}

int64_t waot_os_locate_file(const char *path, char name[WAOT_OS_NAME_SIZE])
{
    char rest[WAOT_OS_PATH_SIZE];
    size_t size = __builtin_strlen(path);
    if (size >= sizeof rest)
        return -WAOT_WASI_NAMETOOLONG;
    __builtin_memcpy(rest, path, size + 1);
    long directory = AT_FDCWD;
    for (int links = 0; links <= WAOT_CALL_LINKS; links++) {
        directory = waot_posix_open_parent(directory, rest, name);
        if (directory < 0)
            return waot_posix_result(directory);
        long target = waot_call_readlinkat(directory, name, rest, sizeof rest);
        if (target < 0 || (size_t)target >= sizeof rest) {
            long result = target >= 0 ? -ENAMETOOLONG : waot_posix_check_name(directory, name);
            if (result == 0)
                return waot_posix_result(waot_posix_above_standard(directory));
            waot_call_close(directory);
            return waot_posix_result(result);
        }
        rest[target] = '\0';
    }
    waot_call_close(directory);
    return -WAOT_WASI_LOOP;
}
