/* Listening sockets of os.h: our own, and those that are handed over as systemd does it (sd_listen_fds(3)). */
#include <sys/types.h>

#include <netinet/in.h>
#include <sys/socket.h>

#include "system.h"

enum {
    WAOT_FREEBSD_BACKLOG = 4096, /* the kernel lowers it to kern.ipc.soacceptqueue */
    WAOT_FREEBSD_HANDED_OVER_FROM = 3,
};

static long waot_freebsd_listen(long handle, const struct waot_os_address *address)
{
    const uint8_t port[2] = {(uint8_t)(address->port >> 8), (uint8_t)address->port};
    struct sockaddr_in version4 = {.sin_len = sizeof version4, .sin_family = AF_INET};
    struct sockaddr_in6 version6 = {.sin6_len = sizeof version6, .sin6_family = AF_INET6};
    const int one = 1;
    long result = WAOT_FREEBSD_CALL(SYS_setsockopt, handle, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (result == 0 && address->version6) {
        __builtin_memcpy(&version6.sin6_port, port, sizeof port);
        __builtin_memcpy(&version6.sin6_addr, address->bytes, sizeof version6.sin6_addr);
        /* An address is what it says: [::] is not all IPv4 addresses too. */
        result = WAOT_FREEBSD_CALL(SYS_setsockopt, handle, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
        if (result == 0)
            result = WAOT_FREEBSD_CALL(SYS_bind, handle, &version6, sizeof version6);
    } else if (result == 0) {
        __builtin_memcpy(&version4.sin_port, port, sizeof port);
        __builtin_memcpy(&version4.sin_addr, address->bytes, sizeof version4.sin_addr);
        result = WAOT_FREEBSD_CALL(SYS_bind, handle, &version4, sizeof version4);
    }
    return result < 0 ? result : WAOT_FREEBSD_CALL(SYS_listen, handle, WAOT_FREEBSD_BACKLOG);
}

int64_t waot_os_listen(const struct waot_os_address *address)
{
    long handle = WAOT_FREEBSD_CALL(SYS_socket, address->version6 ? AF_INET6 : AF_INET,
                                    SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    handle = waot_freebsd_above_standard(handle);
    if (handle < 0)
        return waot_freebsd_result(handle);
    long result = waot_freebsd_listen(handle, address);
    if (result < 0) {
        WAOT_FREEBSD_CALL(SYS_close, handle);
        return waot_freebsd_result(result);
    }
    return handle;
}

/* A decimal number and nothing else, or 0. */
static uint32_t waot_freebsd_number(const char *text)
{
    uint64_t number = 0;
    for (; text != NULL && *text != '\0'; text++) {
        if (*text < '0' || *text > '9' || number > INT32_MAX)
            return 0;
        number = 10 * number + (uint64_t)(*text - '0');
    }
    return number > INT32_MAX ? 0 : (uint32_t)number;
}

uint32_t waot_os_handed_over(void)
{
    uint32_t count = waot_freebsd_number(waot_os_variable("LISTEN_FDS", 10));
    if (count == 0 || (long)waot_freebsd_number(waot_os_variable("LISTEN_PID", 10)) != WAOT_FREEBSD_CALL(SYS_getpid, 0))
        return 0;
    return count;
}

int64_t waot_os_take_over(uint32_t number)
{
    long handle = WAOT_FREEBSD_HANDED_OVER_FROM + (long)number;
    int listens = 0, size = sizeof listens;
    long result = WAOT_FREEBSD_CALL(SYS_getsockopt, handle, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size);
    if (result < 0 || !listens)
        return -WAOT_WASI_NOTSOCK;
    WAOT_FREEBSD_CALL(SYS_fcntl, handle, F_SETFD, FD_CLOEXEC);
    int64_t nonblocking = waot_os_set_flags(handle, WAOT_WASI_FDFLAGS_NONBLOCK);
    return nonblocking < 0 ? nonblocking : handle;
}
