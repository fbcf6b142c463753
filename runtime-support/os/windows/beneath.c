/* Paths resolved beneath a directory.
 *
 * Windows' own resolution is not asked: each component is opened by its name alone, relative to the handle of the
 * directory reached so far, and what stands there is opened itself if it is a reparse point. Symbolic links are read and
 * expanded by us; any other point that stands for a place elsewhere (a junction, a mounted volume) is PERM. `..` goes back
 * to the handle that the walk came from, so nobody can make it lead out by moving a directory meanwhile.
 *
 * A component goes to the system only where it is an ordinary name: what the system or programs for it take for something
 * else (a stream of a file, a device, a wildcard, a path) is INVAL. The native interface ignores nothing in names, so
 * none of this is needed to stay beneath the root; it keeps programs from making files that nobody else can name.
 */
#include "system.h"

enum {
    WAOT_WINDOWS_LINKS = 40, /* as on Linux */
    WAOT_WINDOWS_DEPTH = WAOT_OS_PATH_SIZE,
};

struct waot_windows_walk {
    HANDLE root;
    size_t depth;
    int links;                          /* expanded so far */
    size_t after;                       /* in `rest`, behind the name that was found last and the slashes behind it */
    HANDLE directories[WAOT_WINDOWS_DEPTH]; /* opened, from the root down */
    char rest[2 * WAOT_OS_PATH_SIZE];   /* what is still to be walked */
    char target[3 * WAOT_OS_PATH_SIZE];
};

/* Too large for a stack; one for each path of a call. Pages that are not used are not there. */
static struct waot_windows_walk waot_windows_walks[2];

/* Of a program with threads: one has these, and what else is too large for a stack, between these two, which it may
 * call again in between. */
static uint32_t waot_windows_path_lock;
static WAOT_THREAD_LOCAL unsigned waot_windows_begun;

static void waot_windows_begin_path(void)
{
    if (WAOT_THREADS && waot_windows_begun++ == 0)
        waot_lock(&waot_windows_path_lock);
}

static void waot_windows_end_path(void)
{
    if (WAOT_THREADS && --waot_windows_begun == 0)
        waot_unlock(&waot_windows_path_lock);
}

static HANDLE waot_windows_walk_at(const struct waot_windows_walk *walk)
{
    return walk->depth == 0 ? walk->root : walk->directories[walk->depth - 1];
}

/* ---------------------------------------------------------------- names */

/* A name, or what precedes its first dot, that programs take for a device. */
static bool waot_windows_is_device(const WCHAR *name, size_t size)
{
    static const char devices[][8] = {"CON", "PRN", "AUX", "NUL", "CONIN$", "CONOUT$", "COM", "LPT"};
    size_t end = 0;
    while (end < size && name[end] != '.')
        end++;
    while (end > 0 && name[end - 1] == ' ')
        end--;
    for (size_t i = 0; i < sizeof devices / sizeof *devices; i++) {
        size_t length = __builtin_strlen(devices[i]);
        bool numbered = i >= 6;
        if (end != length + numbered)
            continue;
        size_t same = 0;
        while (same < length && (name[same] >= 'a' && name[same] <= 'z' ? name[same] - 32 : name[same]) == devices[i][same])
            same++;
        WCHAR last = name[end - 1];
        if (same == length && (!numbered || (last >= '0' && last <= '9') || last == 0xb9 || last == 0xb2 || last == 0xb3))
            return true;
    }
    return false;
}

static int64_t waot_windows_name(const char *from, size_t size, struct waot_windows_place *place)
{
    if (size > 3 * WAOT_WINDOWS_NAME)
        return -WAOT_WASI_NAMETOOLONG;
    WCHAR name[3 * WAOT_WINDOWS_NAME];
    ptrdiff_t units = waot_windows_to_utf16(from, size, name);
    if (units < 0)
        return -WAOT_WASI_ILSEQ;
    if (units > WAOT_WINDOWS_NAME)
        return -WAOT_WASI_NAMETOOLONG;
    for (ptrdiff_t i = 0; i < units; i++) {
        WCHAR c = name[i];
        if (c < 0x20 || c == '\\' || c == ':' || c == '*' || c == '?' || c == '"' || c == '<' || c == '>' || c == '|')
            return -WAOT_WASI_INVAL;
    }
    if (name[units - 1] == '.' || name[units - 1] == ' ' || waot_windows_is_device(name, (size_t)units))
        return -WAOT_WASI_INVAL;
    place->name_size = (USHORT)(2 * units);
    __builtin_memcpy(place->name, name, place->name_size);
    return 0;
}

