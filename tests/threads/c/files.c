/* One table of descriptors for all threads, which open, read, close and renumber at once. */
#include "threads.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <wasi/api.h>

enum { READERS = 4, ROUNDS = 400, RENUMBERED = 20 };
static _Atomic uint32_t wrong, meddling;

/* With preview 1 itself: wasi-libc's open allocates, and errno is no thread's own. */
static __wasi_errno_t open_at(__wasi_fd_t directory, const char *path, __wasi_oflags_t flags, __wasi_rights_t rights,
                              __wasi_fd_t *fd)
{
    return __wasi_path_open(directory, 0, path, flags, rights, 0, 0, fd);
}

/* "0" to "3" hold a line of that digit. */
static void read_own(void *argument)
{
    char name[2] = {(char)('0' + (uintptr_t)argument), 0};
    for (int i = 0; i < ROUNDS; i++) {
        __wasi_fd_t fd;
        char text[16];
        __wasi_iovec_t vector = {(uint8_t *)text, sizeof text};
        __wasi_size_t size = 0;
        if (open_at(3, name, 0, __WASI_RIGHTS_FD_READ, &fd) || __wasi_fd_read(fd, &vector, 1, &size) || size != 16 ||
            text[0] != name[0] || text[15] != name[0] || __wasi_fd_close(fd))
            atomic_fetch_add(&wrong, 1);
        __wasi_subscription_t in[12];
        __wasi_event_t out[12];
        memset(in, 0, sizeof in);
        for (int j = 0; j < 12; j++) {
            in[j].u.tag = __WASI_EVENTTYPE_FD_READ;
            in[j].u.u.fd_read.file_descriptor = (__wasi_fd_t)(j % 3 == 0 ? 0 : 100000);
        }
        if (__wasi_poll_oneoff(in, out, 12, &size) || size < 8)
            atomic_fetch_add(&wrong, 1);
    }
}

/* Closes numbers that others have just been given. */
static void meddle(void *argument)
{
    (void)argument;
    while (atomic_load(&meddling))
        for (__wasi_fd_t fd = 5; fd < 12; fd++)
            (void)!__wasi_fd_close(fd);
}

static void open_and_read(void *argument)
{
    char text[64];
    __wasi_iovec_t vector = {(uint8_t *)text, sizeof text};
    __wasi_size_t size;
    for (int i = 0; i < ROUNDS; i++) {
        __wasi_fd_t fd;
        __wasi_errno_t error = open_at(3, "0", 0, __WASI_RIGHTS_FD_READ, &fd);
        if (error == 0) {
            error = __wasi_fd_read(fd, &vector, 1, &size);
            if (error == 0)
                error = __wasi_fd_close(fd);
        }
        if (error != 0 && error != __WASI_ERRNO_BADF)
            atomic_fetch_add(&wrong, 1);
    }
    (void)argument;
}

/* The number 5 is now a directory that may be changed, now one that may not, whose handles the kernel gives anew at once:
 * whoever makes a directory there makes it in the one that was checked. */
static void swap(void *argument)
{
    bool renumber = false;
    (void)argument;
    while (atomic_load(&meddling)) {
        renumber = !renumber;
        for (__wasi_fd_t directory = 3; directory <= 4; directory++) {
            __wasi_fd_t fd;
            if (!renumber && __wasi_fd_close(5))
                atomic_fetch_add(&wrong, 1);
            if (open_at(directory, ".", __WASI_OFLAGS_DIRECTORY, __WASI_RIGHTS_FD_READ, &fd) ||
                (renumber ? __wasi_fd_renumber(fd, 5) != 0 : fd != 5))
                atomic_fetch_add(&wrong, 1);
        }
    }
}

static void make(void *argument)
{
    char path[3001]; /* long, so that there is time between the look at the number and the call of the kernel */
    for (int i = 0; i < 2996; i += 2)
        memcpy(path + i, "./", 2);
    memcpy(path + 2996, "made", 5);
    (void)argument;
    for (int i = 0; i < ROUNDS * 50; i++) {
        __wasi_errno_t error = __wasi_path_create_directory(5, path);
        if (error == 0)
            error = __wasi_path_remove_directory(3, "made");
        if (error != 0 && error != __WASI_ERRNO_PERM && error != __WASI_ERRNO_BADF)
            atomic_fetch_add(&wrong, 1);
    }
}

int main(void)
{
    for (uintptr_t i = 0; i < READERS; i++)
        must_start(&threads[i], read_own, (void *)i);
    for (int i = 0; i < READERS; i++)
        join(&threads[i]);
    printf("own files: %u wrong\n", atomic_exchange(&wrong, 0));

    meddling = 1;
    must_start(&threads[READERS], meddle, NULL);
    for (uintptr_t i = 0; i < READERS; i++)
        must_start(&threads[i], open_and_read, NULL);
    for (int i = 0; i < READERS; i++)
        join(&threads[i]);
    meddling = 0;
    join(&threads[READERS]);
    for (__wasi_fd_t fd = 5; fd < 64; fd++)
        (void)!__wasi_fd_close(fd);
    printf("closed by others: %u wrong\n", atomic_exchange(&wrong, 0));

    __wasi_fd_t fd;
    printf("next number %d %d\n", open_at(3, ".", __WASI_OFLAGS_DIRECTORY, 0, &fd), (int)fd);
    meddling = 1;
    must_start(&threads[0], swap, NULL);
    must_start(&threads[1], make, NULL);
    join(&threads[1]);
    meddling = 0;
    join(&threads[0]);
    printf("directories swapped: %u wrong\n", atomic_exchange(&wrong, 0));

    char all[4];
    fflush(stdout);
    while (read(0, all, sizeof all) > 0) /* until whoever counts our handles has done so */
        ;
    return 0;
}
