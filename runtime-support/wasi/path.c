/* path_*. Resolution beneath the descriptor is the business of os/. */
#include "wasi.h"

/* Whether the bytes are UTF-8 (RFC 3629: no surrogates, nothing overlong, nothing past U+10FFFF). */
static bool waot_wasi_is_utf8(const uint8_t *bytes, size_t size)
{
    for (size_t i = 0; i < size;) {
        uint8_t first = bytes[i++];
        if (first < 0x80)
            continue;
        size_t more = first >= 0xf0 ? 3 : first >= 0xe0 ? 2 : 1;
        if (first < 0xc2 || first > 0xf4 || more > size - i)
            return false;
        uint8_t low = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
        uint8_t high = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
        if (bytes[i] < low || bytes[i] > high)
            return false;
        for (i++; --more > 0; i++)
            if ((bytes[i] & 0xc0) != 0x80)
                return false;
    }
    return true;
}

uint32_t waot_wasi_path(struct waot_memory *memory, uint32_t path, uint32_t size, int which, const char **host)
{
    uint8_t *from;
    if (!waot_guest_range(memory, path, size, &from))
        return WAOT_WASI_FAULT;
    char *copy = waot_wasi_state.paths[which];
    if (size >= WAOT_OS_PATH_SIZE)
        return WAOT_WASI_NAMETOOLONG;
    __builtin_memcpy(copy, from, size); /* checked and used is our copy, not what the guest may change */
    copy[size] = '\0';
    if (!waot_wasi_is_utf8((const uint8_t *)copy, size))
        return WAOT_WASI_ILSEQ;
    if (__builtin_strlen(copy) != size)
        return WAOT_WASI_INVAL;
    *host = copy;
    return WAOT_WASI_SUCCESS;
}

/* A directory and a path below it. */
static uint32_t waot_wasi_at(struct waot_memory *memory, uint32_t fd, uint32_t right, bool changes, uint32_t path,
                             uint32_t path_len, int which, struct waot_wasi_descriptor **descriptor, const char **host)
{
    uint32_t error = waot_wasi_directory(fd, right, changes, descriptor);
    uint32_t bad_path = waot_wasi_path(memory, path, path_len, which, host);
    return error == WAOT_WASI_SUCCESS || error == WAOT_WASI_PERM ? (bad_path != 0 ? bad_path : error) : error;
}

static bool waot_wasi_bad_lookup(uint32_t flags)
{
    return (flags & ~WAOT_WASI_LOOKUP_SYMLINK_FOLLOW) != 0;
}

uint32_t waot_wasi_path_open(struct waot_memory *memory, uint32_t fd, uint32_t dirflags, uint32_t path,
                             uint32_t path_len, uint32_t oflags, uint64_t rights_base, uint64_t rights_inheriting,
                             uint32_t fdflags, uint32_t opened_fd)
{
    (void)rights_inheriting; /* rights follow from the kind of file and the two below, as in wasmtime */
    struct waot_wasi_descriptor *directory = waot_wasi_descriptor(fd);
    if (directory != NULL && directory->kind == WAOT_WASI_FILE)
        return WAOT_WASI_NOTDIR;
    const char *host;
    uint32_t error =
        waot_wasi_at(memory, fd, WAOT_WASI_RIGHT_PATH_OPEN, false, path, path_len, 0, &directory, &host);
    if (error != WAOT_WASI_SUCCESS)
        return error;
    uint8_t *to;
    if (!waot_guest_range(memory, opened_fd, 4, &to))
        return WAOT_WASI_FAULT;
    const uint32_t making = WAOT_WASI_OFLAGS_CREAT | WAOT_WASI_OFLAGS_EXCL | WAOT_WASI_OFLAGS_TRUNC;
    if (waot_wasi_bad_lookup(dirflags) || oflags > WAOT_WASI_OFLAGS_ALL || fdflags > WAOT_WASI_FDFLAGS_ALL ||
        ((oflags & WAOT_WASI_OFLAGS_DIRECTORY) != 0 && (oflags & making) != 0))
        return WAOT_WASI_INVAL;

    uint32_t access = (dirflags & WAOT_WASI_LOOKUP_SYMLINK_FOLLOW) != 0 ? WAOT_OS_OPEN_FOLLOW : 0;
    if ((rights_base & WAOT_WASI_RIGHT_FD_READ) != 0)
        access |= WAOT_OS_OPEN_READ;
    if ((rights_base & WAOT_WASI_RIGHT_FD_WRITE) != 0)
        access |= WAOT_OS_OPEN_WRITE;
    uint32_t missing = 0;
    if ((oflags & WAOT_WASI_OFLAGS_CREAT) != 0)
        missing |= directory->dropped & WAOT_WASI_RIGHT_PATH_CREATE_FILE;
    if ((oflags & WAOT_WASI_OFLAGS_TRUNC) != 0)
        missing |= directory->dropped & WAOT_WASI_RIGHT_PATH_FILESTAT_SET_SIZE;
    missing |= directory->dropped_inheriting & (uint32_t)rights_base &
               (WAOT_WASI_RIGHT_FD_READ | WAOT_WASI_RIGHT_FD_WRITE);
    if (missing != 0)
        return WAOT_WASI_NOTCAPABLE;
    bool changes = (access & WAOT_OS_OPEN_WRITE) != 0 ||
                   (oflags & (WAOT_WASI_OFLAGS_CREAT | WAOT_WASI_OFLAGS_TRUNC)) != 0;
    if (directory->read_only && changes)
        return WAOT_WASI_PERM;

    int64_t handle = waot_os_path_open(directory->handle, host, access, oflags, fdflags);
    if (handle < 0)
        return waot_wasi_result(handle);
    struct waot_wasi_descriptor opened = {
        .handle = (waot_os_handle)handle,
        .dropped = directory->dropped_inheriting,
        .dropped_inheriting = directory->dropped_inheriting,
        .kind = WAOT_WASI_FILE,
        .read_only = directory->read_only,
    };
    /* What is open for writing or was to be made is no directory, and what was opened as one is. */
    struct waot_os_stat stat = {.filetype = (oflags & WAOT_WASI_OFLAGS_DIRECTORY) != 0
                                                ? WAOT_WASI_FILETYPE_DIRECTORY
                                                : WAOT_WASI_FILETYPE_REGULAR_FILE};
    int64_t result = 0;
    if (!changes && (oflags & WAOT_WASI_OFLAGS_DIRECTORY) == 0)
        result = waot_os_stat(opened.handle, &stat);
    if (result < 0) {
        waot_os_close(opened.handle);
        return waot_wasi_result(result);
    }
    if (stat.filetype == WAOT_WASI_FILETYPE_DIRECTORY)
        opened.kind = WAOT_WASI_DIRECTORY;
    result = waot_wasi_enter(&opened);
    if (result < 0)
        return waot_wasi_result(result);
    waot_guest_store_u32(to, (uint32_t)result);
    return WAOT_WASI_SUCCESS;
}

