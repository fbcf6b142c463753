/* wasi_unstable (snapshot 0), where it differs from preview 1: whence counts from cur, a filestat has 32 bits for its
 * links, there is no right to accept. poll_oneoff is in poll.c. */
#include "wasi.h"

enum { WAOT_WASI_SIZEOF_UNSTABLE_FILESTAT = 56 };

static void waot_wasi_unstable_store_filestat(uint8_t *to, const struct waot_os_stat *stat)
{
    uint8_t whole[WAOT_WASI_SIZEOF_FILESTAT];
    waot_wasi_store_filestat(whole, stat);
    __builtin_memcpy(to, whole, 24); /* device, inode, type */
    waot_guest_store_u32(to + 20, stat->links > UINT32_MAX ? UINT32_MAX : (uint32_t)stat->links);
    __builtin_memcpy(to + 24, whole + 32, 32); /* size, times */
}

uint32_t waot_wasi_unstable_fd_filestat_get(struct waot_memory *memory, uint32_t fd, uint32_t buf)
{
    uint8_t *to;
    struct waot_os_stat stat;
    uint32_t error = waot_wasi_fd_stat(memory, fd, buf, WAOT_WASI_SIZEOF_UNSTABLE_FILESTAT, &to, &stat);
    if (error == WAOT_WASI_SUCCESS)
        waot_wasi_unstable_store_filestat(to, &stat);
    return error;
}

uint32_t waot_wasi_unstable_path_filestat_get(struct waot_memory *memory, uint32_t fd, uint32_t flags, uint32_t path,
                                              uint32_t path_len, uint32_t buf)
{
    uint8_t *to;
    struct waot_os_stat stat;
    uint32_t error = waot_wasi_path_stat(memory, fd, flags, path, path_len, buf, WAOT_WASI_SIZEOF_UNSTABLE_FILESTAT,
                                         &to, &stat);
    if (error == WAOT_WASI_SUCCESS)
        waot_wasi_unstable_store_filestat(to, &stat);
    return error;
}

uint32_t waot_wasi_unstable_fd_fdstat_get(struct waot_memory *memory, uint32_t fd, uint32_t stat)
{
    uint32_t error = waot_wasi_fd_fdstat_get(memory, fd, stat);
    uint8_t *to;
    if (error != WAOT_WASI_SUCCESS || !waot_guest_range(memory, stat, WAOT_WASI_SIZEOF_FDSTAT, &to))
        return error;
    waot_guest_store_u64(to + 8, waot_guest_load_u64(to + 8) & ~(uint64_t)WAOT_WASI_RIGHT_SOCK_ACCEPT);
    waot_guest_store_u64(to + 16, waot_guest_load_u64(to + 16) & ~(uint64_t)WAOT_WASI_RIGHT_SOCK_ACCEPT);
    return WAOT_WASI_SUCCESS;
}

uint32_t waot_wasi_unstable_fd_seek(struct waot_memory *memory, uint32_t fd, uint64_t offset, uint32_t whence,
                                    uint32_t newoffset)
{
    static const uint8_t of_unstable[] = {WAOT_WASI_WHENCE_CUR, WAOT_WASI_WHENCE_END, WAOT_WASI_WHENCE_SET};
    return waot_wasi_fd_seek(memory, fd, offset, whence < 3 ? of_unstable[whence] : whence, newoffset);
}