/* ---------------------------------------------------------------- one name in a directory */

/* Wine follows symbolic links of its host wherever it meets one and says so only of those to directories, and only
 * when asked by a whole name. */
static bool waot_windows_is_wines_link(HANDLE directory, const WCHAR *name, USHORT name_size)
{
    enum { ROOM = 32768 };
    static struct {
        struct waot_nt_string string;
        WCHAR text[ROOM];
    } whole;
    struct waot_windows_state *state = &waot_windows_state;
    if (!state->known_wine) {
        HMODULE ntdll = GetModuleHandleW(L"ntdll.dll");
        state->wine = ntdll != NULL && GetProcAddress(ntdll, "wine_get_version") != NULL;
        state->known_wine = true;
    }
    if (!state->wine || name_size == 0)
        return false;
    if (NtQueryObject(directory, WAOT_NT_OBJECT_NAME, &whole, sizeof whole, NULL) < 0 ||
        whole.string.size + sizeof *name + name_size > UINT16_MAX || whole.string.text != whole.text)
        return true;
    WCHAR *end = whole.text + whole.string.size / sizeof *name;
    *end++ = '\\';
    __builtin_memcpy(end, name, name_size);
    whole.string.size += (USHORT)(sizeof *name + name_size);
    const struct waot_nt_attributes attributes = {
        .size = sizeof attributes, .name = &whole.string, .flags = WAOT_NT_CASE_INSENSITIVE};
    struct waot_nt_basic basic;
    return NtQueryAttributesFile(&attributes, &basic) >= 0 && (basic.attributes & FILE_ATTRIBUTE_REPARSE_POINT) != 0;
}

waot_nt_status waot_windows_open_name(HANDLE directory, const WCHAR *name, USHORT name_size,
                                      struct waot_windows_open *how, HANDLE *handle)
{
    const struct waot_nt_string string = {name_size, name_size, (WCHAR *)(uintptr_t)name};
    const struct waot_nt_attributes attributes = {
        .size = sizeof attributes, .directory = directory, .name = &string, .flags = WAOT_NT_CASE_INSENSITIVE};
    struct waot_nt_result result;
    ACCESS_MASK access = how->access | FILE_READ_ATTRIBUTES | SYNCHRONIZE;
    waot_nt_status status;
    for (ACCESS_MASK wished = how->wished;; wished = 0) {
        status = NtCreateFile(handle, access | wished, &attributes, &result, NULL, FILE_ATTRIBUTE_NORMAL,
                              FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, how->disposition,
                              how->options | WAOT_NT_SYNCHRONOUS | WAOT_NT_OPEN_REPARSE_POINT, NULL, 0);
        if (wished == 0 || (status != STATUS_ACCESS_DENIED && status != STATUS_MEDIA_WRITE_PROTECTED))
            break;
    }
    if (status < 0)
        return status;
    how->made = result.information == WAOT_NT_CREATED;
    struct waot_nt_attribute_tag found = {0, 0};
    status = NtQueryInformationFile(*handle, &result, &found, sizeof found, WAOT_NT_ATTRIBUTE_TAG);
    if (status < 0) {
        NtClose(*handle);
        return status;
    }
    how->attributes = found.attributes;
    how->tag = (found.attributes & FILE_ATTRIBUTE_REPARSE_POINT) != 0 ? found.tag : 0;
    if (how->tag == 0 && waot_windows_is_wines_link(directory, name, name_size))
        how->tag = IO_REPARSE_TAG_MOUNT_POINT; /* where it leads we are not told */
    return status;
}

/* Whether it stands for something elsewhere; of a file that is only stored in another way it is none of ours. */
static bool waot_windows_leads_elsewhere(ULONG tag)
{
    return IsReparseTagNameSurrogate(tag) != 0;
}

/* ---------------------------------------------------------------- links */

