/* Sockets of os.h, by ws2_32.
 *
 * Each is one that never waits. Where its descriptor is one that does, the waiting is done here: Windows does not tell which
 * of the two a socket is, and a descriptor's flags are changed by nobody but us. */
#include "system.h"

#include <winsock2.h>
#include <ws2ipdef.h>

enum { WAOT_WINDOWS_PIECES = 16 }; /* that go into one call */

/* Errors whose numbers are WSABASEERR and these. */
#define WAOT_WINDOWS_SOCKET_ERRORS(E) \
    E(WOULDBLOCK, AGAIN)           \
    E(ACCES, ACCES)                \
    E(FAULT, FAULT)                \
    E(INVAL, INVAL)                \
    E(MFILE, MFILE)                \
    E(NOTSOCK, NOTSOCK)            \
    E(MSGSIZE, MSGSIZE)            \
    E(OPNOTSUPP, NOTSUP)           \
    E(PROTONOSUPPORT, AFNOSUPPORT) \
    E(AFNOSUPPORT, AFNOSUPPORT)    \
    E(ADDRINUSE, ADDRINUSE)        \
    E(ADDRNOTAVAIL, ADDRNOTAVAIL)  \
    E(NETDOWN, NETDOWN)            \
    E(NETUNREACH, NETUNREACH)      \
    E(NETRESET, NETRESET)          \
    E(CONNABORTED, PIPE)           \
    E(CONNRESET, CONNRESET)        \
    E(NOBUFS, NOBUFS)              \
    E(NOTCONN, NOTCONN)            \
    E(SHUTDOWN, PIPE)              \
    E(TIMEDOUT, TIMEDOUT)          \
    E(HOSTUNREACH, HOSTUNREACH)

#define WAOT_WINDOWS_SOCKET_NUMBER(name, code) WSAE##name - WSABASEERR,
#define WAOT_WINDOWS_SOCKET_CODE(name, code) WAOT_WASI_##code,

/* Minus the WASI errno. */
static int64_t waot_windows_socket_error(int error)
{
    static const uint8_t numbers[] = {WAOT_WINDOWS_SOCKET_ERRORS(WAOT_WINDOWS_SOCKET_NUMBER)};
    static const uint8_t codes[] = {WAOT_WINDOWS_SOCKET_ERRORS(WAOT_WINDOWS_SOCKET_CODE)};
    for (size_t i = 0; i < sizeof codes; i++)
        if (error == WSABASEERR + numbers[i])
            return -(int64_t)codes[i];
    return -WAOT_WASI_IO;
}

static SOCKET waot_windows_socket(const struct waot_windows_file *file)
{
    return (SOCKET)file->handle;
}

/* ---------------------------------------------------------------- waiting */

static bool waot_windows_socket_is_ready(const struct waot_windows_file *file, bool write, const struct timeval *timeout)
{
    fd_set set = {.fd_count = 1, .fd_array = {waot_windows_socket(file)}};
    return select(0, write ? NULL : &set, write ? &set : NULL, NULL, timeout) != 0; /* what is wrong the call will say */
}

/* What to do when a call would have had to wait: 0 after waiting, or minus an errno. */
static int64_t waot_windows_socket_wait(const struct waot_windows_file *file, bool write, int error)
{
    if (error != WSAEWOULDBLOCK || (file->flags & WAOT_WASI_FDFLAGS_NONBLOCK) != 0)
        return waot_windows_socket_error(error);
    waot_windows_socket_is_ready(file, write, NULL);
    return 0;
}

static void waot_windows_socket_look(const struct waot_windows_file *file, struct waot_os_poll *poll)
{
    static const struct timeval at_once = {0, 0};
    u_long waiting = 0;
    poll->ready = waot_windows_socket_is_ready(file, poll->write, &at_once);
    if (!poll->ready || file->listens)
        return;
    if (!poll->write && ioctlsocket(waot_windows_socket(file), FIONREAD, &waiting) == 0)
        poll->bytes = waiting;
    /* As elsewhere: the connection has ended both ways, or is broken. */
    char byte;
    int size = recv(waot_windows_socket(file), &byte, 1, MSG_PEEK);
    int error = size < 0 ? WSAGetLastError() : 0;
    poll->hangup = size == 0 || error == WSAESHUTDOWN ? (file->shut & WAOT_WASI_SDFLAGS_WR) != 0
                                                      : size < 0 && error != WSAEWOULDBLOCK;
}

