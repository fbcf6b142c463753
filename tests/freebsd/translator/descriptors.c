/* What is open, memory, waiting; sockets. */
#include "translator.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <time.h>

static long got_status(long result)
{
    return result < 0 ? result_of(result) : freebsd_status(result);
}

void do_fcntl(void)
{
    static const struct pair commands[] = {{F_F_GETFD, F_GETFD}, {F_F_SETFD, F_SETFD},
                                           {F_F_GETFL, F_GETFL}, {F_F_SETFL, F_SETFL},
                                           {F_F_DUPFD_CLOEXEC, F_DUPFD_CLOEXEC}, {UINT64_MAX, 0}};
    int command = (int)map_value("fcntl", arguments[1], commands);
    uint64_t value = arguments[2];
    if (command == F_SETFL)
        value = map_flags("F_SETFL", value & ~UINT64_C(3), open_flags);
    if (command == F_GETFL)
        finish = got_status;
    become(SYS_fcntl, arguments[0], (uint64_t)command, value, 0, 0, 0);
}

void do_mmap(void)
{
    static const struct pair flags[] = {{F_MAP_EXCL | F_MAP_FIXED, MAP_FIXED_NOREPLACE},
                                        {F_MAP_FIXED, MAP_FIXED},
                                        {F_MAP_PRIVATE, MAP_PRIVATE | MAP_NORESERVE},
                                        {F_MAP_ANON, MAP_ANONYMOUS},
                                        {0, 0}};
    if ((int)arguments[4] != -1 || arguments[5] != 0)
        fail("mmap of a file");
    become(SYS_mmap, arguments[0], arguments[1], arguments[2], map_flags("mmap", arguments[3], flags), arguments[4], 0);
}

void do_ioctl(void)
{
    static const struct pair requests[] = {{F_FIONREAD, 0x541b}, {F_TIOCGETA, 0x5401}, {UINT64_MAX, 0}};
    become(SYS_ioctl, arguments[0], map_value("ioctl", arguments[1], requests), arguments[2], 0, 0, 0);
}

void do_ppoll(void)
{
    struct timespec time;
    uint64_t timeout = 0;
    if (arguments[2] != 0) {
        if (!get(arguments[2], &time, sizeof time))
            fail("ppoll's time");
        timeout = placed(&time, sizeof time); /* Linux writes to it */
    }
    if (arguments[3] != 0)
        fail("ppoll with signals");
    become(SYS_ppoll, arguments[0], arguments[1], timeout, 0, 0, 0);
}

/* ---------------------------------------------------------------- sockets */

const struct pair families[] = {{F_AF_INET, AF_INET}, {F_AF_INET6, AF_INET6}, {UINT64_MAX, 0}};
const struct pair socket_flags[] = {
    {F_SOCK_CLOEXEC, SOCK_CLOEXEC}, {F_SOCK_NONBLOCK, SOCK_NONBLOCK}, {F_SOCK_STREAM, SOCK_STREAM}, {0, 0}};

void do_option(long number)
{
    static const struct pair of_sockets[] = {
        {F_SO_TYPE, SO_TYPE}, {F_SO_ACCEPTCONN, SO_ACCEPTCONN}, {F_SO_REUSEADDR, SO_REUSEADDR}, {UINT64_MAX, 0}};
    static const struct pair of_version6[] = {{F_IPV6_V6ONLY, IPV6_V6ONLY}, {UINT64_MAX, 0}};
    bool general = arguments[1] == F_SOL_SOCKET;
    if (!general && arguments[1] != F_IPPROTO_IPV6)
        fail("a socket's option of level %ld", arguments[1]);
    become(number, arguments[0], general ? SOL_SOCKET : IPPROTO_IPV6,
           map_value("a socket's option", arguments[2], general ? of_sockets : of_version6), arguments[3], arguments[4],
           0);
}

void do_bind(void)
{
    uint8_t address[28];
    if (arguments[2] > sizeof address || !get(arguments[1], address, arguments[2]))
        fail("bind's address");
    if (address[0] != arguments[2])
        fail("an address that says it has %d bytes and has %ld", address[0], arguments[2]);
    uint16_t family = (uint16_t)map_value("bind", address[1], families);
    memcpy(address, &family, sizeof family);
    become(SYS_bind, arguments[0], placed(address, sizeof address), arguments[2], 0, 0, 0);
}

uint64_t message_at;

static long got_message(long result)
{
    struct msghdr from;
    struct f_msghdr to;
    if (result >= 0 && get(message_at, &from, sizeof from) && get(arguments[1], &to, sizeof to)) {
        to.msg_flags = (from.msg_flags & MSG_TRUNC) != 0 ? F_MSG_TRUNC : 0;
        put(arguments[1], &to, sizeof to);
    }
    return result_of(result);
}

void do_message(long number)
{
    static const struct pair flags[] = {{F_MSG_PEEK, MSG_PEEK},
                                        {F_MSG_WAITALL, MSG_WAITALL},
                                        {F_MSG_NOSIGNAL, MSG_NOSIGNAL},
                                        {F_MSG_CMSG_CLOEXEC, MSG_CMSG_CLOEXEC},
                                        {0, 0}};
    struct f_msghdr from;
    if (!get(arguments[1], &from, sizeof from) || from.msg_name != 0 || from.msg_control != 0)
        fail("a message with a name or control data");
    struct msghdr to = {.msg_iov = (struct iovec *)from.msg_iov, .msg_iovlen = (size_t)from.msg_iovlen};
    message_at = placed(&to, sizeof to);
    become(number, arguments[0], message_at, map_flags("a message", arguments[2], flags), 0, 0, 0);
    finish = number == SYS_recvmsg ? got_message : NULL;
}