static int64_t waot_windows_read_link_alone(HANDLE link, char *target, size_t size)
{
    _Alignas(8) static unsigned char room[WAOT_NT_REPARSE_ROOM];
    const struct waot_nt_reparse *point = (const void *)room;
    struct waot_nt_result result;
    waot_nt_status status =
        NtFsControlFile(link, NULL, NULL, NULL, &result, WAOT_NT_GET_REPARSE_POINT, NULL, 0, room, sizeof room);
    if (status < 0)
        return waot_windows_result(status);
    if (point->tag != IO_REPARSE_TAG_SYMLINK)
        return point->tag == IO_REPARSE_TAG_MOUNT_POINT ? -WAOT_WASI_PERM : -WAOT_WASI_INVAL;
    if ((point->flags & WAOT_NT_LINK_RELATIVE) == 0)
        return -WAOT_WASI_PERM;
    size_t head = offsetof(struct waot_nt_reparse, text), count = point->target_size / 2;
    if (head + point->target_at + point->target_size > sizeof room || 3 * count > size)
        return -WAOT_WASI_NAMETOOLONG;
    size_t used = waot_windows_to_utf8(point->text + point->target_at / 2, count, target);
    for (size_t i = 0; i < used; i++)
        if (target[i] == '\\')
            target[i] = '/';
    return (int64_t)used;
}

int64_t waot_windows_read_link(HANDLE link, char *target, size_t size)
{
    waot_windows_begin_path();
    int64_t used = waot_windows_read_link_alone(link, target, size);
    waot_windows_end_path();
    return used;
}

/* Puts a link's target in the place of its name. */
static int64_t waot_windows_expand(struct waot_windows_walk *walk, HANDLE link)
{
    int64_t size = waot_windows_read_link(link, walk->target, sizeof walk->target);
    if (size < 0)
        return size;
    if (++walk->links > WAOT_WINDOWS_LINKS)
        return -WAOT_WASI_LOOP;
    if (size == 0)
        return -WAOT_WASI_NOENT;
    if (walk->target[0] == '/')
        return -WAOT_WASI_PERM;
    const char *rest = walk->rest + walk->after;
    size_t tail = __builtin_strlen(rest) + 1;
    bool more = walk->after > 0 && rest[-1] == '/'; /* a slash behind the link stays, with or without names behind it */
    if ((size_t)size + 1 + tail > sizeof walk->rest)
        return -WAOT_WASI_LOOP;
    __builtin_memmove(walk->rest + size + (more ? 1 : 0), rest, tail);
    __builtin_memcpy(walk->rest, walk->target, (size_t)size);
    if (more)
        walk->rest[size] = '/';
    return 0;
}

/* ---------------------------------------------------------------- walking */

/* Whatever comes of it, waot_windows_walk_end is to follow. */
static int64_t waot_windows_walk_begin(struct waot_windows_walk *walk, waot_os_handle root, const char *path)
{
    waot_windows_begin_path();
    const struct waot_windows_file *file = waot_windows_find(root);
    walk->depth = 0;
    walk->links = 0;
    if (file == NULL)
        return -WAOT_WASI_BADF;
    if (path[0] == '\0')
        return -WAOT_WASI_NOENT;
    if (path[0] == '/')
        return -WAOT_WASI_PERM;
    walk->root = file->handle;
    __builtin_memcpy(walk->rest, path, __builtin_strlen(path) + 1);
    return 0;
}

static void waot_windows_walk_up(struct waot_windows_walk *walk)
{
    NtClose(walk->directories[--walk->depth]);
}

static void waot_windows_walk_end(struct waot_windows_walk *walk)
{
    while (walk->depth > 0)
        waot_windows_walk_up(walk);
    waot_windows_end_path();
}

/* Enters the directory of that name, or expands the link. */
static int64_t waot_windows_walk_enter(struct waot_windows_walk *walk, const struct waot_windows_place *place)
{
    struct waot_windows_open how = {.access = FILE_TRAVERSE, .disposition = WAOT_NT_OPEN};
    HANDLE next;
    waot_nt_status status = waot_windows_open_name(waot_windows_walk_at(walk), place->name, place->name_size, &how, &next);
    if (status < 0)
        return waot_windows_result(status);
    int64_t result = 0;
    if (how.tag == IO_REPARSE_TAG_SYMLINK) {
        result = waot_windows_expand(walk, next);
        NtClose(next);
        return result;
    }
    if (waot_windows_leads_elsewhere(how.tag))
        result = -WAOT_WASI_PERM;
    else if ((how.attributes & FILE_ATTRIBUTE_DIRECTORY) == 0)
        result = -WAOT_WASI_NOTDIR;
    else if (walk->depth == WAOT_WINDOWS_DEPTH)
        result = -WAOT_WASI_NAMETOOLONG;
    if (result < 0) {
        NtClose(next);
        return result;
    }
    walk->directories[walk->depth++] = next;
    const char *rest = walk->rest + walk->after;
    __builtin_memmove(walk->rest, rest, __builtin_strlen(rest) + 1);
    return 0;
}

