/* Listening sockets of os.h: our own, and those that systemd hands over (sd_listen_fds(3)). */
#include <sys/socket.h>

#include "system.h"

enum {
    WAOT_LINUX_BACKLOG = 4096, /* the kernel lowers it to net.core.somaxconn */
    WAOT_LINUX_IPPROTO_IPV6 = 41,
    WAOT_LINUX_IPV6_V6ONLY = 26,
    WAOT_LINUX_HANDED_OVER_FROM = 3,
};

/* struct sockaddr_in6, whose beginning is struct sockaddr_in's: in place of the flow it has the address. */
struct waot_linux_address {
    uint16_t family;
    uint8_t port[2];
    uint8_t flow_or_version4[4];
    uint8_t version6[16];
    uint32_t scope;
};

static long waot_linux_listen(long handle, const struct waot_os_address *address)
{
    struct waot_linux_address at = {
        .family = address->version6 ? AF_INET6 : AF_INET,
        .port = {(uint8_t)(address->port >> 8), (uint8_t)address->port},
    };
    __builtin_memcpy(address->version6 ? at.version6 : at.flow_or_version4, address->bytes,
                     address->version6 ? 16 : 4);
    const int one = 1;
    long result = WAOT_LINUX_CALL(SYS_setsockopt, handle, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    /* An address is what it says: [::] is not all IPv4 addresses too. */
    if (result == 0 && address->version6)
        result = WAOT_LINUX_CALL(SYS_setsockopt, handle, WAOT_LINUX_IPPROTO_IPV6, WAOT_LINUX_IPV6_V6ONLY, &one,
                                 sizeof one);
    if (result == 0)
        result = WAOT_LINUX_CALL(SYS_bind, handle, &at, address->version6 ? sizeof at : 16);
    return result < 0 ? result : WAOT_LINUX_CALL(SYS_listen, handle, WAOT_LINUX_BACKLOG);
}

int64_t waot_os_listen(const struct waot_os_address *address)
{
    long handle = WAOT_LINUX_CALL(SYS_socket, address->version6 ? AF_INET6 : AF_INET,
                                  SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    handle = waot_linux_above_standard(handle);
    if (handle < 0)
        return waot_linux_result(handle);
    long result = waot_linux_listen(handle, address);
    if (result < 0) {
        WAOT_LINUX_CALL(SYS_close, handle);
        return waot_linux_result(result);
    }
    return handle;
}

/* A decimal number and nothing else, or 0. */
static uint32_t waot_linux_number(const char *text)
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
    uint32_t count = waot_linux_number(waot_os_variable("LISTEN_FDS", 10));
    if (count == 0 || (long)waot_linux_number(waot_os_variable("LISTEN_PID", 10)) != WAOT_LINUX_CALL(SYS_getpid, 0))
        return 0;
    return count;
}

int64_t waot_os_take_over(uint32_t number)
{
    long handle = WAOT_LINUX_HANDED_OVER_FROM + (long)number;
    int listens = 0, size = sizeof listens;
    long result = WAOT_LINUX_CALL(SYS_getsockopt, handle, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size);
    if (result < 0 || !listens)
        return -WAOT_WASI_NOTSOCK;
    WAOT_LINUX_CALL(WAOT_LINUX_FCNTL, handle, F_SETFD, FD_CLOEXEC);
    int64_t nonblocking = waot_os_set_flags(handle, WAOT_WASI_FDFLAGS_NONBLOCK);
    return nonblocking < 0 ? nonblocking : handle;
}
