/* What is Linux's own way with files, of os.h: room for them, advice, terminals, directories. */
#include "../../core/lock.h"
#include "posix.h"

int64_t waot_os_allocate(waot_os_handle handle, uint64_t offset, uint64_t size)
{
    return waot_posix_result(WAOT_RETRY(SYS_fallocate, handle, 0, WAOT_LINUX_WIDE(offset), WAOT_LINUX_WIDE(size)));
}

int64_t waot_os_advise(waot_os_handle handle, uint64_t offset, uint64_t size, uint32_t advice)
{
    const int name = waot_numbered_advice(advice);
#if defined(__arm__) /* its own order, so that nothing is skipped */
    return waot_posix_result(WAOT_RETRY(SYS_arm_fadvise64_64, handle, name, WAOT_LINUX_WIDE(offset),
                                        WAOT_LINUX_WIDE(size)));
#elif UINTPTR_MAX > UINT32_MAX
    return waot_posix_result(WAOT_RETRY(SYS_fadvise64, handle, offset, size, name));
#else
    return waot_posix_result(WAOT_RETRY(SYS_fadvise64_64, handle, WAOT_LINUX_WIDE(offset), WAOT_LINUX_WIDE(size),
                                        name));
#endif
}

bool waot_os_is_terminal(waot_os_handle handle)
{
    char settings[256]; /* struct termios, larger than any architecture's */
    return WAOT_RETRY(SYS_ioctl, handle, WAOT_LINUX_TCGETS, settings) >= 0;
}

/* struct linux_dirent64 (getdents(2)): the name follows, NUL-terminated. */
struct waot_linux_dirent {
    uint64_t inode;
    uint64_t next;
    uint16_t size;
    uint8_t type;
    char name[];
};

static int64_t waot_linux_directory_read(waot_os_handle handle, uint64_t position, void *buffer, size_t size)
{
    int64_t moved = waot_os_seek(handle, (int64_t)position, 0);
    if (moved == -(int64_t)WAOT_WASI_INVAL) /* a position that no directory gives: nothing stands behind it */
        return 0;
    if (moved < 0)
        return moved;
    long result = WAOT_RETRY(SYS_getdents64, handle, buffer, size);
    return waot_posix_result(result == -ENOENT ? 0 : result); /* a directory that was removed is empty */
}

/* A directory is read from where it stands, and there is no call that says where: two threads that list the same one
 * would each go on from where the other has set it. */
int64_t waot_os_directory_read(waot_os_handle handle, uint64_t position, void *buffer, size_t size)
{
    static uint32_t lock;
    if (WAOT_THREADS)
        waot_lock(&lock);
    int64_t read = waot_linux_directory_read(handle, position, buffer, size);
    if (WAOT_THREADS)
        waot_unlock(&lock);
    return read;
}

void waot_os_directory_entry(waot_os_handle handle, const void *buffer, size_t *at, struct waot_os_entry *entry)
{
    const struct waot_linux_dirent *from = (const void *)((const char *)buffer + *at);
    *at += from->size;
    entry->next = from->next;
    entry->inode = from->inode;
    entry->name = from->name;
    entry->name_size = __builtin_strlen(from->name);
    entry->filetype = waot_posix_entry_type(handle, from->name, from->type);
}
