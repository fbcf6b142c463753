/* Reading directories, of os.h.
 *
 * The system knows only "from the start" and "go on", by what is in the handle. A position is the number of entries before
 * it. What was read last is kept with the handle, so that a guest that takes less than was read goes on where it
 * stopped, also when it has removed entries meanwhile; only going further back reads from the start again.
 */
#include "system.h"

/* How an entry is handed over in the caller's buffer; a multiple of 8 bytes. */
struct waot_windows_dirent {
    uint64_t next, inode;
    uint16_t size, name_size;
    uint8_t filetype;
    char name[];
};

/* Wine reads what a handle lists only once. Another one, for the listing alone: other threads may be about to use that of the
 * file. */
static void waot_windows_open_again(const struct waot_windows_file *file)
{
    struct waot_windows_open how = {
        .access = FILE_GENERIC_READ | FILE_TRAVERSE,
        .wished = FILE_WRITE_ATTRIBUTES,
        .disposition = WAOT_NT_OPEN,
        .options = WAOT_NT_DIRECTORY_FILE,
    };
    HANDLE handle;
    if (waot_windows_open_name(file->handle, L"", 0, &how, &handle) < 0)
        return; /* removed */
    if (file->listing->again != NULL)
        NtClose(file->listing->again);
    file->listing->again = handle;
}

void waot_windows_free_listing(struct waot_windows_listing *listing)
{
    if (listing->again != NULL)
        NtClose(listing->again);
    waot_os_free_pages(listing, sizeof *listing);
}

/* Reads on: 1, 0 at the end, or minus an errno. */
static int64_t waot_windows_list_more(struct waot_windows_file *file, bool again)
{
    struct waot_windows_listing *listing = file->listing;
    struct waot_nt_result result;
    if (again && listing->begun)
        waot_windows_open_again(file);
    waot_nt_status status =
        NtQueryDirectoryFile(listing->again != NULL ? listing->again : file->handle, NULL, NULL, NULL, &result, listing->entries, sizeof listing->entries,
                             WAOT_NT_ID_BOTH_DIRECTORY, FALSE, NULL, again);
    listing->first = again ? 0 : listing->behind;
    listing->behind = listing->first;
    listing->begun = true;
    if (status == STATUS_NO_MORE_FILES || status == STATUS_NO_SUCH_FILE)
        return 0;
    if (status == STATUS_DELETE_PENDING || status == STATUS_FILE_DELETED) /* a directory that was removed is empty */
        return 0;
    if (status < 0)
        return waot_windows_result(status);
    const struct waot_nt_entry *entry = (const void *)listing->entries;
    for (;; entry = (const void *)((const unsigned char *)entry + entry->next)) {
        listing->behind++;
        if (entry->next == 0)
            return 1;
    }
}

static bool waot_windows_hand_over(const struct waot_nt_entry *entry, uint64_t next, unsigned char *to, size_t room,
                                   size_t *used)
{
    size_t units = entry->name_size / 2;
    size_t size = (offsetof(struct waot_windows_dirent, name) + 3 * units + 7) & ~(size_t)7;
    if (units > WAOT_WINDOWS_NAME || size > room - *used)
        return false;
    struct waot_windows_dirent *made = (void *)(to + *used);
    made->next = next;
    made->inode = entry->inode;
    made->name_size = (uint16_t)waot_windows_to_utf8(entry->name, units, made->name);
    made->filetype = waot_windows_filetype(entry->attributes, entry->tag);
    size = (offsetof(struct waot_windows_dirent, name) + made->name_size + 7) & ~(size_t)7;
    made->size = (uint16_t)size;
    *used += size;
    return true;
}

static int64_t waot_windows_read_directory(struct waot_windows_file *file, uint64_t position, void *buffer, size_t size)
{
    if (file->listing == NULL) {
        file->listing = waot_os_allocate_pages(sizeof *file->listing);
        if (file->listing == NULL)
            return -WAOT_WASI_NOMEM;
    }
    struct waot_windows_listing *listing = file->listing;
    int64_t more = 1;
    if (!listing->begun || position == 0 || position < listing->first)
        more = waot_windows_list_more(file, true);
    while (more > 0 && position >= listing->behind)
        more = waot_windows_list_more(file, false);
    if (more <= 0)
        return more;
    const struct waot_nt_entry *entry = (const void *)listing->entries;
    size_t used = 0;
    for (uint64_t at = listing->first; at < listing->behind; at++) {
        if (at >= position && !waot_windows_hand_over(entry, at + 1, buffer, size, &used))
            break;
        entry = (const void *)((const unsigned char *)entry + entry->next);
    }
    return (int64_t)used;
}

int64_t waot_os_directory_read(waot_os_handle handle, uint64_t position, void *buffer, size_t size)
{
    struct waot_windows_file *file = waot_windows_find(handle);
    if (file == NULL)
        return -WAOT_WASI_BADF;
    waot_windows_lock_file(file);
    int64_t used = waot_windows_read_directory(file, position, buffer, size);
    waot_windows_unlock_file(file);
    return used;
}

void waot_os_directory_entry(waot_os_handle handle, const void *buffer, size_t *at, struct waot_os_entry *entry)
{
    (void)handle;
    const struct waot_windows_dirent *from = (const void *)((const char *)buffer + *at);
    *at += from->size;
    entry->next = from->next;
    entry->inode = from->inode;
    entry->name = from->name;
    entry->name_size = from->name_size;
    entry->filetype = from->filetype;
}
