/* fd_*: reading, writing and changing what a descriptor is open on. */
#include "overlay.h"

uint32_t waot_wasi_buffers(struct waot_memory *memory, uint32_t iovs, uint32_t count, size_t *host_count)
{
    struct waot_os_buffer *buffers = waot_wasi_scratch.buffers;
    uint8_t *from;
    if (!waot_guest_range(memory, iovs, (uint64_t)count * WAOT_WASI_SIZEOF_IOVEC, &from))
        return WAOT_WASI_FAULT;
    uint64_t total = 0;
    size_t used = 0;
    for (; count > 0 && used < WAOT_OS_BUFFERS; count--, from += WAOT_WASI_SIZEOF_IOVEC) {
        uint32_t size = waot_guest_load_u32(from + 4);
        if (!waot_guest_range(memory, waot_guest_load_u32(from), size, &buffers[used].bytes))
            return WAOT_WASI_FAULT;
        buffers[used].size = size;
        total += size;
        used += size != 0;
    }
    if (total > UINT32_MAX)
        return WAOT_WASI_INVAL;
    if (used == 0) /* a call that moves nothing is one all the same: the system says whether it may be made */
        buffers[used++] = (struct waot_os_buffer){memory->base, 0};
    *host_count = used;
    return WAOT_WASI_SUCCESS;
}

/* What the four functions share: check descriptor, buffers and where the count goes; then `move`. */
static uint32_t waot_wasi_move(struct waot_memory *memory, uint32_t fd, uint32_t right, uint32_t iovs,
                               uint32_t iovs_len, uint64_t offset, uint32_t moved_at,
                               int64_t (*move)(waot_os_handle handle, size_t count, uint64_t offset))
{
    struct waot_wasi_descriptor *descriptor;
    uint32_t error = waot_wasi_file(fd, right, &descriptor);
    if (error != WAOT_WASI_SUCCESS)
        return error;
    uint8_t *to;
    if (!waot_guest_range(memory, moved_at, 4, &to))
        return WAOT_WASI_FAULT;
    size_t count;
    error = waot_wasi_buffers(memory, iovs, iovs_len, &count);
    if (error != WAOT_WASI_SUCCESS)
        return error;
    int64_t moved = waot_wasi_is_embedded(descriptor) ? waot_embed_move(descriptor, right, count, offset)
                                                      : move(descriptor->handle, count, offset);
    if (moved < 0)
        return waot_wasi_result(moved);
    waot_guest_store_u32(to, (uint32_t)moved);
    return WAOT_WASI_SUCCESS;
}

static int64_t waot_wasi_move_in(waot_os_handle handle, size_t count, uint64_t offset)
{
    (void)offset;
    return waot_os_read(handle, waot_wasi_scratch.buffers, count);
}

static int64_t waot_wasi_move_in_at(waot_os_handle handle, size_t count, uint64_t offset)
{
    return waot_os_pread(handle, waot_wasi_scratch.buffers, count, offset);
}

/* Before the first write and not at start, where it costs everyone. */
void waot_wasi_expect_errors(void)
{
    if (waot_wasi_state.write_signals_ignored)
        return;
    waot_os_ignore_write_signals();
    waot_wasi_state.write_signals_ignored = true;
}

static int64_t waot_wasi_move_out(waot_os_handle handle, size_t count, uint64_t offset)
{
    (void)offset;
    waot_wasi_expect_errors();
    return waot_os_write(handle, waot_wasi_scratch.buffers, count);
}

static int64_t waot_wasi_move_out_at(waot_os_handle handle, size_t count, uint64_t offset)
{
    waot_wasi_expect_errors();
    return waot_os_pwrite(handle, waot_wasi_scratch.buffers, count, offset);
}

uint32_t waot_wasi_fd_read(struct waot_memory *memory, uint32_t fd, uint32_t iovs, uint32_t iovs_len, uint32_t nread)
{
    return waot_wasi_move(memory, fd, WAOT_WASI_RIGHT_FD_READ, iovs, iovs_len, 0, nread, waot_wasi_move_in);
}

uint32_t waot_wasi_fd_pread(struct waot_memory *memory, uint32_t fd, uint32_t iovs, uint32_t iovs_len, uint64_t offset,
                            uint32_t nread)
{
    return waot_wasi_move(memory, fd, WAOT_WASI_RIGHT_FD_READ | WAOT_WASI_RIGHT_FD_SEEK, iovs, iovs_len, offset, nread,
                          waot_wasi_move_in_at);
}

uint32_t waot_wasi_fd_write(struct waot_memory *memory, uint32_t fd, uint32_t iovs, uint32_t iovs_len,
                            uint32_t nwritten)
{
    return waot_wasi_move(memory, fd, WAOT_WASI_RIGHT_FD_WRITE, iovs, iovs_len, 0, nwritten, waot_wasi_move_out);
}

