/* Entries of directories, of os.h.
 *
 * Darwin's positions in a directory belong to a stream of the C library, which trusts them: telldir(3) and seekdir(3) are
 * nothing for a number that comes from a guest. So a directory is read as a whole when its beginning is asked for, and a
 * position is the number of an entry in what was read. Entries that were there then are all told, once, whatever is
 * removed meanwhile. What was read is kept until the handle is closed.
 */
#include "../../core/lock.h"
#include "posix.h"

#include <dirent.h>
#include <stdlib.h>

/* As it is kept, and as waot_os_directory_read gives it: the name follows, NUL-terminated. */
struct waot_darwin_entry {
    uint64_t inode;
    uint64_t next;
    uint16_t size; /* of this, a multiple of 8 */
    uint8_t type;  /* DT_* */
    char name[];
};

struct waot_darwin_directory {
    struct waot_darwin_directory *following;
    long handle;
    uint64_t count; /* of entries */
    uint64_t at;    /* the entry after the one that was told last, and where it stands in `entries` */
    size_t offset;
    size_t size, room; /* bytes used of `entries`, and had */
    char *entries;
};

static struct waot_darwin_directory *waot_darwin_directories;
static uint32_t waot_darwin_directories_lock; /* of all of them, where there are threads */

static void waot_darwin_forget(long handle)
{
    struct waot_darwin_directory **place = &waot_darwin_directories;
    while (*place != NULL && (*place)->handle != handle)
        place = &(*place)->following;
    struct waot_darwin_directory *found = *place;
    if (found != NULL) {
        *place = found->following;
        free(found->entries);
        free(found);
    }
}

void waot_call_forget(long handle)
{
    if (WAOT_THREADS)
        waot_lock(&waot_darwin_directories_lock);
    waot_darwin_forget(handle);
    if (WAOT_THREADS)
        waot_unlock(&waot_darwin_directories_lock);
}

static bool waot_darwin_keep(struct waot_darwin_directory *directory, const struct dirent *entry)
{
    size_t name_size = __builtin_strlen(entry->d_name);
    size_t size = (offsetof(struct waot_darwin_entry, name) + name_size + 1 + 7) & ~(size_t)7;
    if (size > directory->room - directory->size) {
        size_t room = 2 * directory->room + 4096;
        char *entries = realloc(directory->entries, room);
        if (entries == NULL)
            return false;
        directory->entries = entries;
        directory->room = room;
    }
    struct waot_darwin_entry *to = (struct waot_darwin_entry *)(void *)(directory->entries + directory->size);
    to->inode = entry->d_ino;
    to->next = ++directory->count;
    to->size = (uint16_t)size;
    to->type = entry->d_type;
    __builtin_memcpy(to->name, entry->d_name, name_size + 1);
    directory->size += size;
    return true;
}

/* Reads all of it, through a stream of its own on the same open directory. */
static long waot_darwin_read_directory(struct waot_darwin_directory *directory)
{
    long handle = WAOT_CALL(fcntl((int)directory->handle, F_DUPFD_CLOEXEC, 3));
    if (handle < 0)
        return handle;
    lseek((int)handle, 0, SEEK_SET);
    DIR *stream = fdopendir((int)handle);
    if (stream == NULL) {
        long refused = -(long)errno;
        close((int)handle);
        return refused;
    }
    long result = 0;
    for (;;) {
        errno = 0;
        const struct dirent *entry = readdir(stream);
        if (entry == NULL) {
            if (errno != ENOENT) /* a directory that was removed is empty */
                result = -(long)errno;
            break;
        }
        if (!waot_darwin_keep(directory, entry)) {
            result = -ENOMEM;
            break;
        }
    }
    closedir(stream);
    return result;
}

static int64_t waot_darwin_find_directory(long handle, struct waot_darwin_directory **found)
{
    for (*found = waot_darwin_directories; *found != NULL; *found = (*found)->following)
        if ((*found)->handle == handle)
            return 0;
    struct waot_darwin_directory *directory = calloc(1, sizeof *directory);
    if (directory == NULL)
        return -WAOT_WASI_NOMEM;
    directory->handle = handle;
    directory->following = waot_darwin_directories;
    waot_darwin_directories = *found = directory;
    long result = waot_darwin_read_directory(directory);
    if (result < 0)
        waot_darwin_forget(handle);
    return waot_posix_result(result);
}

static const struct waot_darwin_entry *waot_darwin_entry(const struct waot_darwin_directory *directory, size_t offset)
{
    return (const struct waot_darwin_entry *)(const void *)(directory->entries + offset);
}

static int64_t waot_darwin_read(waot_os_handle handle, uint64_t position, void *buffer, size_t size)
{
    struct waot_darwin_directory *directory;
    if (position == 0)
        waot_darwin_forget(handle);
    int64_t result = waot_darwin_find_directory(handle, &directory);
    if (result < 0)
        return result;
    if (position >= directory->count) /* the end, or what no reading gives */
        return 0;
    if (position < directory->at)
        directory->at = directory->offset = 0;
    for (; directory->at < position; directory->at++)
        directory->offset += waot_darwin_entry(directory, directory->offset)->size;
    size_t end = directory->offset;
    while (end < directory->size) {
        size_t next = end + waot_darwin_entry(directory, end)->size;
        if (next - directory->offset > size)
            break;
        end = next;
    }
    __builtin_memcpy(buffer, directory->entries + directory->offset, end - directory->offset);
    return (int64_t)(end - directory->offset);
}

int64_t waot_os_directory_read(waot_os_handle handle, uint64_t position, void *buffer, size_t size)
{
    if (WAOT_THREADS)
        waot_lock(&waot_darwin_directories_lock);
    int64_t read = waot_darwin_read(handle, position, buffer, size);
    if (WAOT_THREADS)
        waot_unlock(&waot_darwin_directories_lock);
    return read;
}

void waot_os_directory_entry(waot_os_handle handle, const void *buffer, size_t *at, struct waot_os_entry *entry)
{
    const struct waot_darwin_entry *from = (const void *)((const char *)buffer + *at);
    *at += from->size;
    entry->next = from->next;
    entry->inode = from->inode;
    entry->name = from->name;
    entry->name_size = __builtin_strlen(from->name);
    entry->filetype = waot_posix_entry_type(handle, from->name, from->type);
}
