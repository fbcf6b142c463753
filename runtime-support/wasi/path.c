/* path_*. Resolution beneath a directory of the host's is the business of os/, beneath others that of embed.c,
 * overlay.c and file_grant.c. */
#include "overlay.h"

bool waot_wasi_is_utf8(const uint8_t *bytes, size_t size)
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
    char *copy = waot_wasi_scratch.paths[which];
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

/* Two of them, both to be changed. Checked in wasmtime's order: descriptors, paths, grants. */
static uint32_t waot_wasi_at_both(struct waot_memory *memory, const uint32_t fd[2], const uint32_t right[2],
                                  const uint32_t path[2], const uint32_t path_len[2],
                                  struct waot_wasi_descriptor *directory[2], const char *host[2])
{
    for (int i = 0; i < 2; i++) {
        uint32_t error = waot_wasi_directory(fd[i], right[i], false, &directory[i]);
        if (error != WAOT_WASI_SUCCESS)
            return error;
    }
    for (int i = 0; i < 2; i++) {
        uint32_t error = waot_wasi_path(memory, path[i], path_len[i], i, &host[i]);
        if (error != WAOT_WASI_SUCCESS)
            return error;
    }
    return directory[0]->read_only || directory[1]->read_only ? WAOT_WASI_PERM : WAOT_WASI_SUCCESS;
}

static bool waot_wasi_bad_lookup(uint32_t flags)
{
    return (flags & ~WAOT_WASI_LOOKUP_SYMLINK_FOLLOW) != 0;
}

/* Enters what was opened and tells the guest its number. */
static uint32_t waot_wasi_give(const struct waot_wasi_descriptor *opened, uint8_t *to)
{
    int64_t result = waot_wasi_enter(opened);
    if (result < 0)
        return waot_wasi_result(result);
    waot_guest_store_u32(to, (uint32_t)result);
    return WAOT_WASI_SUCCESS;
}

int64_t waot_wasi_open(const struct waot_wasi_descriptor *directory, const char *path, uint32_t access, uint32_t oflags,
                       uint32_t fdflags, struct waot_wasi_descriptor *opened)
{
    int64_t handle = waot_os_path_open(directory->handle, path, access, oflags, fdflags);
    if (handle < 0)
        return handle;
    *opened = (struct waot_wasi_descriptor){
        .handle = (waot_os_handle)handle,
        .dropped = directory->dropped_inheriting,
        .dropped_inheriting = directory->dropped_inheriting,
        .kind = WAOT_WASI_FILE,
        .read_only = directory->read_only,
    };
    /* What was opened as a directory is one, and what is open for writing or was to be made is none. */
    const uint32_t none = WAOT_WASI_OFLAGS_CREAT | WAOT_WASI_OFLAGS_TRUNC;
    if ((oflags & WAOT_WASI_OFLAGS_DIRECTORY) != 0)
        opened->kind = WAOT_WASI_DIRECTORY;
    else if ((access & WAOT_OS_OPEN_WRITE) == 0 && (oflags & none) == 0)
        opened->kind = WAOT_WASI_UNSETTLED;
    return 0;
}

uint32_t waot_wasi_path_open(struct waot_memory *memory, uint32_t fd, uint32_t dirflags, uint32_t path,
                             uint32_t path_len, uint32_t oflags, uint64_t rights_base, uint64_t rights_inheriting,
                             uint32_t fdflags, uint32_t opened_fd)
{
    (void)rights_inheriting; /* rights follow from the kind of file and the two below, as in wasmtime */
    const char *host;
    uint32_t error = waot_wasi_path(memory, path, path_len, 0, &host);
    if (error != WAOT_WASI_SUCCESS)
        return error;
    struct waot_wasi_descriptor *directory = waot_wasi_descriptor(fd);
    if (directory != NULL)
        waot_wasi_settle(directory);
    if (directory != NULL && directory->kind == WAOT_WASI_FILE)
        return WAOT_WASI_NOTDIR;
    error = waot_wasi_directory(fd, WAOT_WASI_RIGHT_PATH_OPEN, false, &directory);
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
    if (waot_wasi_is_files(directory)) {
        struct waot_wasi_descriptor opened = {
            .dropped = directory->dropped_inheriting,
            .dropped_inheriting = directory->dropped_inheriting,
        };
        error = waot_wasi_files_open(directory, host, access, oflags, fdflags, &opened);
        return error != WAOT_WASI_SUCCESS ? error : waot_wasi_give(&opened, to);
    }
    if (directory->read_only && changes)
        return WAOT_WASI_PERM;

    struct waot_wasi_descriptor opened;
    int64_t result = waot_wasi_is_overlay(directory)
                         ? waot_overlay_open(directory, host, access, oflags, fdflags, &opened)
                     : waot_wasi_is_embedded(directory)
                         ? waot_embed_open(directory, host, access, oflags, fdflags, &opened)
                         : waot_wasi_open(directory, host, access, oflags, fdflags, &opened);
    if (result < 0)
        return waot_wasi_result(result);
    return waot_wasi_give(&opened, to);
}