static void waot_windows_socket_sleep(const struct waot_os_poll *polls, size_t count, uint64_t left, uint64_t nap)
{
    fd_set sets[2]; /* to read, to write */
    sets[0].fd_count = sets[1].fd_count = 0;
    bool all = true;
    for (size_t i = 0; i < count; i++) {
        const struct waot_windows_file *file = waot_windows_find(polls[i].handle);
        fd_set *set = &sets[polls[i].write];
        if (file != NULL && file->kind == WAOT_WINDOWS_SOCKET && set->fd_count < FD_SETSIZE)
            set->fd_array[set->fd_count++] = waot_windows_socket(file);
        else
            all = all && polls[i].handle < 0;
    }
    const uint64_t hour = UINT64_C(3600000000000);
    uint64_t ns = all ? left : nap;
    if (sets[0].fd_count == 0 && sets[1].fd_count == 0) {
        waot_windows_sleep(ns);
        return;
    }
    uint64_t us = ((ns < hour ? ns : hour) + 999) / 1000;
    const struct timeval time = {(long)(us / 1000000), (long)(us % 1000000)};
    select(0, &sets[0], &sets[1], NULL, &time);
}

/* ---------------------------------------------------------------- moving data */

/* What comes behind the first `past` bytes of the buffers; none of it empty. */
static DWORD waot_windows_pieces(const struct waot_os_buffer *buffers, size_t count, uint64_t past,
                                 WSABUF pieces[WAOT_WINDOWS_PIECES])
{
    enum { MOST = 0x7ffff000 };
    DWORD number = 0;
    for (size_t i = 0; i < count && number < WAOT_WINDOWS_PIECES; i++) {
        size_t skip = past < buffers[i].size ? (size_t)past : buffers[i].size;
        size_t size = buffers[i].size - skip;
        past -= skip;
        if (size == 0)
            continue;
        pieces[number++] = (WSABUF){size < MOST ? (ULONG)size : MOST, (char *)buffers[i].bytes + skip};
        if (size > MOST)
            break;
    }
    return number;
}

/* Of what is only looked at, no more than one call gives: WAITALL is about what is taken. */
static int64_t waot_windows_receive(struct waot_windows_file *file, const struct waot_os_buffer *buffers, size_t count,
                                    uint32_t riflags)
{
    WSABUF pieces[WAOT_WINDOWS_PIECES];
    int64_t total = 0;
    for (;;) {
        DWORD number = waot_windows_pieces(buffers, count, (uint64_t)total, pieces), moved = 0;
        DWORD flags = (riflags & WAOT_WASI_RIFLAGS_PEEK) != 0 ? MSG_PEEK : 0;
        if (number == 0)
            return total;
        if (WSARecv(waot_windows_socket(file), pieces, number, &moved, &flags, NULL, NULL) == 0) {
            total += moved;
            if (moved == 0 || riflags != WAOT_WASI_RIFLAGS_WAITALL)
                return total;
            continue;
        }
        int error = WSAGetLastError();
        if (error == WSAESHUTDOWN) /* by us: that is its end, as elsewhere */
            return total;
        int64_t result = waot_windows_socket_wait(file, false, error);
        if (result < 0)
            return total > 0 ? total : result;
    }
}

static int64_t waot_windows_socket_read(struct waot_windows_file *file, const struct waot_os_buffer *buffers, size_t count)
{
    return waot_windows_receive(file, buffers, count, 0);
}

static int64_t waot_windows_socket_write(struct waot_windows_file *file, const struct waot_os_buffer *buffers, size_t count)
{
    WSABUF pieces[WAOT_WINDOWS_PIECES];
    int64_t total = 0;
    for (;;) {
        DWORD number = waot_windows_pieces(buffers, count, (uint64_t)total, pieces), moved = 0;
        if (number == 0)
            return total;
        if (WSASend(waot_windows_socket(file), pieces, number, &moved, 0, NULL, NULL) == 0) {
            total += moved;
            continue;
        }
        int64_t result = waot_windows_socket_wait(file, true, WSAGetLastError());
        if (result < 0)
            return total > 0 ? total : result;
    }
}

static int64_t waot_windows_socket_close(struct waot_windows_file *file)
{
    return closesocket(waot_windows_socket(file)) == 0 ? 0 : waot_windows_socket_error(WSAGetLastError());
}

/* ---------------------------------------------------------------- what listens */

/* A descriptor for `socket`, which is closed where there is none. */
static int64_t waot_windows_socket_enter(SOCKET socket, uint32_t flags, bool listens)
{
    u_long one = 1;
    if (ioctlsocket(socket, (long)FIONBIO, &one) != 0) {
        int64_t result = waot_windows_socket_error(WSAGetLastError());
        closesocket(socket);
        return result;
    }
    int64_t handle = waot_windows_enter((HANDLE)socket, WAOT_WINDOWS_SOCKET, flags | WAOT_OS_READABLE | WAOT_OS_WRITABLE);
    if (handle >= 0)
        waot_windows_find(handle)->listens = listens;
    return handle;
}

