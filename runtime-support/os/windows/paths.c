/* Paths of os.h: what is opened, made, renamed and removed beneath a granted directory; and grants themselves. */
#include "system.h"

static bool waot_windows_is_link(const struct waot_windows_open *how)
{
    return how->tag != 0 && IsReparseTagNameSurrogate(how->tag);
}

static bool waot_windows_is_directory(const struct waot_windows_open *how)
{
    return (how->attributes & FILE_ATTRIBUTE_DIRECTORY) != 0 && !waot_windows_is_link(how);
}

static bool waot_windows_is_unknown(waot_nt_status status)
{
    return status == STATUS_INVALID_PARAMETER || status == STATUS_INVALID_INFO_CLASS ||
           status == STATUS_NOT_SUPPORTED || status == STATUS_NOT_IMPLEMENTED ||
           status == STATUS_INVALID_DEVICE_REQUEST;
}

/* ---------------------------------------------------------------- opening */

int64_t waot_os_path_open(waot_os_handle root, const char *path, uint32_t access, uint32_t oflags, uint32_t fdflags)
{
    const bool make = (oflags & WAOT_WASI_OFLAGS_CREAT) != 0, cut = (oflags & WAOT_WASI_OFLAGS_TRUNC) != 0;
    const bool directory = (oflags & WAOT_WASI_OFLAGS_DIRECTORY) != 0;
    const bool write = (access & WAOT_OS_OPEN_WRITE) != 0, read = !write || (access & WAOT_OS_OPEN_READ) != 0;
    const uint32_t synchronous = WAOT_WASI_FDFLAGS_DSYNC | WAOT_WASI_FDFLAGS_RSYNC | WAOT_WASI_FDFLAGS_SYNC;
    if (make && directory)
        return -WAOT_WASI_INVAL;
    struct waot_windows_open how = {
        .access = (read ? FILE_GENERIC_READ : 0) | (write ? FILE_GENERIC_WRITE : 0) | (cut ? FILE_WRITE_DATA : 0),
        .wished = FILE_WRITE_ATTRIBUTES, /* for times */
        .disposition = !make                                      ? WAOT_NT_OPEN
                       : (oflags & WAOT_WASI_OFLAGS_EXCL) != 0 ? WAOT_NT_CREATE
                                                               : WAOT_NT_OPEN_IF,
        .options = (fdflags & synchronous) != 0 ? WAOT_NT_WRITE_THROUGH : 0,
        .follow = (access & WAOT_OS_OPEN_FOLLOW) != 0,
    };
    HANDLE handle;
    int64_t result = waot_windows_open_beneath(root, path, &how, &handle);
    if (result < 0)
        return result;
    if (waot_windows_is_link(&how))
        result = -WAOT_WASI_LOOP;
    else if (waot_windows_is_directory(&how))
        result = write || make || cut ? -WAOT_WASI_ISDIR : 0;
    else if (directory)
        result = -WAOT_WASI_NOTDIR;
    else if (cut && !how.made) {
        const int64_t size = 0;
        result = waot_windows_set(handle, WAOT_NT_END_OF_FILE, &size, sizeof size);
    }
    if (result < 0) {
        NtClose(handle);
        return result;
    }
    uint32_t flags = fdflags & (WAOT_WASI_FDFLAGS_APPEND | WAOT_WASI_FDFLAGS_NONBLOCK);
    if ((fdflags & (WAOT_WASI_FDFLAGS_SYNC | WAOT_WASI_FDFLAGS_RSYNC)) != 0)
        flags |= WAOT_WASI_FDFLAGS_SYNC;
    else if ((fdflags & WAOT_WASI_FDFLAGS_DSYNC) != 0)
        flags |= WAOT_WASI_FDFLAGS_DSYNC;
    flags |= (read ? WAOT_OS_READABLE : 0) | (write ? WAOT_OS_WRITABLE : 0);
    return waot_windows_enter(handle, WAOT_WINDOWS_DISK, flags);
}

int64_t waot_os_path_stat(waot_os_handle root, const char *path, bool follow, struct waot_os_stat *stat)
{
    struct waot_windows_open how = {.disposition = WAOT_NT_OPEN, .follow = follow};
    HANDLE handle;
    int64_t result = waot_windows_open_beneath(root, path, &how, &handle);
    if (result < 0)
        return result;
    result = waot_windows_stat(handle, stat);
    if (result == 0 && waot_windows_is_link(&how)) {
        char target[3 * WAOT_OS_PATH_SIZE];
        int64_t size = waot_windows_read_link(handle, target, sizeof target);
        stat->filetype = WAOT_WASI_FILETYPE_SYMBOLIC_LINK;
        stat->size = size < 0 ? 0 : (uint64_t)size;
    }
    NtClose(handle);
    return result;
}