uint32_t waot_wasi_path_stat(struct waot_memory *memory, uint32_t fd, uint32_t flags, uint32_t path, uint32_t path_len,
                             uint32_t buf, uint32_t size, uint8_t **to, struct waot_os_stat *stat)
{
    struct waot_wasi_descriptor *directory;
    const char *host;
    uint32_t error =
        waot_wasi_at(memory, fd, WAOT_WASI_RIGHT_PATH_FILESTAT_GET, false, path, path_len, 0, &directory, &host);
    if (error != WAOT_WASI_SUCCESS)
        return error;
    if (!waot_guest_range(memory, buf, size, to))
        return WAOT_WASI_FAULT;
    if (waot_wasi_bad_lookup(flags))
        return WAOT_WASI_INVAL;
    if (waot_wasi_is_files(directory))
        return waot_wasi_files_stat(directory, host, stat);
    bool follow = (flags & WAOT_WASI_LOOKUP_SYMLINK_FOLLOW) != 0;
    return waot_wasi_result(waot_wasi_is_overlay(directory)    ? waot_overlay_path_stat(directory, host, follow, stat)
                            : waot_wasi_is_embedded(directory) ? waot_embed_path_stat(directory->node, host, follow, stat)
                                                               : waot_os_path_stat(directory->handle, host, follow, stat));
}

uint32_t waot_wasi_path_filestat_get(struct waot_memory *memory, uint32_t fd, uint32_t flags, uint32_t path,
                                     uint32_t path_len, uint32_t buf)
{
    uint8_t *to;
    struct waot_os_stat stat;
    uint32_t error =
        waot_wasi_path_stat(memory, fd, flags, path, path_len, buf, WAOT_WASI_SIZEOF_FILESTAT, &to, &stat);
    if (error == WAOT_WASI_SUCCESS)
        waot_wasi_store_filestat(to, &stat);
    return error;
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
    /* A directory of granted files cannot be changed, a file in it may. */
    bool files = error == WAOT_WASI_PERM && waot_wasi_is_files(directory);
    if (error != WAOT_WASI_SUCCESS && !files)
        return error;
    if (waot_wasi_bad_lookup(flags))
        return WAOT_WASI_INVAL;
    if (files)
        return waot_wasi_files_set_times(directory, host, &times);
    bool follow = (flags & WAOT_WASI_LOOKUP_SYMLINK_FOLLOW) != 0;
    return waot_wasi_result(waot_wasi_is_overlay(directory)
                                ? waot_overlay_set_times(directory, host, follow, &times)
                                : waot_os_path_set_times(directory->handle, host, follow, &times));
}

/* The three that take a directory and a path and change something. */
static uint32_t waot_wasi_path_change(struct waot_memory *memory, uint32_t fd, uint32_t right, uint32_t path,
                                      uint32_t path_len, int64_t (*change)(waot_os_handle root, const char *path),
                                      int64_t (*overlay)(const struct waot_wasi_descriptor *, const char *path))
{
    struct waot_wasi_descriptor *directory;
    const char *host;
    uint32_t error = waot_wasi_at(memory, fd, right, true, path, path_len, 0, &directory, &host);
    if (error != WAOT_WASI_SUCCESS)
        return error;
    return waot_wasi_result(waot_wasi_is_overlay(directory) ? overlay(directory, host)
                                                            : change(directory->handle, host));
}

uint32_t waot_wasi_path_create_directory(struct waot_memory *memory, uint32_t fd, uint32_t path, uint32_t path_len)
{
    return waot_wasi_path_change(memory, fd, WAOT_WASI_RIGHT_PATH_CREATE_DIRECTORY, path, path_len,
                                 waot_os_path_make_directory, waot_overlay_make_directory);
}

uint32_t waot_wasi_path_remove_directory(struct waot_memory *memory, uint32_t fd, uint32_t path, uint32_t path_len)
{
    return waot_wasi_path_change(memory, fd, WAOT_WASI_RIGHT_PATH_REMOVE_DIRECTORY, path, path_len,
                                 waot_os_path_remove_directory, waot_overlay_remove_directory);
}

uint32_t waot_wasi_path_unlink_file(struct waot_memory *memory, uint32_t fd, uint32_t path, uint32_t path_len)
{
    return waot_wasi_path_change(memory, fd, WAOT_WASI_RIGHT_PATH_UNLINK_FILE, path, path_len, waot_os_path_unlink,
                                 waot_overlay_unlink);
}

