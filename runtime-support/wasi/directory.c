/* fd_readdir.
 *
 * A cookie is the host's own position after an entry plus 3, so it stays good while other entries come and go. `.` and
 * `..` come first, with the cookies 1 and 2, and both name the directory itself: what stands above a grant is not
 * the guest's to know. The host's own two are left out. */
#include "overlay.h"

enum { WAOT_WASI_COOKIE_REST = 2, WAOT_WASI_COOKIE_BIAS = 3 };
/* Embedded entries behind those of a granted directory on top: no position of a host's is as high. */
#define WAOT_WASI_COOKIE_EMBEDDED (UINT64_C(3) << 62)

struct waot_wasi_readdir {
    uint8_t *to;
    uint32_t size, used;
};

/* Appends an entry, cut where the guest's buffer ends; false when that is full. */
static bool waot_wasi_append_entry(struct waot_wasi_readdir *list, uint64_t next, uint64_t inode, uint8_t filetype,
                                   const char *name, size_t name_size)
{
    uint8_t head[WAOT_WASI_SIZEOF_DIRENT] = {0};
    waot_guest_store_u64(head, next);
    waot_guest_store_u64(head + 8, inode);
    waot_guest_store_u32(head + 16, (uint32_t)name_size);
    head[20] = filetype;
    uint32_t room = list->size - list->used;
    if (room > sizeof head + name_size) { /* the common case, in fewer steps */
        __builtin_memcpy(list->to + list->used, head, sizeof head);
        __builtin_memcpy(list->to + list->used + sizeof head, name, name_size);
        list->used += (uint32_t)(sizeof head + name_size);
        return true;
    }
    uint32_t part = room < sizeof head ? room : (uint32_t)sizeof head;
    __builtin_memcpy(list->to + list->used, head, part);
    list->used += part;
    room -= part;
    part = room < name_size ? room : (uint32_t)name_size;
    __builtin_memcpy(list->to + list->used, name, part);
    list->used += part;
    return list->used < list->size;
}

/* The embedded entries from `position` on, which is a number of entries. */
static void waot_wasi_append_embedded(uint32_t directory, uint64_t position, struct waot_wasi_readdir *list)
{
    struct waot_os_entry entry;
    while (waot_embed_entry(directory, position, &entry)) {
        position = entry.next;
        if (!waot_wasi_append_entry(list, position + WAOT_WASI_COOKIE_BIAS, entry.inode, entry.filetype, entry.name,
                                    entry.name_size))
            break;
    }
}

/* The granted files from `position` on. */
static void waot_wasi_append_files(const struct waot_wasi_descriptor *descriptor, uint64_t position,
                                   struct waot_wasi_readdir *list)
{
    struct waot_os_entry entry;
    for (; waot_wasi_files_entry(descriptor, &position, &entry); position = entry.next)
        if (!waot_wasi_append_entry(list, entry.next + WAOT_WASI_COOKIE_BIAS, entry.inode, entry.filetype, entry.name,
                                    entry.name_size))
            break;
}

/* The host's entries from `position` on; `overlay`, if it is not null, says which are shown. */
static uint32_t waot_wasi_append_entries(waot_os_handle handle, const struct waot_wasi_descriptor *overlay,
                                         uint64_t position, struct waot_wasi_readdir *list)
{
    struct waot_os_entry entry;
    _Alignas(8) char buffer[8192];
    for (;;) {
        /* A little more than the guest has room for, so that one call fills it: the host's entries are larger by up to
         * an eighth. What does not fit is read again by the next call. The longest name of any file system fits in
         * 1 KiB (NTFS: 255 characters of three bytes). */
        size_t room = list->size - list->used, size = (room + room / 8 + 64) & ~(size_t)7;
        size = size < 1024 ? 1024 : size > sizeof buffer ? sizeof buffer : size;
        int64_t got = waot_os_directory_read(handle, position, buffer, size);
        if (got < 0)
            return waot_wasi_result(got);
        if (got == 0)
            return WAOT_WASI_SUCCESS;
        for (size_t at = 0; at < (size_t)got;) {
            waot_os_directory_entry(handle, buffer, &at, &entry);
            position = entry.next;
            if (entry.name[0] == '.' && (entry.name_size == 1 || (entry.name_size == 2 && entry.name[1] == '.')))
                continue;
            if (overlay != NULL && !waot_overlay_shows_upper(overlay, &entry))
                continue;
            if (!waot_wasi_is_utf8((const uint8_t *)entry.name, entry.name_size))
                return WAOT_WASI_ILSEQ;
            if (!waot_wasi_append_entry(list, entry.next + WAOT_WASI_COOKIE_BIAS, entry.inode, entry.filetype,
                                        entry.name, entry.name_size))
                return WAOT_WASI_SUCCESS;
        }
    }
}

