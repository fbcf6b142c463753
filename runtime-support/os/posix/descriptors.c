/* Open files of os.h: reading, writing, their flags. */
#include "posix.h"

/* What a call that takes an offset as off_t makes of one that is past it. */
#define WAOT_POSIX_BAD_OFFSET(offset) ((offset) > INT64_MAX)

waot_os_handle waot_os_standard(uint32_t number)
{
    return (waot_os_handle)number;
}

long waot_posix_above_standard(long handle)
{
    if (handle < 0 || handle > 2)
        return handle;
    long moved = waot_call_fcntl(handle, F_DUPFD_CLOEXEC, 3);
    waot_call_close(handle);
    return moved;
}

/* ---------------------------------------------------------------- moving data */

/* A guest's memory may hold more than can be moved at once: of one piece a part is moved, of several those whose sum is
 * less. */
static size_t waot_posix_fitting(const struct waot_os_buffer *buffers, size_t count)
{
    if (WAOT_CALL_MOST == SIZE_MAX)
        return count;
    size_t fitting = 0, bytes = 0;
    while (fitting < count && buffers[fitting].size <= WAOT_CALL_MOST - bytes)
        bytes += buffers[fitting++].size;
    return fitting;
}

static size_t waot_posix_part(const struct waot_os_buffer *buffer)
{
    return buffer->size < WAOT_CALL_MOST ? buffer->size : WAOT_CALL_MOST;
}

int64_t waot_os_read(waot_os_handle handle, const struct waot_os_buffer *buffers, size_t count)
{
    count = waot_posix_fitting(buffers, count);
    if (count > 1)
        return waot_posix_result(waot_call_readv(handle, buffers, count));
    return waot_posix_result(waot_call_read(handle, buffers->bytes, waot_posix_part(buffers)));
}

int64_t waot_os_write(waot_os_handle handle, const struct waot_os_buffer *buffers, size_t count)
{
    count = waot_posix_fitting(buffers, count);
    if (count > 1)
        return waot_posix_result(waot_call_writev(handle, buffers, count));
    return waot_posix_result(waot_call_write(handle, buffers->bytes, waot_posix_part(buffers)));
}

int64_t waot_os_pread(waot_os_handle handle, const struct waot_os_buffer *buffers, size_t count, uint64_t offset)
{
    if (WAOT_POSIX_BAD_OFFSET(offset))
        return -WAOT_WASI_INVAL;
    count = waot_posix_fitting(buffers, count);
    if (count > 1)
        return waot_posix_result(waot_call_preadv(handle, buffers, count, offset));
    return waot_posix_result(waot_call_pread(handle, buffers->bytes, waot_posix_part(buffers), offset));
}

int64_t waot_os_pwrite(waot_os_handle handle, const struct waot_os_buffer *buffers, size_t count, uint64_t offset)
{
    if (WAOT_POSIX_BAD_OFFSET(offset))
        return -WAOT_WASI_INVAL;
    count = waot_posix_fitting(buffers, count);
    if (count > 1)
        return waot_posix_result(waot_call_pwritev(handle, buffers, count, offset));
    return waot_posix_result(waot_call_pwrite(handle, buffers->bytes, waot_posix_part(buffers), offset));
}

int64_t waot_os_seek(waot_os_handle handle, int64_t offset, uint32_t whence)
{
    int64_t position = waot_call_lseek(handle, offset, whence); /* set, cur, end: 0, 1, 2 in both */
    return position < 0 ? waot_posix_result((long)position) : position;
}

int64_t waot_os_close(waot_os_handle handle)
{
    waot_call_forget(handle);
    long result = waot_call_close(handle);
    return waot_posix_result(result == -EINTR ? 0 : result); /* it is closed nevertheless */
}

int64_t waot_os_sync(waot_os_handle handle, bool data_only)
{
    return waot_posix_result(waot_call_sync(handle, data_only));
}

int64_t waot_os_set_size(waot_os_handle handle, uint64_t size)
{
    return waot_posix_result(waot_call_ftruncate(handle, size));
}

/* ---------------------------------------------------------------- flags */

int64_t waot_os_flags(waot_os_handle handle)
{
    long from = waot_call_fcntl(handle, F_GETFL, 0);
    if (from < 0)
        return waot_posix_result(from);
    uint32_t flags = 0;
    if ((from & O_ACCMODE) != O_WRONLY)
        flags |= WAOT_OS_READABLE;
    if ((from & O_ACCMODE) != O_RDONLY)
        flags |= WAOT_OS_WRITABLE;
    if ((from & O_APPEND) != 0)
        flags |= WAOT_WASI_FDFLAGS_APPEND;
    if ((from & O_NONBLOCK) != 0)
        flags |= WAOT_WASI_FDFLAGS_NONBLOCK;
    if ((from & O_SYNC) == O_SYNC) /* which on Linux has O_DSYNC's bit in it */
        flags |= WAOT_WASI_FDFLAGS_SYNC;
    else if ((from & O_DSYNC) != 0)
        flags |= WAOT_WASI_FDFLAGS_DSYNC;
    return flags;
}

int64_t waot_os_set_flags(waot_os_handle handle, uint32_t fdflags)
{
    long flags = waot_call_fcntl(handle, F_GETFL, 0);
    if (flags < 0)
        return waot_posix_result(flags);
    flags &= ~(long)(O_APPEND | O_NONBLOCK);
    if ((fdflags & WAOT_WASI_FDFLAGS_APPEND) != 0)
        flags |= O_APPEND;
    if ((fdflags & WAOT_WASI_FDFLAGS_NONBLOCK) != 0)
        flags |= O_NONBLOCK;
    return waot_posix_result(waot_call_fcntl(handle, F_SETFL, flags));
}

/* ---------------------------------------------------------------- opening */

long waot_posix_open_flags(uint32_t access, uint32_t oflags, uint32_t fdflags)
{
    static const uint8_t modes[] = {O_RDONLY, O_RDONLY, O_WRONLY, O_RDWR}; /* by WAOT_OS_OPEN_READ and _WRITE */
    long flags = modes[access & (WAOT_OS_OPEN_READ | WAOT_OS_OPEN_WRITE)] | O_NOCTTY | O_CLOEXEC | WAOT_CALL_OPEN;
    flags |= (access & WAOT_OS_OPEN_FOLLOW) != 0 ? 0 : O_NOFOLLOW;
    flags |= (oflags & WAOT_WASI_OFLAGS_CREAT) != 0 ? O_CREAT : 0;
    flags |= (oflags & WAOT_WASI_OFLAGS_EXCL) != 0 ? O_EXCL : 0;
    flags |= (oflags & WAOT_WASI_OFLAGS_TRUNC) != 0 ? O_TRUNC : 0;
    flags |= (oflags & WAOT_WASI_OFLAGS_DIRECTORY) != 0 ? O_DIRECTORY : 0;
    flags |= (fdflags & WAOT_WASI_FDFLAGS_APPEND) != 0 ? O_APPEND : 0;
    flags |= (fdflags & WAOT_WASI_FDFLAGS_NONBLOCK) != 0 ? O_NONBLOCK : 0;
    flags |= (fdflags & WAOT_WASI_FDFLAGS_DSYNC) != 0 ? O_DSYNC : 0;
    flags |= (fdflags & (WAOT_WASI_FDFLAGS_SYNC | WAOT_WASI_FDFLAGS_RSYNC)) != 0 ? O_SYNC : 0;
    return flags;
}

int64_t waot_os_open_directory(const char *path)
{
    long handle = waot_call_openat(AT_FDCWD, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
    return waot_posix_result(waot_posix_above_standard(handle));
}