uint32_t waot_wasi_path_filestat_get(struct waot_memory *memory, uint32_t fd, uint32_t flags, uint32_t path,
                                     uint32_t path_len, uint32_t buf)
{
    struct waot_wasi_descriptor *directory;
    const char *host;
    uint32_t error =
        waot_wasi_at(memory, fd, WAOT_WASI_RIGHT_PATH_FILESTAT_GET, false, path, path_len, 0, &directory, &host);
    if (error != WAOT_WASI_SUCCESS)
        return error;
    uint8_t *to;
    if (!waot_guest_range(memory, buf, WAOT_WASI_SIZEOF_FILESTAT, &to))
        return WAOT_WASI_FAULT;
    if (waot_wasi_bad_lookup(flags))
        return WAOT_WASI_INVAL;
    struct waot_os_stat stat;
    int64_t result =
        waot_os_path_stat(directory->handle, host, (flags & WAOT_WASI_LOOKUP_SYMLINK_FOLLOW) != 0, &stat);
    if (result < 0)
        return waot_wasi_result(result);
    waot_wasi_store_filestat(to, &stat);
    return WAOT_WASI_SUCCESS;
}

uint32_t waot_wasi_path_filestat_set_times(struct waot_memory *memory, uint32_t fd, uint32_t flags, uint32_t path,
                                           uint32_t path_len, uint64_t atim, uint64_t mtim, uint32_t fst_flags)
{
    struct waot_os_times times;
    uint32_t error = waot_wasi_times(atim, mtim, fst_flags, &times);
    if (error != WAOT_WASI_SUCCESS)
        return error;
    struct waot_wasi_descriptor *directory;
    const char *host;
    error = waot_wasi_at(memory, fd, WAOT_WASI_RIGHT_PATH_FILESTAT_SET_TIMES, true, path, path_len, 0, &directory,
                         &host);
    if (error != WAOT_WASI_SUCCESS)
        return error;
    if (waot_wasi_bad_lookup(flags))
        return WAOT_WASI_INVAL;
    return waot_wasi_result(
        waot_os_path_set_times(directory->handle, host, (flags & WAOT_WASI_LOOKUP_SYMLINK_FOLLOW) != 0, &times));
}

/* The three that take a directory and a path and change something. */
static uint32_t waot_wasi_path_change(struct waot_memory *memory, uint32_t fd, uint32_t right, uint32_t path,
                                      uint32_t path_len, int64_t (*change)(waot_os_handle root, const char *path))
{
    struct waot_wasi_descriptor *directory;
    const char *host;
    uint32_t error = waot_wasi_at(memory, fd, right, true, path, path_len, 0, &directory, &host);
    return error != WAOT_WASI_SUCCESS ? error : waot_wasi_result(change(directory->handle, host));
}

uint32_t waot_wasi_path_create_directory(struct waot_memory *memory, uint32_t fd, uint32_t path, uint32_t path_len)
{
    return waot_wasi_path_change(memory, fd, WAOT_WASI_RIGHT_PATH_CREATE_DIRECTORY, path, path_len,
                                 waot_os_path_make_directory);
}