/* Walks until the last name. */
static int64_t waot_windows_walk_on(struct waot_windows_walk *walk, struct waot_windows_place *place)
{
    for (;;) {
        const char *rest = walk->rest;
        size_t start = 0;
        while (rest[start] == '/')
            start++;
        size_t end = start;
        while (rest[end] != '\0' && rest[end] != '/')
            end++;
        size_t after = end;
        while (rest[after] == '/')
            after++;
        const char *name = rest + start;
        size_t size = end - start;
        bool last = rest[after] == '\0';
        walk->after = after;
        place->slash = after > end;
        place->name_size = 0;
        place->dots = WAOT_WINDOWS_NAMED;
        if (size == 0 || (size == 1 && name[0] == '.'))
            place->dots = WAOT_WINDOWS_DOT;
        if (size == 2 && name[0] == '.' && name[1] == '.') {
            if (walk->depth == 0)
                return -WAOT_WASI_PERM;
            waot_windows_walk_up(walk);
            place->dots = WAOT_WINDOWS_DOT_DOT;
        }
        if (place->dots == WAOT_WINDOWS_NAMED) {
            int64_t result = waot_windows_name(name, size, place);
            if (result < 0 || last)
                return result;
            result = waot_windows_walk_enter(walk, place);
            if (result < 0)
                return result;
            continue;
        }
        if (last)
            return 0;
        __builtin_memmove(walk->rest, walk->rest + after, __builtin_strlen(walk->rest + after) + 1);
    }
}

/* ---------------------------------------------------------------- both uses */

int64_t waot_windows_locate(waot_os_handle root, const char *path, int which, struct waot_windows_place *place)
{
    struct waot_windows_walk *walk = &waot_windows_walks[which];
    int64_t result = waot_windows_walk_begin(walk, root, path);
    if (result == 0)
        result = waot_windows_walk_on(walk, place);
    if (result < 0)
        waot_windows_walk_end(walk);
    else
        place->directory = waot_windows_walk_at(walk);
    return result;
}

void waot_windows_release(int which)
{
    waot_windows_walk_end(&waot_windows_walks[which]);
}

/* Opens what the walk has come to: 0, 1 where it was a link that is expanded now, or minus an errno. */
static int64_t waot_windows_open_found(struct waot_windows_walk *walk, const struct waot_windows_place *place,
                                       struct waot_windows_open *how, HANDLE *handle)
{
    struct waot_windows_open now = *how;
    how->slash = place->slash;
    if (place->dots != WAOT_WINDOWS_NAMED) {
        if (how->disposition == WAOT_NT_CREATE)
            return -WAOT_WASI_EXIST;
        now.disposition = WAOT_NT_OPEN;
    } else if (place->slash && how->disposition != WAOT_NT_OPEN) {
        return -WAOT_WASI_ISDIR;
    }
    waot_nt_status status =
        waot_windows_open_name(waot_windows_walk_at(walk), place->name, place->name_size, &now, handle);
    if (status < 0)
        return waot_windows_result(status);
    how->made = now.made;
    how->attributes = now.attributes;
    how->tag = now.tag;
    int64_t result = 0;
    bool follow = how->follow || place->slash, expanded = now.tag == IO_REPARSE_TAG_SYMLINK && follow;
    if (expanded)
        result = waot_windows_expand(walk, *handle);
    else if (waot_windows_leads_elsewhere(now.tag) && follow)
        result = -WAOT_WASI_PERM;
    else if (place->slash && (now.attributes & FILE_ATTRIBUTE_DIRECTORY) == 0)
        result = -WAOT_WASI_NOTDIR;
    if (expanded || result < 0)
        NtClose(*handle);
    return expanded && result == 0 ? 1 : result;
}

int64_t waot_windows_open_beneath(waot_os_handle root, const char *path, struct waot_windows_open *how, HANDLE *handle)
{
    struct waot_windows_walk *walk = &waot_windows_walks[0];
    struct waot_windows_place place;
    int64_t result = waot_windows_walk_begin(walk, root, path);
    if (result == 0)
        do {
            result = waot_windows_walk_on(walk, &place);
            if (result == 0)
                result = waot_windows_open_found(walk, &place, how, handle);
        } while (result == 1);
    waot_windows_walk_end(walk);
    return result;
}

void waot_os_force_walk(void)
{
    /* There is no other way. */
}
