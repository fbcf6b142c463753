/* Listening sockets of os.h: our own, and those that are handed over as systemd does it (sd_listen_fds(3)), for which there
 * are programs on other systems too. */
#include "posix.h"

#include <netinet/in.h>
#include <sys/socket.h>

enum {
    WAOT_POSIX_BACKLOG = 4096, /* the kernel lowers it to its own limit */
    WAOT_POSIX_HANDED_OVER_FROM = 3,
};

/* struct sockaddr_in6, whose beginning is struct sockaddr_in's: in place of the flow it has the address. */
struct waot_posix_address {
    struct waot_call_address_head head;
    uint8_t port[2];
    uint8_t flow_or_version4[4];
    uint8_t version6[16];
    uint32_t scope;
};

static long waot_posix_listen(long handle, const struct waot_os_address *address)
{
    const size_t size = address->version6 ? sizeof(struct waot_posix_address) : 16;
    struct waot_posix_address at = {
        .head = WAOT_CALL_ADDRESS_HEAD(address->version6 ? AF_INET6 : AF_INET, size),
        .port = {(uint8_t)(address->port >> 8), (uint8_t)address->port},
    };
    __builtin_memcpy(address->version6 ? at.version6 : at.flow_or_version4, address->bytes,
                     address->version6 ? 16 : 4);
    const int one = 1;
    long result = waot_call_setsockopt(handle, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    /* An address is what it says: [::] is not all IPv4 addresses too. */
    if (result == 0 && address->version6)
        result = waot_call_setsockopt(handle, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one);
    if (result == 0)
        result = waot_call_bind(handle, &at, size);
    return result < 0 ? result : waot_call_listen(handle, WAOT_POSIX_BACKLOG);
}

int64_t waot_os_listen(const struct waot_os_address *address)
{
    long handle = waot_call_socket(address->version6 ? AF_INET6 : AF_INET);
    if (handle < 0)
        return waot_posix_result(handle);
    long result = waot_posix_listen(handle, address);
    if (result < 0) {
        waot_call_close(handle);
        return waot_posix_result(result);
    }
    return handle;
}

/* A decimal number and nothing else, or 0. */
static uint32_t waot_posix_number(const char *text)
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
    uint32_t count = waot_posix_number(waot_os_variable("LISTEN_FDS", 10));
    if (count == 0 || (long)waot_posix_number(waot_os_variable("LISTEN_PID", 10)) != waot_call_getpid())
        return 0;
    return count;
}

int64_t waot_os_take_over(uint32_t number)
{
    long handle = WAOT_POSIX_HANDED_OVER_FROM + (long)number;
    int listens = 0;
    long result = waot_call_getsockopt(handle, SOL_SOCKET, SO_ACCEPTCONN, &listens);
    if (result < 0 || !listens)
        return -WAOT_WASI_NOTSOCK;
    waot_call_fcntl(handle, F_SETFD, FD_CLOEXEC);
    int64_t nonblocking = waot_os_set_flags(handle, WAOT_WASI_FDFLAGS_NONBLOCK);
    return nonblocking < 0 ? nonblocking : handle;
}