static int64_t waot_windows_start_sockets(void)
{
    static const struct waot_windows_sockets sockets = {
        waot_windows_socket_read, waot_windows_socket_write, waot_windows_socket_close,
        waot_windows_socket_look, waot_windows_socket_sleep,
    };
    if (waot_windows_state.sockets != NULL)
        return 0;
    WSADATA data;
    int error = WSAStartup(0x0202, &data);
    if (error != 0)
        return waot_windows_socket_error(error);
    waot_windows_state.sockets = &sockets;
    return 0;
}

static bool waot_windows_listen(SOCKET socket, const struct waot_os_address *address)
{
    /* struct sockaddr_in6, whose beginning is struct sockaddr_in's: in place of the flow it has the address. */
    struct {
        u_short family;
        uint8_t port[2], flow_or_version4[4], version6[16];
        uint32_t scope;
    } at = {
        .family = address->version6 ? AF_INET6 : AF_INET,
        .port = {(uint8_t)(address->port >> 8), (uint8_t)address->port},
    };
    _Static_assert(sizeof at == sizeof(struct sockaddr_in6), "");
    __builtin_memcpy(address->version6 ? at.version6 : at.flow_or_version4, address->bytes,
                     address->version6 ? 16 : 4);
    /* Not SO_REUSEADDR: here that would share an address that is in use. An address is what it says: [::] is not all IPv4
     * addresses too. */
    const DWORD one = 1;
    if (address->version6 && setsockopt(socket, IPPROTO_IPV6, IPV6_V6ONLY, (const char *)&one, sizeof one) != 0)
        return false;
    return bind(socket, (const struct sockaddr *)&at, address->version6 ? sizeof at : 16) == 0 &&
           listen(socket, SOMAXCONN) == 0;
}

int64_t waot_os_listen(const struct waot_os_address *address)
{
    int64_t result = waot_windows_start_sockets();
    if (result < 0)
        return result;
    SOCKET socket = WSASocketW(address->version6 ? AF_INET6 : AF_INET, SOCK_STREAM, IPPROTO_TCP, NULL, 0,
                               WSA_FLAG_OVERLAPPED | WSA_FLAG_NO_HANDLE_INHERIT);
    if (socket == INVALID_SOCKET)
        return waot_windows_socket_error(WSAGetLastError());
    if (!waot_windows_listen(socket, address)) {
        result = waot_windows_socket_error(WSAGetLastError());
        closesocket(socket);
        return result;
    }
    return waot_windows_socket_enter(socket, WAOT_WASI_FDFLAGS_NONBLOCK, true);
}

uint32_t waot_os_handed_over(void)
{
    return 0;
}

int64_t waot_os_take_over(uint32_t number)
{
    (void)number;
    return -WAOT_WASI_NOTSOCK;
}

/* ---------------------------------------------------------------- sock_* */

/* The socket of a handle: 0, or minus an errno. */
static int64_t waot_windows_find_socket(waot_os_handle handle, struct waot_windows_file **file)
{
    *file = waot_windows_find(handle);
    if (*file == NULL)
        return -WAOT_WASI_BADF;
    return (*file)->kind == WAOT_WINDOWS_SOCKET ? 0 : -WAOT_WASI_NOTSOCK;
}

int64_t waot_os_accept(waot_os_handle handle, uint32_t fdflags)
{
    struct waot_windows_file *file;
    int64_t result = waot_windows_find_socket(handle, &file);
    while (result == 0) {
        SOCKET socket = accept(waot_windows_socket(file), NULL, NULL);
        if (socket != INVALID_SOCKET)
            return waot_windows_socket_enter(socket, fdflags & WAOT_WASI_FDFLAGS_NONBLOCK, false);
        result = waot_windows_socket_wait(file, false, WSAGetLastError());
    }
    return result;
}

int64_t waot_os_receive(waot_os_handle handle, const struct waot_os_buffer *buffers, size_t count, uint32_t riflags,
                        uint32_t *roflags)
{
    struct waot_windows_file *file;
    int64_t result = waot_windows_find_socket(handle, &file);
    *roflags = 0;
    return result < 0 ? result : waot_windows_receive(file, buffers, count, riflags);
}

int64_t waot_os_send(waot_os_handle handle, const struct waot_os_buffer *buffers, size_t count)
{
    struct waot_windows_file *file;
    int64_t result = waot_windows_find_socket(handle, &file);
    return result < 0 ? result : waot_windows_socket_write(file, buffers, count);
}

int64_t waot_os_shutdown(waot_os_handle handle, uint32_t sdflags)
{
    struct waot_windows_file *file;
    int64_t result = waot_windows_find_socket(handle, &file);
    if (result < 0)
        return result;
    /* SD_RECEIVE, SD_SEND, SD_BOTH are 0, 1, 2 where WASI has bits; with none of them it is INVAL. */
    if (shutdown(waot_windows_socket(file), (int)sdflags - 1) != 0)
        return waot_windows_socket_error(WSAGetLastError());
    file->shut |= (uint8_t)sdflags;
    return 0;
}