uint32_t waot_wasi_path_link(struct waot_memory *memory, uint32_t old_fd, uint32_t old_flags, uint32_t old_path,
                             uint32_t old_path_len, uint32_t new_fd, uint32_t new_path, uint32_t new_path_len)
{
    static const uint32_t rights[2] = {WAOT_WASI_RIGHT_PATH_LINK_SOURCE, WAOT_WASI_RIGHT_PATH_LINK_TARGET};
    struct waot_wasi_descriptor *directory[2];
    const char *host[2];
    uint32_t error = waot_wasi_at_both(memory, (uint32_t[2]){old_fd, new_fd}, rights, (uint32_t[2]){old_path, new_path},
                                       (uint32_t[2]){old_path_len, new_path_len}, directory, host);
    if (error != WAOT_WASI_SUCCESS)
        return error;
    if (old_flags != 0) /* a link is made to what the name stands for, never through it; wasmtime refuses alike */
        return WAOT_WASI_INVAL;
    if (waot_wasi_is_overlay(directory[0]) || waot_wasi_is_overlay(directory[1]))
        return waot_wasi_result(waot_overlay_link(directory[0], host[0], directory[1], host[1]));
    return waot_wasi_result(waot_os_path_link(directory[0]->handle, host[0], directory[1]->handle, host[1]));
}

uint32_t waot_wasi_path_rename(struct waot_memory *memory, uint32_t fd, uint32_t old_path, uint32_t old_path_len,
                               uint32_t new_fd, uint32_t new_path, uint32_t new_path_len)
{
    static const uint32_t rights[2] = {WAOT_WASI_RIGHT_PATH_RENAME_SOURCE, WAOT_WASI_RIGHT_PATH_RENAME_TARGET};
    struct waot_wasi_descriptor *directory[2];
    const char *host[2];
    uint32_t error = waot_wasi_at_both(memory, (uint32_t[2]){fd, new_fd}, rights, (uint32_t[2]){old_path, new_path},
                                       (uint32_t[2]){old_path_len, new_path_len}, directory, host);
    if (error != WAOT_WASI_SUCCESS)
        return error;
    if (waot_wasi_is_overlay(directory[0]) || waot_wasi_is_overlay(directory[1]))
        return waot_wasi_result(waot_overlay_rename(directory[0], host[0], directory[1], host[1]));
    return waot_wasi_result(waot_os_path_rename(directory[0]->handle, host[0], directory[1]->handle, host[1]));
}

uint32_t waot_wasi_path_symlink(struct waot_memory *memory, uint32_t old_path, uint32_t old_path_len, uint32_t fd,
                                uint32_t new_path, uint32_t new_path_len)
{
    struct waot_wasi_descriptor *directory;
    const char *target, *host;
    uint32_t error = waot_wasi_directory(fd, WAOT_WASI_RIGHT_PATH_SYMLINK, false, &directory);
    if (error != WAOT_WASI_SUCCESS)
        return error;
    error = waot_wasi_path(memory, old_path, old_path_len, 1, &target);
    if (error != WAOT_WASI_SUCCESS)
        return error;
    error = waot_wasi_at(memory, fd, WAOT_WASI_RIGHT_PATH_SYMLINK, true, new_path, new_path_len, 0, &directory, &host);
    if (error != WAOT_WASI_SUCCESS)
        return error;
    if (target[0] == '/') /* names something outside, if not to us then to whoever else follows it */
        return WAOT_WASI_PERM;
    return waot_wasi_result(waot_wasi_is_overlay(directory) ? waot_overlay_symlink(target, directory, host)
                                                            : waot_os_path_symlink(target, directory->handle, host));
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
    if (waot_wasi_is_files(directory))
        return waot_wasi_files_readlink(directory, host);
    char *target = waot_wasi_scratch.paths[1];
    int64_t size = waot_wasi_is_overlay(directory)
                       ? waot_overlay_readlink(directory, host, target, WAOT_OS_PATH_SIZE)
                   : waot_wasi_is_embedded(directory)
                       ? waot_embed_readlink(directory->node, host, target, WAOT_OS_PATH_SIZE)
                       : waot_os_path_readlink(directory->handle, host, target, WAOT_OS_PATH_SIZE);
    if (size < 0)
        return waot_wasi_result(size);
    if (size > 0 && target[0] == '/') /* would tell the guest of the host's tree */
        return WAOT_WASI_PERM;
    if (!waot_wasi_is_utf8((const uint8_t *)target, (size_t)size))
        return WAOT_WASI_ILSEQ;
    uint32_t used = (uint64_t)size < buf_len ? (uint32_t)size : buf_len;
    __builtin_memcpy(to, target, used);
    waot_guest_store_u32(to_used, used);
    return WAOT_WASI_SUCCESS;
}
