/* What is FreeBSD's own way with files, of os.h: room for them, advice, terminals, directories. */
#include "../../core/lock.h"
#include "posix.h"

#include <dirent.h>
#include <sys/ttycom.h>
#include <termios.h>

/* posix_fallocate(2) and posix_fadvise(2) return the error as if it were a value. */
static int64_t waot_freebsd_returned(long result)
{
    return waot_posix_result(result > 0 ? -result : result);
}

int64_t waot_os_allocate(waot_os_handle handle, uint64_t offset, uint64_t size)
{
    long result;
    do
        result = WAOT_CALL(SYS_posix_fallocate, handle, offset, size);
    while (result == EINTR);
    return waot_freebsd_returned(result);
}

int64_t waot_os_advise(waot_os_handle handle, uint64_t offset, uint64_t size, uint32_t advice)
{
    const int name = waot_numbered_advice(advice);
    return waot_freebsd_returned(WAOT_CALL(SYS_posix_fadvise, handle, offset, size, name));
}

bool waot_os_is_terminal(waot_os_handle handle)
{
    struct termios settings;
    return WAOT_RETRY(SYS_ioctl, handle, TIOCGETA, &settings) >= 0;
}

/* Takes out what stands for unused space: entries without a file, and whiteouts. The bytes that are left. */
static size_t waot_freebsd_keep_entries(char *buffer, size_t size)
{
    size_t kept = 0;
    for (size_t at = 0; at < size;) {
        const struct dirent *entry = (const void *)(buffer + at);
        size_t length = entry->d_reclen;
        bool named = entry->d_fileno != 0 && entry->d_type != DT_WHT;
        if (named && kept != at)
            __builtin_memmove(buffer + kept, buffer + at, length);
        kept += named ? length : 0;
        at += length;
    }
    return kept;
}

static int64_t waot_freebsd_directory_read(waot_os_handle handle, uint64_t position, void *buffer, size_t size)
{
    if (position > INT64_MAX)
        return 0;
    size_t kept = 0;
    long result = waot_call_lseek(handle, (int64_t)position, 0);
    while (result >= 0 && kept == 0) {
        result = WAOT_RETRY(SYS_getdirentries, handle, buffer, size, NULL);
        if (result == 0)
            return 0;
        if (result > 0)
            kept = waot_freebsd_keep_entries(buffer, (size_t)result);
    }
    /* A position that no directory gives: nothing stands behind it. A directory that was removed is empty. */
    if (result == -EINVAL || result == -ENOENT)
        return 0;
    /* A file system without positions: reading on from what it gives would begin anew, for ever. */
    if (result > 0 && ((const struct dirent *)buffer)->d_off == 0)
        return -WAOT_WASI_NOTSUP;
    return result < 0 ? waot_posix_result(result) : (int64_t)kept;
}

/* A directory is read from where it stands, and there is no call that says where: two threads that list the same one
 * would each go on from where the other has set it. */
int64_t waot_os_directory_read(waot_os_handle handle, uint64_t position, void *buffer, size_t size)
{
    static uint32_t lock;
    if (WAOT_THREADS)
        waot_lock(&lock);
    int64_t read = waot_freebsd_directory_read(handle, position, buffer, size);
    if (WAOT_THREADS)
        waot_unlock(&lock);
    return read;
}

void waot_os_directory_entry(waot_os_handle handle, const void *buffer, size_t *at, struct waot_os_entry *entry)
{
    const struct dirent *from = (const void *)((const char *)buffer + *at);
    *at += from->d_reclen;
    entry->next = (uint64_t)from->d_off;
    entry->inode = from->d_fileno;
    entry->name = from->d_name;
    entry->name_size = from->d_namlen;
    entry->filetype = waot_posix_entry_type(handle, from->d_name, from->d_type);
}