uint32_t waot_wasi_fd_pwrite(struct waot_memory *memory, uint32_t fd, uint32_t iovs, uint32_t iovs_len, uint64_t offset,
                             uint32_t nwritten)
{
    return waot_wasi_move(memory, fd, WAOT_WASI_RIGHT_FD_WRITE | WAOT_WASI_RIGHT_FD_SEEK, iovs, iovs_len, offset,
                          nwritten, waot_wasi_move_out_at);
}

static uint32_t waot_wasi_seek(struct waot_memory *memory, uint32_t fd, uint32_t right, int64_t offset, uint32_t whence,
                               uint32_t offset_at)
{
    struct waot_wasi_descriptor *descriptor;
    uint32_t error = waot_wasi_file(fd, right, &descriptor);
    if (error != WAOT_WASI_SUCCESS)
        return error;
    if (whence > WAOT_WASI_WHENCE_END)
        return WAOT_WASI_INVAL;
    uint8_t *to;
    if (!waot_guest_range(memory, offset_at, 8, &to))
        return WAOT_WASI_FAULT;
    int64_t position = waot_wasi_seek_to(descriptor, offset, whence);
    if (position < 0)
        return waot_wasi_result(position);
    waot_guest_store_u64(to, (uint64_t)position);
    return WAOT_WASI_SUCCESS;
}

uint32_t waot_wasi_fd_seek(struct waot_memory *memory, uint32_t fd, uint64_t offset, uint32_t whence,
                           uint32_t newoffset)
{
    /* FD_TELL is enough for asking where we are (witx, rights). */
    bool tell = offset == 0 && whence == WAOT_WASI_WHENCE_CUR;
    return waot_wasi_seek(memory, fd, tell ? WAOT_WASI_RIGHT_FD_TELL : WAOT_WASI_RIGHT_FD_SEEK, (int64_t)offset, whence,
                          newoffset);
}

uint32_t waot_wasi_fd_tell(struct waot_memory *memory, uint32_t fd, uint32_t offset)
{
    return waot_wasi_seek(memory, fd, WAOT_WASI_RIGHT_FD_TELL, 0, WAOT_WASI_WHENCE_CUR, offset);
}

uint32_t waot_wasi_fd_sync(struct waot_memory *memory, uint32_t fd)
{
    (void)memory;
    struct waot_wasi_descriptor *descriptor;
    uint32_t error = waot_wasi_file(fd, WAOT_WASI_RIGHT_FD_SYNC, &descriptor);
    if (error != WAOT_WASI_SUCCESS || waot_wasi_is_embedded(descriptor))
        return error;
    return waot_wasi_result(waot_os_sync(descriptor->handle, false));
}

uint32_t waot_wasi_fd_datasync(struct waot_memory *memory, uint32_t fd)
{
    (void)memory;
    struct waot_wasi_descriptor *descriptor;
    uint32_t error = waot_wasi_file(fd, WAOT_WASI_RIGHT_FD_DATASYNC, &descriptor);
    if (error != WAOT_WASI_SUCCESS || waot_wasi_is_embedded(descriptor))
        return error;
    return waot_wasi_result(waot_os_sync(descriptor->handle, true));
}

uint32_t waot_wasi_fd_advise(struct waot_memory *memory, uint32_t fd, uint64_t offset, uint64_t len, uint32_t advice)
{
    (void)memory;
    struct waot_wasi_descriptor *descriptor;
    uint32_t error = waot_wasi_file(fd, WAOT_WASI_RIGHT_FD_ADVISE, &descriptor);
    if (error != WAOT_WASI_SUCCESS)
        return error;
    if (advice > WAOT_WASI_ADVICE_NOREUSE || len > INT64_MAX) /* any offset will do: it is advice */
        return WAOT_WASI_INVAL;
    if (waot_wasi_is_embedded(descriptor))
        return WAOT_WASI_SUCCESS;
    return waot_wasi_result(waot_os_advise(descriptor->handle, offset, len, advice));
}

uint32_t waot_wasi_fd_allocate(struct waot_memory *memory, uint32_t fd, uint64_t offset, uint64_t len)
{
    (void)memory;
    struct waot_wasi_descriptor *descriptor;
    uint32_t error = waot_wasi_file(fd, WAOT_WASI_RIGHT_FD_ALLOCATE, &descriptor);
    if (error != WAOT_WASI_SUCCESS)
        return error;
    if (len == 0 || len > INT64_MAX || offset > INT64_MAX - len)
        return len == 0 ? WAOT_WASI_INVAL : WAOT_WASI_FBIG;
    if (waot_wasi_is_embedded(descriptor))
        return WAOT_WASI_BADF; /* as of any file that is open for reading alone */
    waot_wasi_expect_errors();
    return waot_wasi_result(waot_os_allocate(descriptor->handle, offset, len));
}

/* ---------------------------------------------------------------- attributes */

