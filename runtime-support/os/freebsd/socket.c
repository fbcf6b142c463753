/* Sockets of os.h. */
#include <sys/types.h>

#include <sys/socket.h>
#include <sys/uio.h>

#include "system.h"

_Static_assert(sizeof(struct iovec) == sizeof(struct waot_os_buffer), "os.h");

bool waot_freebsd_is_datagram(long handle)
{
    int type = 0, size = sizeof type;
    long result = WAOT_FREEBSD_CALL(SYS_getsockopt, handle, SOL_SOCKET, SO_TYPE, &type, &size);
    return result >= 0 && type == SOCK_DGRAM;
}

int64_t waot_os_accept(waot_os_handle handle, uint32_t fdflags)
{
    int flags = SOCK_CLOEXEC | ((fdflags & WAOT_WASI_FDFLAGS_NONBLOCK) != 0 ? SOCK_NONBLOCK : 0);
    long accepted = WAOT_FREEBSD_RETRY(SYS_accept4, handle, NULL, NULL, flags);
    return waot_freebsd_result(waot_freebsd_above_standard(accepted));
}

int64_t waot_os_receive(waot_os_handle handle, const struct waot_os_buffer *buffers, size_t count, uint32_t riflags,
                        uint32_t *roflags)
{
    struct msghdr message = {.msg_iov = (struct iovec *)buffers, .msg_iovlen = (int)count};
    int flags = ((riflags & WAOT_WASI_RIFLAGS_PEEK) != 0 ? MSG_PEEK : 0) |
                ((riflags & WAOT_WASI_RIFLAGS_WAITALL) != 0 ? MSG_WAITALL : 0) | MSG_CMSG_CLOEXEC;
    long size = WAOT_FREEBSD_RETRY(SYS_recvmsg, handle, &message, flags);
    *roflags = size >= 0 && (message.msg_flags & MSG_TRUNC) != 0 ? WAOT_WASI_ROFLAGS_TRUNCATED : 0;
    return waot_freebsd_result(size);
}

int64_t waot_os_send(waot_os_handle handle, const struct waot_os_buffer *buffers, size_t count)
{
    const struct msghdr message = {.msg_iov = (struct iovec *)buffers, .msg_iovlen = (int)count};
    return waot_freebsd_result(WAOT_FREEBSD_RETRY(SYS_sendmsg, handle, &message, MSG_NOSIGNAL));
}

int64_t waot_os_shutdown(waot_os_handle handle, uint32_t sdflags)
{
    /* SHUT_RD, SHUT_WR, SHUT_RDWR are 0, 1, 2 where WASI has bits; with none of them the kernel says INVAL of a socket. */
    return waot_freebsd_result(WAOT_FREEBSD_CALL(SYS_shutdown, handle, sdflags - 1));
}
