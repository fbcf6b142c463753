/* sock_*: on descriptors that are sockets; NOTSOCK comes from the system for all else of the host's. */
#include "embed.h"

uint32_t waot_wasi_sock_accept(struct waot_memory *memory, uint32_t fd, uint32_t flags, uint32_t opened_fd)
{
    struct waot_wasi_descriptor *descriptor = waot_wasi_descriptor(fd);
    if (descriptor == NULL)
        return WAOT_WASI_BADF;
    if ((descriptor->dropped & WAOT_WASI_RIGHT_SOCK_ACCEPT) != 0)
        return WAOT_WASI_NOTCAPABLE;
    uint8_t *to;
    if (!waot_guest_range(memory, opened_fd, 4, &to))
        return WAOT_WASI_FAULT;
    if ((flags & ~WAOT_WASI_FDFLAGS_NONBLOCK) != 0)
        return WAOT_WASI_INVAL;
    if (!waot_wasi_is_of_host(descriptor))
        return WAOT_WASI_NOTSOCK;
    int64_t result = waot_os_accept(descriptor->handle, flags);
    if (result < 0)
        return waot_wasi_result(result);
    struct waot_wasi_descriptor opened = {.handle = (waot_os_handle)result, .kind = WAOT_WASI_FILE};
    opened.dropped = opened.dropped_inheriting = descriptor->dropped_inheriting;
    result = waot_wasi_enter(&opened);
    if (result < 0)
        return waot_wasi_result(result);
    waot_guest_store_u32(to, (uint32_t)result);
    return WAOT_WASI_SUCCESS;
}

uint32_t waot_wasi_sock_recv(struct waot_memory *memory, uint32_t fd, uint32_t ri_data, uint32_t ri_data_len,
                             uint32_t ri_flags, uint32_t ro_datalen, uint32_t ro_flags)
{
    struct waot_wasi_descriptor *descriptor = waot_wasi_descriptor(fd);
    if (descriptor == NULL)
        return WAOT_WASI_BADF;
    if ((descriptor->dropped & WAOT_WASI_RIGHT_FD_READ) != 0)
        return WAOT_WASI_NOTCAPABLE;
    uint8_t *to_size, *to_flags;
    if (!waot_guest_range(memory, ro_datalen, 4, &to_size) || !waot_guest_range(memory, ro_flags, 2, &to_flags))
        return WAOT_WASI_FAULT;
    if ((ri_flags & ~(WAOT_WASI_RIFLAGS_PEEK | WAOT_WASI_RIFLAGS_WAITALL)) != 0)
        return WAOT_WASI_INVAL;
    size_t count;
    uint32_t error = waot_wasi_buffers(memory, ri_data, ri_data_len, &count);
    if (error != WAOT_WASI_SUCCESS)
        return error;
    if (!waot_wasi_is_of_host(descriptor))
        return WAOT_WASI_NOTSOCK;
    uint32_t flags = 0;
    int64_t size = waot_os_receive(descriptor->handle, waot_wasi_scratch.buffers, count, ri_flags, &flags);
    if (size < 0)
        return waot_wasi_result(size);
    waot_guest_store_u32(to_size, (uint32_t)size);
    waot_guest_store_u16(to_flags, (uint16_t)flags);
    return WAOT_WASI_SUCCESS;
}

uint32_t waot_wasi_sock_send(struct waot_memory *memory, uint32_t fd, uint32_t si_data, uint32_t si_data_len,
                             uint32_t si_flags, uint32_t so_datalen)
{
    struct waot_wasi_descriptor *descriptor = waot_wasi_descriptor(fd);
    if (descriptor == NULL)
        return WAOT_WASI_BADF;
    if ((descriptor->dropped & WAOT_WASI_RIGHT_FD_WRITE) != 0)
        return WAOT_WASI_NOTCAPABLE;
    uint8_t *to;
    if (!waot_guest_range(memory, so_datalen, 4, &to))
        return WAOT_WASI_FAULT;
    if (si_flags != 0)
        return WAOT_WASI_INVAL;
    size_t count;
    uint32_t error = waot_wasi_buffers(memory, si_data, si_data_len, &count);
    if (error != WAOT_WASI_SUCCESS)
        return error;
    if (!waot_wasi_is_of_host(descriptor))
        return WAOT_WASI_NOTSOCK;
    int64_t size = waot_os_send(descriptor->handle, waot_wasi_scratch.buffers, count);
    if (size < 0)
        return waot_wasi_result(size);
    waot_guest_store_u32(to, (uint32_t)size);
    return WAOT_WASI_SUCCESS;
}

uint32_t waot_wasi_sock_shutdown(struct waot_memory *memory, uint32_t fd, uint32_t how)
{
    (void)memory;
    struct waot_wasi_descriptor *descriptor = waot_wasi_descriptor(fd);
    if (descriptor == NULL)
        return WAOT_WASI_BADF;
    if ((descriptor->dropped & WAOT_WASI_RIGHT_SOCK_SHUTDOWN) != 0)
        return WAOT_WASI_NOTCAPABLE;
    if ((how & ~(WAOT_WASI_SDFLAGS_RD | WAOT_WASI_SDFLAGS_WR)) != 0)
        return WAOT_WASI_INVAL;
    if (!waot_wasi_is_of_host(descriptor))
        return WAOT_WASI_NOTSOCK;
    return waot_wasi_result(waot_os_shutdown(descriptor->handle, how));
}
