/* Sends back what it gets, a connection after the other, until one says "quit". The sockets it listens at are the
 * descriptors that are sockets, behind the directories. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static int serve(int connection)
{
    char buffer[4096];
    for (;;) {
        ssize_t size = recv(connection, buffer, sizeof buffer, 0);
        if (size <= 0)
            return 0;
        if (size == 4 && memcmp(buffer, "quit", 4) == 0)
            return 1;
        for (ssize_t sent = 0; sent < size;) {
            ssize_t more = send(connection, buffer + sent, (size_t)(size - sent), 0);
            if (more < 0)
                return 0;
            sent += more;
        }
    }
}

int main(void)
{
    struct pollfd sockets[8];
    nfds_t count = 0;
    struct stat stat;
    for (int fd = 3; fd < 20 && count < 8; fd++)
        if (fstat(fd, &stat) == 0 && S_ISSOCK(stat.st_mode))
            sockets[count++] = (struct pollfd){.fd = fd, .events = POLLIN};
    printf("%d sockets from %d on\n", (int)count, count > 0 ? sockets[0].fd : -1);
    fflush(stdout);
    for (int connections = 0; count > 0;) {
        if (poll(sockets, count, -1) < 0) {
            perror("poll");
            return 2;
        }
        for (nfds_t i = 0; i < count; i++) {
            int connection = accept(sockets[i].fd, NULL, NULL);
            if (connection < 0 && errno == EAGAIN)
                continue;
            if (connection < 0) {
                perror("accept");
                return 3;
            }
            connections++;
            int quit = serve(connection);
            shutdown(connection, SHUT_RDWR);
            close(connection);
            if (quit) {
                printf("%d connections\n", connections);
                return 0;
            }
        }
    }
    return 1;
}
