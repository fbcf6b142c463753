/* Data through sockets, of os.h. */
#include <sys/socket.h>
#include <sys/uio.h>

#include "system.h"

_Static_assert(sizeof(struct iovec) == sizeof(struct waot_os_buffer), "os.h");

bool waot_darwin_is_datagram(long handle)
{
    int type = 0;
    socklen_t size = sizeof type;
    return getsockopt((int)handle, SOL_SOCKET, SO_TYPE, &type, &size) == 0 && type == SOCK_DGRAM;
}

int64_t waot_os_receive(waot_os_handle handle, const struct waot_os_buffer *buffers, size_t count, uint32_t riflags,
                        uint32_t *roflags)
{
    struct msghdr message = {.msg_iov = (struct iovec *)buffers, .msg_iovlen = (int)count};
    int flags = ((riflags & WAOT_WASI_RIFLAGS_PEEK) != 0 ? MSG_PEEK : 0) |
                ((riflags & WAOT_WASI_RIFLAGS_WAITALL) != 0 ? MSG_WAITALL : 0);
    long size = WAOT_DARWIN_RETRY(recvmsg((int)handle, &message, flags));
    *roflags = size >= 0 && (message.msg_flags & MSG_TRUNC) != 0 ? WAOT_WASI_ROFLAGS_TRUNCATED : 0;
    return waot_darwin_result(size);
}

int64_t waot_os_send(waot_os_handle handle, const struct waot_os_buffer *buffers, size_t count)
{
    /* Without a signal where the other end is closed: SO_NOSIGPIPE for sockets of ours, and waot_os_ignore_write_signals. */
    const struct msghdr message = {.msg_iov = (struct iovec *)buffers, .msg_iovlen = (int)count};
    return waot_darwin_result(WAOT_DARWIN_RETRY(sendmsg((int)handle, &message, 0)));
}

int64_t waot_os_shutdown(waot_os_handle handle, uint32_t sdflags)
{
    /* SHUT_RD, SHUT_WR, SHUT_RDWR are 0, 1, 2 where WASI has bits; with none of them the kernel says INVAL of a socket. */
    return waot_darwin_result(WAOT_DARWIN_CALL(shutdown((int)handle, (int)sdflags - 1)));
}