int64_t waot_os_path_set_times(waot_os_handle root, const char *path, bool follow, const struct waot_os_times *times)
{
    struct waot_windows_open how = {
        .access = FILE_WRITE_ATTRIBUTES, .disposition = WAOT_NT_OPEN, .follow = follow};
    HANDLE handle;
    int64_t result = waot_windows_open_beneath(root, path, &how, &handle);
    if (result < 0)
        return result;
    result = times->flags == 0 ? 0 : waot_windows_set_times(handle, times);
    NtClose(handle);
    return result;
}

int64_t waot_os_path_readlink(waot_os_handle root, const char *path, char *target, size_t size)
{
    char whole[3 * WAOT_OS_PATH_SIZE];
    struct waot_windows_open how = {.disposition = WAOT_NT_OPEN};
    HANDLE handle;
    int64_t result = waot_windows_open_beneath(root, path, &how, &handle);
    if (result < 0)
        return result;
    result = waot_windows_is_link(&how) ? waot_windows_read_link(handle, whole, sizeof whole) : -WAOT_WASI_INVAL;
    NtClose(handle);
    if (result < 0)
        return result;
    size_t used = (size_t)result < size ? (size_t)result : size;
    __builtin_memcpy(target, whole, used);
    return (int64_t)used;
}

/* ---------------------------------------------------------------- making and removing */

int64_t waot_os_path_make_directory(waot_os_handle root, const char *path)
{
    struct waot_windows_place place;
    int64_t result = waot_windows_locate(root, path, 0, &place);
    if (result < 0)
        return result;
    struct waot_windows_open how = {.disposition = WAOT_NT_CREATE, .options = WAOT_NT_DIRECTORY_FILE};
    HANDLE handle;
    if (place.dots != WAOT_WINDOWS_NAMED) {
        result = -WAOT_WASI_EXIST;
    } else {
        result = waot_windows_result(
            waot_windows_open_name(place.directory, place.name, place.name_size, &how, &handle));
        if (result == 0)
            NtClose(handle);
    }
    waot_windows_release(0);
    return result;
}

/* Removes what is open, by all of its names' rules at once: the name is gone when this returns, where the system can. */
static int64_t waot_windows_delete(HANDLE handle)
{
    const ULONG flags = WAOT_NT_DELETE | WAOT_NT_POSIX_DELETE | WAOT_NT_DELETE_READ_ONLY;
    struct waot_nt_result result;
    waot_nt_status status = NtSetInformationFile(handle, &result, &flags, sizeof flags, WAOT_NT_DISPOSITION_EX);
    if (!waot_windows_is_unknown(status))
        return waot_windows_result(status);
    const BOOLEAN delete = TRUE; /* before Windows 10 1709, on other file systems than NTFS, and under Wine */
    return waot_windows_set(handle, WAOT_NT_DISPOSITION, &delete, sizeof delete);
}

/* Opens the last name, never through a link, to remove or rename it. */
static int64_t waot_windows_open_place(const struct waot_windows_place *place, ACCESS_MASK access,
                                       struct waot_windows_open *how, HANDLE *handle)
{
    *how = (struct waot_windows_open){.access = access, .disposition = WAOT_NT_OPEN};
    return waot_windows_result(waot_windows_open_name(place->directory, place->name, place->name_size, how, handle));
}

static int64_t waot_windows_remove(const struct waot_windows_place *place, bool directory)
{
    struct waot_windows_open how;
    HANDLE handle;
    int64_t result = waot_windows_open_place(place, DELETE, &how, &handle);
    if (result < 0)
        return result;
    if (waot_windows_is_directory(&how) != directory)
        result = directory ? -WAOT_WASI_NOTDIR : -WAOT_WASI_ISDIR;
    else if (!directory && place->slash)
        result = -WAOT_WASI_NOTDIR;
    else
        result = waot_windows_delete(handle);
    NtClose(handle);
    return result;
}

int64_t waot_os_path_remove_directory(waot_os_handle root, const char *path)
{
    struct waot_windows_place place;
    int64_t result = waot_windows_locate(root, path, 0, &place);
    if (result < 0)
        return result;
    if (place.dots != WAOT_WINDOWS_NAMED)
        result = place.dots == WAOT_WINDOWS_DOT ? -WAOT_WASI_INVAL : -WAOT_WASI_NOTEMPTY;
    else
        result = waot_windows_remove(&place, true);
    waot_windows_release(0);
    return result;
}

