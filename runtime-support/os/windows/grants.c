/* What is granted is named by ordinary paths of Windows: with drive letters, relative to the current directory, with
 * slashes of either kind, of any length. Links in them are followed. */
#include "system.h"

enum { WAOT_WINDOWS_LONGEST = 32768 }; /* units of a path, by the size of a UNICODE_STRING */

/* A path of ours as the native interface has it: whole, below \??\, and with nothing left to interpret. Pages to free. */
static int64_t waot_windows_native(const char *path, WCHAR **native, size_t *units)
{
    size_t size = __builtin_strlen(path);
    if (size == 0)
        return -WAOT_WASI_NOENT;
    if (size >= WAOT_WINDOWS_LONGEST)
        return -WAOT_WASI_NAMETOOLONG;
    WCHAR *room = waot_os_allocate_pages(2 * (2 * WAOT_WINDOWS_LONGEST + 8) * sizeof *room);
    if (room == NULL)
        return -WAOT_WASI_NOMEM;
    WCHAR *wide = room + WAOT_WINDOWS_LONGEST + 16;
    ptrdiff_t count = waot_windows_to_utf16(path, size, wide);
    int64_t result = count < 0 ? -WAOT_WASI_ILSEQ : 0;
    DWORD full = 0;
    WCHAR *to = room + 8; /* room for what comes before it */
    if (result == 0) {
        wide[count] = 0;
        full = GetFullPathNameW(wide, WAOT_WINDOWS_LONGEST, to, NULL);
        if (full == 0 || full >= WAOT_WINDOWS_LONGEST - 8)
            result = full == 0 ? -WAOT_WASI_NOENT : -WAOT_WASI_NAMETOOLONG;
    }
    if (result < 0) {
        waot_os_free_pages(room, 0);
        return result;
    }
    static const WCHAR share[] = L"\\??\\UNC";
    size_t prefix = 4;
    if (to[0] == '\\' && to[1] == '\\') {
        if (to[2] == '?' || to[2] == '.') { /* it says itself what it is */
            to += 4;
            full -= 4;
        } else {
            to += 1;
            full -= 1;
            prefix = 7;
        }
    }
    __builtin_memcpy(room, share, prefix * sizeof *room);
    __builtin_memmove(room + prefix, to, full * sizeof *room);
    *native = room;
    *units = prefix + full;
    return 0;
}

/* Opens it, through links: a handle to close. */
static int64_t waot_windows_open_native(WCHAR *path, size_t units, ACCESS_MASK access, ULONG disposition, ULONG options,
                                        HANDLE *handle)
{
    const struct waot_nt_string name = {(USHORT)(2 * units), (USHORT)(2 * units), path};
    const struct waot_nt_attributes attributes = {
        .size = sizeof attributes, .name = &name, .flags = WAOT_NT_CASE_INSENSITIVE};
    struct waot_nt_result result;
    return waot_windows_result(NtCreateFile(handle, access | FILE_READ_ATTRIBUTES | SYNCHRONIZE, &attributes, &result,
                                            NULL, 0, FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE,
                                            disposition, options | WAOT_NT_SYNCHRONOUS, NULL, 0));
}

static int64_t waot_windows_enter_directory(WCHAR *path, size_t units)
{
    HANDLE handle;
    const ACCESS_MASK access = FILE_GENERIC_READ | FILE_TRAVERSE;
    /* Attributes may be written to where the system allows it: for times. */
    int64_t result =
        waot_windows_open_native(path, units, access | FILE_WRITE_ATTRIBUTES, WAOT_NT_OPEN, WAOT_NT_DIRECTORY_FILE,
                                 &handle);
    if (result == -WAOT_WASI_ACCES || result == -WAOT_WASI_PERM)
        result = waot_windows_open_native(path, units, access, WAOT_NT_OPEN, WAOT_NT_DIRECTORY_FILE, &handle);
    return result < 0 ? result : waot_windows_enter(handle, WAOT_WINDOWS_DISK, WAOT_OS_READABLE);
}

int64_t waot_os_open_directory(const char *path)
{
    WCHAR *native;
    size_t units;
    int64_t result = waot_windows_native(path, &native, &units);
    if (result < 0)
        return result;
    result = waot_windows_enter_directory(native, units);
    waot_os_free_pages(native, 0);
    return result;
}

/* The directory and the name of what is open. */
static int64_t waot_windows_parent(HANDLE handle, WCHAR *room, char name[WAOT_OS_NAME_SIZE])
{
    /* \\?\C:\... or \\?\UNC\...: the native prefix has another second letter. */
    DWORD count = GetFinalPathNameByHandleW(handle, room, WAOT_WINDOWS_LONGEST, FILE_NAME_NORMALIZED);
    if (count == 0 || count >= WAOT_WINDOWS_LONGEST)
        return -WAOT_WASI_NOENT;
    room[1] = '?';
    size_t start = count;
    while (start > 0 && room[start - 1] != '\\')
        start--;
    char text[3 * WAOT_WINDOWS_NAME + 1];
    if (count - start > WAOT_WINDOWS_NAME)
        return -WAOT_WASI_NAMETOOLONG;
    size_t size = waot_windows_to_utf8(room + start, count - start, text);
    if (size >= WAOT_OS_NAME_SIZE)
        return -WAOT_WASI_NAMETOOLONG;
    __builtin_memcpy(name, text, size);
    name[size] = '\0';
    return waot_windows_enter_directory(room, start);
}

int64_t waot_os_locate_file(const char *path, char name[WAOT_OS_NAME_SIZE])
{
    WCHAR *native;
    size_t units;
    int64_t result = waot_windows_native(path, &native, &units);
    if (result < 0)
        return result;
    HANDLE handle;
    result = waot_windows_open_native(native, units, 0, WAOT_NT_OPEN, 0, &handle);
    if (result == 0) {
        struct waot_os_stat stat;
        result = waot_windows_stat(handle, &stat);
        if (result == 0 && stat.filetype == WAOT_WASI_FILETYPE_DIRECTORY)
            result = -WAOT_WASI_ISDIR;
        if (result == 0)
            result = waot_windows_parent(handle, native, name);
        NtClose(handle);
    }
    waot_os_free_pages(native, 0);
    return result;
}

int64_t waot_os_open_file(const char *path)
{
    WCHAR *native;
    size_t units;
    int64_t result = waot_windows_native(path, &native, &units);
    if (result < 0)
        return result;
    HANDLE handle;
    const ACCESS_MASK access = FILE_GENERIC_READ | FILE_GENERIC_WRITE;
    result = waot_windows_open_native(native, units, access, WAOT_NT_OPEN_IF, WAOT_NT_NO_DIRECTORY, &handle);
    waot_os_free_pages(native, 0);
    if (result < 0)
        return result;
    return waot_windows_enter(handle, WAOT_WINDOWS_DISK, WAOT_OS_READABLE | WAOT_OS_WRITABLE);
}

int64_t waot_os_map_file(waot_os_handle handle, uint64_t size, uint8_t **bytes)
{
    struct waot_windows_file *file = waot_windows_find(handle);
    HANDLE section = size > SIZE_MAX ? NULL
                                     : CreateFileMappingW(file->handle, NULL, PAGE_READWRITE, (DWORD)(size >> 32),
                                                          (DWORD)size, NULL);
    if (section == NULL)
        return -WAOT_WASI_NOMEM;
    *bytes = MapViewOfFile(section, FILE_MAP_READ | FILE_MAP_WRITE, 0, 0, (SIZE_T)size);
    NtClose(section); /* what is mapped stays */
    return *bytes == NULL ? -WAOT_WASI_NOMEM : 0;
}
