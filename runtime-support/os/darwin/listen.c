/* Listening sockets of os.h: our own, and those that are handed over as systemd does it (sd_listen_fds(3)), for which there
 * are programs on macOS too. */
#include <netinet/in.h>
#include <sys/socket.h>

#include "system.h"

enum {
    WAOT_DARWIN_BACKLOG = 4096, /* the kernel lowers it to kern.ipc.somaxconn */
    WAOT_DARWIN_HANDED_OVER_FROM = 3,
};

static long waot_darwin_listen(int handle, const struct waot_os_address *address)
{
    const uint8_t port[2] = {(uint8_t)(address->port >> 8), (uint8_t)address->port};
    struct sockaddr_in version4 = {.sin_len = sizeof version4, .sin_family = AF_INET};
    struct sockaddr_in6 version6 = {.sin6_len = sizeof version6, .sin6_family = AF_INET6};
    const int one = 1;
    long result = WAOT_DARWIN_CALL(setsockopt(handle, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one));
    if (result == 0 && address->version6) {
        __builtin_memcpy(&version6.sin6_port, port, sizeof port);
        __builtin_memcpy(&version6.sin6_addr, address->bytes, sizeof version6.sin6_addr);
        /* An address is what it says: [::] is not all IPv4 addresses too. */
        result = WAOT_DARWIN_CALL(setsockopt(handle, IPPROTO_IPV6, IPV6_V6ONLY, &one, sizeof one));
        if (result == 0)
            result = WAOT_DARWIN_CALL(bind(handle, (const struct sockaddr *)&version6, sizeof version6));
    } else if (result == 0) {
        __builtin_memcpy(&version4.sin_port, port, sizeof port);
        __builtin_memcpy(&version4.sin_addr, address->bytes, sizeof version4.sin_addr);
        result = WAOT_DARWIN_CALL(bind(handle, (const struct sockaddr *)&version4, sizeof version4));
    }
    return result < 0 ? result : WAOT_DARWIN_CALL(listen(handle, WAOT_DARWIN_BACKLOG));
}

/* What Linux's calls do on the way: the handle above the standard ones, closed on exec, and as `nonblocking` says. */
static long waot_darwin_ready_socket(long handle, bool nonblocking)
{
    handle = waot_darwin_above_standard(handle);
    if (handle < 0)
        return handle;
    const int one = 1;
    fcntl((int)handle, F_SETFD, FD_CLOEXEC);
    fcntl((int)handle, F_SETFL, nonblocking ? O_NONBLOCK : 0); /* an accepted socket has it from the one that listens */
    setsockopt((int)handle, SOL_SOCKET, SO_NOSIGPIPE, &one, sizeof one);
    return handle;
}

int64_t waot_os_listen(const struct waot_os_address *address)
{
    long handle = WAOT_DARWIN_CALL(socket(address->version6 ? AF_INET6 : AF_INET, SOCK_STREAM, 0));
    handle = waot_darwin_ready_socket(handle, true);
    if (handle < 0)
        return waot_darwin_result(handle);
    long result = waot_darwin_listen((int)handle, address);
    if (result < 0) {
        close((int)handle);
        return waot_darwin_result(result);
    }
    return handle;
}

int64_t waot_os_accept(waot_os_handle handle, uint32_t fdflags)
{
    long accepted = WAOT_DARWIN_RETRY(accept((int)handle, NULL, NULL));
    return waot_darwin_result(waot_darwin_ready_socket(accepted, (fdflags & WAOT_WASI_FDFLAGS_NONBLOCK) != 0));
}

/* A decimal number and nothing else, or 0. */
static uint32_t waot_darwin_number(const char *text)
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
    uint32_t count = waot_darwin_number(waot_os_variable("LISTEN_FDS", 10));
    if (count == 0 || waot_darwin_number(waot_os_variable("LISTEN_PID", 10)) != (uint32_t)getpid())
        return 0;
    return count;
}

int64_t waot_os_take_over(uint32_t number)
{
    const waot_os_handle handle = WAOT_DARWIN_HANDED_OVER_FROM + (waot_os_handle)number;
    int listens = 0;
    socklen_t size = sizeof listens;
    long result = WAOT_DARWIN_CALL(getsockopt((int)handle, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size));
    if (result < 0 || !listens)
        return -WAOT_WASI_NOTSOCK;
    fcntl((int)handle, F_SETFD, FD_CLOEXEC);
    int64_t nonblocking = waot_os_set_flags(handle, WAOT_WASI_FDFLAGS_NONBLOCK);
    return nonblocking < 0 ? nonblocking : handle;
}