/* Of a merged directory: the entries on top, then the embedded ones that they do not hide. */
static uint32_t waot_wasi_append_merged(const struct waot_wasi_descriptor *descriptor, uint64_t position,
                                        struct waot_wasi_readdir *list)
{
    const uint64_t embedded = WAOT_WASI_COOKIE_EMBEDDED - WAOT_WASI_COOKIE_BIAS;
    if (position < embedded) {
        int64_t result = waot_overlay_open_upper(descriptor);
        if (result >= 0) {
            uint32_t error = waot_wasi_append_entries((waot_os_handle)result, descriptor, position, list);
            waot_os_close((waot_os_handle)result);
            if (error != WAOT_WASI_SUCCESS || list->used == list->size)
                return error;
        } else if (result != -WAOT_WASI_NOENT) {
            return waot_wasi_result(result);
        }
        position = embedded;
    }
    struct waot_os_entry entry;
    for (position -= embedded; waot_embed_entry(descriptor->node, position, &entry);) {
        position = entry.next;
        if (waot_overlay_shows_lower(descriptor, &entry) &&
            !waot_wasi_append_entry(list, position + WAOT_WASI_COOKIE_EMBEDDED, entry.inode, entry.filetype, entry.name,
                                    entry.name_size))
            break;
    }
    return WAOT_WASI_SUCCESS;
}

uint32_t waot_wasi_fd_readdir(struct waot_memory *memory, uint32_t fd, uint32_t buf, uint32_t buf_len, uint64_t cookie,
                              uint32_t bufused)
{
    struct waot_wasi_descriptor *descriptor;
    uint32_t error = waot_wasi_directory(fd, WAOT_WASI_RIGHT_FD_READDIR, false, &descriptor);
    if (error != WAOT_WASI_SUCCESS)
        return error;
    struct waot_wasi_readdir list = {NULL, buf_len, 0};
    uint8_t *to;
    if (!waot_guest_range(memory, buf, buf_len, &list.to) || !waot_guest_range(memory, bufused, 4, &to))
        return WAOT_WASI_FAULT;
    bool room = buf_len > 0;
    if (cookie < WAOT_WASI_COOKIE_REST) {
        struct waot_os_stat stat;
        int64_t result = waot_wasi_stat(descriptor, &stat);
        if (result < 0)
            return waot_wasi_result(result);
        for (; room && cookie < WAOT_WASI_COOKIE_REST; cookie++)
            room = waot_wasi_append_entry(&list, cookie + 1, stat.inode, WAOT_WASI_FILETYPE_DIRECTORY, "..",
                                          (size_t)cookie + 1);
    }
    if (room) {
        uint64_t position = cookie == WAOT_WASI_COOKIE_REST ? 0 : cookie - WAOT_WASI_COOKIE_BIAS;
        if (waot_wasi_is_overlay(descriptor))
            error = waot_wasi_append_merged(descriptor, position, &list);
        else if (waot_wasi_is_embedded(descriptor))
            waot_wasi_append_embedded(descriptor->node, position, &list);
        else if (waot_wasi_is_files(descriptor))
            waot_wasi_append_files(descriptor, position, &list);
        else
            error = waot_wasi_append_entries(descriptor->handle, NULL, position, &list);
        if (error != WAOT_WASI_SUCCESS) /* even with entries in hand: a buffer that is not full tells of the end */
            return error;
    }
    waot_guest_store_u32(to, list.used);
    return WAOT_WASI_SUCCESS;
}