int64_t waot_os_path_unlink(waot_os_handle root, const char *path)
{
    struct waot_windows_place place;
    int64_t result = waot_windows_locate(root, path, 0, &place);
    if (result < 0)
        return result;
    result = place.dots != WAOT_WINDOWS_NAMED ? -WAOT_WASI_ISDIR : waot_windows_remove(&place, false);
    waot_windows_release(0);
    return result;
}

/* ---------------------------------------------------------------- links */

/* Whether a link at `path` to `target` would lead to a directory: Windows has two kinds of links. */
static bool waot_windows_target_is_directory(waot_os_handle root, const char *path, const char *target)
{
    char whole[2 * WAOT_OS_PATH_SIZE];
    size_t start = __builtin_strlen(path), size = __builtin_strlen(target);
    while (start > 0 && path[start - 1] != '/')
        start--;
    __builtin_memcpy(whole, path, start);
    __builtin_memcpy(whole + start, target, size + 1);
    struct waot_windows_open how = {.disposition = WAOT_NT_OPEN, .follow = true};
    HANDLE handle;
    if (start + size >= WAOT_OS_PATH_SIZE || waot_windows_open_beneath(root, whole, &how, &handle) < 0)
        return false;
    NtClose(handle);
    return waot_windows_is_directory(&how);
}

/* Makes what is open, new and empty, a link. */
static int64_t waot_windows_make_link(HANDLE handle, const char *target)
{
    _Alignas(8) static unsigned char room[WAOT_NT_REPARSE_ROOM];
    struct waot_nt_reparse *point = (void *)room;
    const size_t head = offsetof(struct waot_nt_reparse, text), size = __builtin_strlen(target);
    if (head + 4 * size > sizeof room)
        return -WAOT_WASI_NAMETOOLONG;
    ptrdiff_t units = waot_windows_to_utf16(target, size, point->text);
    if (units < 0)
        return -WAOT_WASI_ILSEQ;
    for (ptrdiff_t i = 0; i < units; i++)
        if (point->text[i] == '/')
            point->text[i] = '\\';
    __builtin_memcpy(point->text + units, point->text, 2 * (size_t)units);
    point->tag = IO_REPARSE_TAG_SYMLINK;
    point->size = (USHORT)(head - WAOT_NT_REPARSE_HEAD + 4 * (size_t)units);
    point->reserved = 0;
    point->target_at = 0;
    point->target_size = point->shown_at = point->shown_size = (USHORT)(2 * units);
    point->flags = WAOT_NT_LINK_RELATIVE;
    struct waot_nt_result result;
    return waot_windows_result(NtFsControlFile(handle, NULL, NULL, NULL, &result, WAOT_NT_SET_REPARSE_POINT, point,
                                               (ULONG)(WAOT_NT_REPARSE_HEAD + point->size), NULL, 0));
}

int64_t waot_os_path_symlink(const char *target, waot_os_handle root, const char *path)
{
    if (target[0] == '\0')
        return -WAOT_WASI_NOENT;
    for (const char *at = target; *at != '\0'; at++)
        if (*at == '\\' || *at == ':') /* would lead outside, if not us then whoever else follows it */
            return -WAOT_WASI_PERM;
    struct waot_windows_place place;
    int64_t result = waot_windows_locate(root, path, 1, &place);
    if (result < 0)
        return result;
    HANDLE handle;
    struct waot_windows_open how = {.access = DELETE | FILE_WRITE_ATTRIBUTES, .disposition = WAOT_NT_CREATE};
    if (place.dots != WAOT_WINDOWS_NAMED) {
        result = -WAOT_WASI_EXIST;
    } else if (place.slash) {
        result = waot_windows_open_place(&place, 0, &how, &handle);
        if (result == 0) {
            NtClose(handle);
            result = -WAOT_WASI_EXIST;
        }
    } else {
        how.options = waot_windows_target_is_directory(root, path, target) ? WAOT_NT_DIRECTORY_FILE : 0;
        result = waot_windows_result(
            waot_windows_open_name(place.directory, place.name, place.name_size, &how, &handle));
        if (result == 0) {
            result = waot_windows_make_link(handle, target);
            if (result < 0)
                waot_windows_delete(handle);
            NtClose(handle);
        }
    }
    waot_windows_release(1);
    return result;
}

static ULONG waot_windows_new_name(struct waot_nt_rename *to, const struct waot_windows_place *place, ULONG flags)
{
    to->flags = flags;
    to->directory = place->directory;
    to->name_size = place->name_size;
    __builtin_memcpy(to->name, place->name, place->name_size);
    return (ULONG)sizeof *to;
}

