/* As much of WASI preview 1 as a program needs that only writes: docs/freestanding.md explains it. */
#include "board.h"
#include "module.h"

enum { SUCCESS = 0, BADF = 8, FAULT = 21, INVAL = 28 };

/* Guests are little-endian. */
static uint32_t read32(const uint8_t *at)
{
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static void write32(uint8_t *at, uint32_t value)
{
    for (unsigned i = 0; i < 4; i++)
        at[i] = (uint8_t)(value >> (8 * i));
}

uint32_t wasi_snapshot_preview1_fd_write(struct waot_instance *instance, uint32_t fd, uint32_t iovs, uint32_t iovs_len,
                                         uint32_t nwritten)
{
    const uint8_t *vector = waot_at(instance, iovs, (uint64_t)iovs_len * 8);
    uint8_t *result = waot_at(instance, nwritten, 4);
    if (!vector || !result)
        return FAULT;
    if (fd != 1 && fd != 2)
        return BADF;
    uint32_t written = 0;
    for (uint32_t i = 0; i < iovs_len; i++) {
        uint32_t size = read32(vector + 8 * i + 4);
        const char *text = waot_at(instance, read32(vector + 8 * i), size);
        if (!text)
            return FAULT;
        if (fd == 1) /* what goes to standard error nobody reads here */
            board_write(text, size);
        written += size;
    }
    write32(result, written);
    return SUCCESS;
}

/* The streams are terminals. */
uint32_t wasi_snapshot_preview1_fd_fdstat_get(struct waot_instance *instance, uint32_t fd, uint32_t stat)
{
    uint8_t *at = waot_at(instance, stat, 24);
    if (!at)
        return FAULT;
    if (fd > 2)
        return BADF;
    for (unsigned i = 0; i < 24; i++)
        at[i] = i < 8 || i >= 16 ? 0 : 0xff;
    at[0] = 2; /* a character device */
    return SUCCESS;
}

uint32_t wasi_snapshot_preview1_fd_seek(struct waot_instance *instance, uint32_t fd, uint64_t offset, uint32_t whence,
                                        uint32_t newoffset)
{
    (void)instance, (void)offset, (void)whence, (void)newoffset;
    return fd > 2 ? BADF : INVAL;
}

uint32_t wasi_snapshot_preview1_fd_close(struct waot_instance *instance, uint32_t fd)
{
    (void)instance;
    return fd > 2 ? BADF : SUCCESS;
}

uint32_t wasi_snapshot_preview1_fd_read(struct waot_instance *instance, uint32_t fd, uint32_t iovs, uint32_t iovs_len,
                                        uint32_t nread)
{
    (void)iovs, (void)iovs_len;
    uint8_t *result = waot_at(instance, nread, 4);
    if (!result)
        return FAULT;
    if (fd != 0)
        return BADF;
    write32(result, 0); /* the end */
    return SUCCESS;
}

static uint32_t two_zeros(struct waot_instance *instance, uint32_t first, uint32_t second)
{
    uint8_t *a = waot_at(instance, first, 4), *b = waot_at(instance, second, 4);
    if (!a || !b)
        return FAULT;
    write32(a, 0);
    write32(b, 0);
    return SUCCESS;
}

uint32_t wasi_snapshot_preview1_args_sizes_get(struct waot_instance *instance, uint32_t argc, uint32_t argv_buf_size)
{
    return two_zeros(instance, argc, argv_buf_size);
}

uint32_t wasi_snapshot_preview1_args_get(struct waot_instance *instance, uint32_t argv, uint32_t argv_buf)
{
    (void)instance, (void)argv, (void)argv_buf;
    return SUCCESS;
}

uint32_t wasi_snapshot_preview1_environ_sizes_get(struct waot_instance *instance, uint32_t count, uint32_t size)
{
    return two_zeros(instance, count, size);
}

uint32_t wasi_snapshot_preview1_environ_get(struct waot_instance *instance, uint32_t environ, uint32_t environ_buf)
{
    (void)instance, (void)environ, (void)environ_buf;
    return SUCCESS;
}

/* The program's status is kept where whoever started it looks. */
void wasi_snapshot_preview1_proc_exit(struct waot_instance *instance, uint32_t status)
{
    *(uint32_t *)instance->context = status;
    waot_leave(instance, WAOT_EXITED);
}
