/* Sockets of os.h. */
#include "posix.h"

#include <sys/socket.h>
#include <sys/uio.h>

_Static_assert(sizeof(struct iovec) == sizeof(struct waot_os_buffer), "os.h");

bool waot_posix_is_datagram(long handle)
{
    int type = 0;
    return waot_call_getsockopt(handle, SOL_SOCKET, SO_TYPE, &type) >= 0 && type == SOCK_DGRAM;
}

int64_t waot_os_accept(waot_os_handle handle, uint32_t fdflags)
{
    return waot_posix_result(waot_call_accept(handle, (fdflags & WAOT_WASI_FDFLAGS_NONBLOCK) != 0));
}

int64_t waot_os_receive(waot_os_handle handle, const struct waot_os_buffer *buffers, size_t count, uint32_t riflags,
                        uint32_t *roflags)
{
    struct msghdr message = {.msg_iov = (struct iovec *)buffers, .msg_iovlen = (int)count};
    int flags = ((riflags & WAOT_WASI_RIFLAGS_PEEK) != 0 ? MSG_PEEK : 0) |
                ((riflags & WAOT_WASI_RIFLAGS_WAITALL) != 0 ? MSG_WAITALL : 0) | WAOT_CALL_RECEIVE;
    long size = waot_call_recvmsg(handle, &message, flags);
    *roflags = size >= 0 && (message.msg_flags & MSG_TRUNC) != 0 ? WAOT_WASI_ROFLAGS_TRUNCATED : 0;
    return waot_posix_result(size);
}

int64_t waot_os_send(waot_os_handle handle, const struct waot_os_buffer *buffers, size_t count)
{
    const struct msghdr message = {.msg_iov = (struct iovec *)buffers, .msg_iovlen = (int)count};
    return waot_posix_result(waot_call_sendmsg(handle, &message, WAOT_CALL_SEND));
}

int64_t waot_os_shutdown(waot_os_handle handle, uint32_t sdflags)
{
    /* SHUT_RD, SHUT_WR, SHUT_RDWR are 0, 1, 2 where WASI has bits; with none of them the kernel says INVAL of a socket. */
    return waot_posix_result(waot_call_shutdown(handle, (int)sdflags - 1));
}