static int64_t waot_windows_link(const struct waot_windows_place *from, const struct waot_windows_place *to)
{
    struct waot_windows_open how;
    HANDLE handle;
    if (from->dots != WAOT_WINDOWS_NAMED)
        return -WAOT_WASI_PERM;
    int64_t result = waot_windows_open_place(from, FILE_WRITE_ATTRIBUTES, &how, &handle);
    if (result < 0)
        return result;
    struct waot_nt_rename name;
    if (waot_windows_is_directory(&how))
        result = -WAOT_WASI_PERM;
    else if (from->slash)
        result = -WAOT_WASI_NOTDIR;
    else if (to->dots != WAOT_WINDOWS_NAMED)
        result = -WAOT_WASI_EXIST;
    else if (to->slash)
        result = -WAOT_WASI_NOENT;
    if (result == 0) {
        ULONG size = waot_windows_new_name(&name, to, 0);
        result = waot_windows_set(handle, WAOT_NT_LINK, &name, size);
    }
    NtClose(handle);
    return result;
}

/* What stands where a name is to go: 0, 1 where all is done, or minus an errno. An empty directory is removed where one
 * takes its place, as no version of Windows puts one in the place of another. */
static int64_t waot_windows_make_way(HANDLE source, const struct waot_windows_open *from,
                                     const struct waot_windows_place *old, const struct waot_windows_place *to)
{
    struct waot_windows_open how;
    HANDLE handle;
    int64_t result = waot_windows_open_place(to, 0, &how, &handle);
    if (result < 0)
        return result == -WAOT_WASI_NOENT ? 0 : result;
    struct waot_os_stat a, b;
    result = waot_windows_stat(source, &a);
    if (result == 0)
        result = waot_windows_stat(handle, &b);
    NtClose(handle);
    if (result < 0)
        return result;
    if (a.inode == b.inode && a.device == b.device) {
        /* Names of one file: nothing to do, but for the same name in other letters. */
        bool same = CompareStringOrdinal(old->name, old->name_size / 2, to->name, to->name_size / 2, TRUE) == CSTR_EQUAL &&
                    (old->name_size != to->name_size || __builtin_memcmp(old->name, to->name, old->name_size) != 0);
        return same ? 0 : 1;
    }
    if (waot_windows_is_directory(from) != waot_windows_is_directory(&how))
        return waot_windows_is_directory(from) ? -WAOT_WASI_NOTDIR : -WAOT_WASI_ISDIR;
    return waot_windows_is_directory(from) ? waot_windows_remove(to, true) : 0;
}

static int64_t waot_windows_rename(const struct waot_windows_place *from, const struct waot_windows_place *to)
{
    if (from->dots != WAOT_WINDOWS_NAMED || to->dots != WAOT_WINDOWS_NAMED)
        return -WAOT_WASI_BUSY;
    struct waot_windows_open how;
    HANDLE handle;
    int64_t result = waot_windows_open_place(from, DELETE, &how, &handle);
    if (result < 0)
        return result;
    if ((from->slash || to->slash) && !waot_windows_is_directory(&how))
        result = -WAOT_WASI_NOTDIR;
    else
        result = waot_windows_make_way(handle, &how, from, to);
    if (result == 0) {
        struct waot_nt_rename name;
        struct waot_nt_result done;
        ULONG size = waot_windows_new_name(&name, to, WAOT_NT_REPLACE | WAOT_NT_POSIX_RENAME | WAOT_NT_REPLACE_READ_ONLY);
        waot_nt_status status = NtSetInformationFile(handle, &done, &name, size, WAOT_NT_RENAME_EX);
        if (waot_windows_is_unknown(status)) {
            name.flags = 1; /* replace */
            status = NtSetInformationFile(handle, &done, &name, size, WAOT_NT_RENAME);
        }
        result = waot_windows_result(status);
    }
    NtClose(handle);
    return result > 0 ? 0 : result;
}

static int64_t waot_windows_two_places(int64_t (*act)(const struct waot_windows_place *from,
                                                      const struct waot_windows_place *to),
                                       waot_os_handle root, const char *path, waot_os_handle new_root,
                                       const char *new_path)
{
    struct waot_windows_place from, to;
    int64_t result = waot_windows_locate(root, path, 0, &from);
    if (result < 0)
        return result;
    result = waot_windows_locate(new_root, new_path, 1, &to);
    if (result == 0) {
        result = act(&from, &to);
        waot_windows_release(1);
    }
    waot_windows_release(0);
    return result;
}

int64_t waot_os_path_link(waot_os_handle root, const char *path, waot_os_handle new_root, const char *new_path)
{
    return waot_windows_two_places(waot_windows_link, root, path, new_root, new_path);
}

int64_t waot_os_path_rename(waot_os_handle root, const char *path, waot_os_handle new_root, const char *new_path)
{
    return waot_windows_two_places(waot_windows_rename, root, path, new_root, new_path);
}