uint32_t waot_wasi_path_remove_directory(struct waot_memory *memory, uint32_t fd, uint32_t path, uint32_t path_len)
{
    return waot_wasi_path_change(memory, fd, WAOT_WASI_RIGHT_PATH_REMOVE_DIRECTORY, path, path_len,
                                 waot_os_path_remove_directory);
}

uint32_t waot_wasi_path_unlink_file(struct waot_memory *memory, uint32_t fd, uint32_t path, uint32_t path_len)
{
    return waot_wasi_path_change(memory, fd, WAOT_WASI_RIGHT_PATH_UNLINK_FILE, path, path_len, waot_os_path_unlink);
}

uint32_t waot_wasi_path_link(struct waot_memory *memory, uint32_t old_fd, uint32_t old_flags, uint32_t old_path,
                             uint32_t old_path_len, uint32_t new_fd, uint32_t new_path, uint32_t new_path_len)
{
    struct waot_wasi_descriptor *old_directory, *new_directory;
    const char *old_host, *new_host;
    uint32_t error = waot_wasi_at(memory, old_fd, WAOT_WASI_RIGHT_PATH_LINK_SOURCE, true, old_path, old_path_len, 0,
                                  &old_directory, &old_host);
    if (error != WAOT_WASI_SUCCESS)
        return error;
    error = waot_wasi_at(memory, new_fd, WAOT_WASI_RIGHT_PATH_LINK_TARGET, true, new_path, new_path_len, 1,
                         &new_directory, &new_host);
    if (error != WAOT_WASI_SUCCESS)
        return error;
    if (old_flags != 0) /* a link is made to what the name stands for, never through it; wasmtime refuses alike */
        return WAOT_WASI_INVAL;
    return waot_wasi_result(waot_os_path_link(old_directory->handle, old_host, new_directory->handle, new_host));
}

uint32_t waot_wasi_path_rename(struct waot_memory *memory, uint32_t fd, uint32_t old_path, uint32_t old_path_len,
                               uint32_t new_fd, uint32_t new_path, uint32_t new_path_len)
{
    struct waot_wasi_descriptor *old_directory, *new_directory;
    const char *old_host, *new_host;
    uint32_t error = waot_wasi_at(memory, fd, WAOT_WASI_RIGHT_PATH_RENAME_SOURCE, true, old_path, old_path_len, 0,
                                  &old_directory, &old_host);
    if (error != WAOT_WASI_SUCCESS)
        return error;
    error = waot_wasi_at(memory, new_fd, WAOT_WASI_RIGHT_PATH_RENAME_TARGET, true, new_path, new_path_len, 1,
                         &new_directory, &new_host);
    if (error != WAOT_WASI_SUCCESS)
        return error;
    return waot_wasi_result(waot_os_path_rename(old_directory->handle, old_host, new_directory->handle, new_host));
}

uint32_t waot_wasi_path_symlink(struct waot_memory *memory, uint32_t old_path, uint32_t old_path_len, uint32_t fd,
                                uint32_t new_path, uint32_t new_path_len)
{
    struct waot_wasi_descriptor *directory;
    const char *target, *host;
    uint32_t error =
        waot_wasi_at(memory, fd, WAOT_WASI_RIGHT_PATH_SYMLINK, true, new_path, new_path_len, 0, &directory, &host);
    if (error != WAOT_WASI_SUCCESS)
        return error;
    error = waot_wasi_path(memory, old_path, old_path_len, 1, &target);
    if (error != WAOT_WASI_SUCCESS)
        return error;
    if (target[0] == '/') /* names something outside, if not to us then to whoever else follows it */
        return WAOT_WASI_PERM;
    return waot_wasi_result(waot_os_path_symlink(target, directory->handle, host));
}

uint32_t waot_wasi_path_readlink(struct waot_memory *memory, uint32_t fd, uint32_t path, uint32_t path_len,
                                 uint32_t buf, uint32_t buf_len, uint32_t bufused)
{
    struct waot_wasi_descriptor *directory;
    const char *host;
    uint32_t error =
        waot_wasi_at(memory, fd, WAOT_WASI_RIGHT_PATH_READLINK, false, path, path_len, 0, &directory, &host);
    if (error != WAOT_WASI_SUCCESS)
        return error;
    uint8_t *to, *to_used;
    if (!waot_guest_range(memory, buf, buf_len, &to) || !waot_guest_range(memory, bufused, 4, &to_used))
        return WAOT_WASI_FAULT;
    char *target = waot_wasi_state.paths[1];
    int64_t size = waot_os_path_readlink(directory->handle, host, target, WAOT_OS_PATH_SIZE);
    if (size < 0)
        return waot_wasi_result(size);
    if (size > 0 && target[0] == '/') /* would tell the guest of the host's tree */
        return WAOT_WASI_PERM;
    uint32_t used = (uint64_t)size < buf_len ? (uint32_t)size : buf_len;
    __builtin_memcpy(to, target, used);
    waot_guest_store_u32(to_used, used);
    return WAOT_WASI_SUCCESS;
}