void waot_wasi_store_filestat(uint8_t *to, const struct waot_os_stat *stat)
{
    __builtin_memset(to, 0, WAOT_WASI_SIZEOF_FILESTAT);
    waot_guest_store_u64(to, stat->device);
    waot_guest_store_u64(to + 8, stat->inode);
    to[16] = stat->filetype;
    waot_guest_store_u64(to + 24, stat->links);
    waot_guest_store_u64(to + 32, stat->size);
    waot_guest_store_u64(to + 40, stat->accessed);
    waot_guest_store_u64(to + 48, stat->modified);
    waot_guest_store_u64(to + 56, stat->changed);
}

uint32_t waot_wasi_times(uint64_t atim, uint64_t mtim, uint32_t fst_flags, struct waot_os_times *times)
{
    const uint32_t both_atim = WAOT_WASI_FSTFLAGS_ATIM | WAOT_WASI_FSTFLAGS_ATIM_NOW;
    const uint32_t both_mtim = WAOT_WASI_FSTFLAGS_MTIM | WAOT_WASI_FSTFLAGS_MTIM_NOW;
    if (fst_flags > WAOT_WASI_FSTFLAGS_ALL || (fst_flags & both_atim) == both_atim ||
        (fst_flags & both_mtim) == both_mtim)
        return WAOT_WASI_INVAL;
    const uint32_t both_now = WAOT_WASI_FSTFLAGS_ATIM_NOW | WAOT_WASI_FSTFLAGS_MTIM_NOW;
    if (waot_wasi_is_deterministic() && (fst_flags & both_now) != 0) {
        uint64_t now = (uint64_t)waot_wasi_clock_now(WAOT_WASI_CLOCK_REALTIME);
        atim = (fst_flags & WAOT_WASI_FSTFLAGS_ATIM_NOW) != 0 ? now : atim;
        mtim = (fst_flags & WAOT_WASI_FSTFLAGS_MTIM_NOW) != 0 ? now : mtim;
        /* The flags for "to this" stand one below those for "to now". */
        fst_flags = (fst_flags | (fst_flags & both_now) >> 1) & ~both_now;
    }
    *times = (struct waot_os_times){atim, mtim, fst_flags};
    return WAOT_WASI_SUCCESS;
}

uint32_t waot_wasi_fd_stat(struct waot_memory *memory, uint32_t fd, uint32_t buf, uint32_t size, uint8_t **to,
                           struct waot_os_stat *stat)
{
    struct waot_wasi_descriptor *descriptor = waot_wasi_descriptor(fd);
    if (descriptor == NULL)
        return WAOT_WASI_BADF;
    if ((descriptor->dropped & WAOT_WASI_RIGHT_FD_FILESTAT_GET) != 0)
        return WAOT_WASI_NOTCAPABLE;
    if (!waot_guest_range(memory, buf, size, to))
        return WAOT_WASI_FAULT;
    return waot_wasi_result(waot_wasi_stat(descriptor, stat));
}

uint32_t waot_wasi_fd_filestat_get(struct waot_memory *memory, uint32_t fd, uint32_t buf)
{
    uint8_t *to;
    struct waot_os_stat stat;
    uint32_t error = waot_wasi_fd_stat(memory, fd, buf, WAOT_WASI_SIZEOF_FILESTAT, &to, &stat);
    if (error == WAOT_WASI_SUCCESS)
        waot_wasi_store_filestat(to, &stat);
    return error;
}

uint32_t waot_wasi_fd_filestat_set_size(struct waot_memory *memory, uint32_t fd, uint64_t size)
{
    (void)memory;
    struct waot_wasi_descriptor *descriptor;
    uint32_t error = waot_wasi_file(fd, WAOT_WASI_RIGHT_FD_FILESTAT_SET_SIZE, &descriptor);
    if (error != WAOT_WASI_SUCCESS)
        return error;
    if (descriptor->read_only)
        return WAOT_WASI_PERM;
    waot_wasi_expect_errors();
    return size > INT64_MAX ? (uint32_t)WAOT_WASI_INVAL : waot_wasi_result(waot_os_set_size(descriptor->handle, size));
}

uint32_t waot_wasi_fd_filestat_set_times(struct waot_memory *memory, uint32_t fd, uint64_t atim, uint64_t mtim,
                                         uint32_t fst_flags)
{
    (void)memory;
    struct waot_os_times times;
    uint32_t error = waot_wasi_times(atim, mtim, fst_flags, &times);
    if (error != WAOT_WASI_SUCCESS)
        return error;
    struct waot_wasi_descriptor *descriptor = waot_wasi_descriptor(fd);
    if (descriptor == NULL || descriptor->kind == WAOT_WASI_STDIO)
        return WAOT_WASI_BADF;
    if ((descriptor->dropped & WAOT_WASI_RIGHT_FD_FILESTAT_SET_TIMES) != 0)
        return WAOT_WASI_NOTCAPABLE;
    if (descriptor->read_only)
        return WAOT_WASI_PERM;
    if (waot_wasi_is_overlay(descriptor))
        return waot_wasi_result(waot_overlay_set_times(descriptor, ".", false, &times));
    return waot_wasi_result(waot_os_set_times(descriptor->handle, &times));
}
