/* One open file that a thread reads in order while others read it anywhere, and one open directory that two list while a third
 * opens what is in it. */
#include "threads.h"

#include <wasi/api.h>

enum { NUMBERS = 3000, FILES = 60, LISTINGS = 400 };
static _Atomic uint32_t wrong, busy;
static __wasi_fd_t numbers;

static void read_anywhere(void *argument)
{
    uint32_t seed = (uint32_t)(uintptr_t)argument;
    while (atomic_load(&busy)) {
        seed = seed * 1664525 + 1013904223;
        uint32_t at = (seed >> 8) % NUMBERS, number = 0;
        __wasi_iovec_t vector = {(uint8_t *)&number, sizeof number};
        __wasi_size_t size = 0;
        if (__wasi_fd_pread(numbers, &vector, 1, 4 * at, &size) || size != 4 || number != at)
            atomic_fetch_add(&wrong, 1);
    }
}

static void read_in_order(void *argument)
{
    (void)argument;
    for (uint32_t i = 0; i < NUMBERS; i++) {
        uint32_t number = 0;
        __wasi_iovec_t vector = {(uint8_t *)&number, sizeof number};
        __wasi_size_t size = 0;
        if (__wasi_fd_read(numbers, &vector, 1, &size) || size != 4 || number != i)
            atomic_fetch_add(&wrong, 1);
    }
    atomic_store(&busy, 0);
}

/* Entries of directory 3: each of its files once, whatever the others do. */
static void list(void *argument)
{
    (void)argument;
    for (int round = 0; round < LISTINGS; round++) {
        _Alignas(8) uint8_t buffer[512];
        uint32_t found = 0;
        __wasi_dircookie_t cookie = 0;
        for (;;) {
            __wasi_size_t size = 0, at = 0;
            if (__wasi_fd_readdir(3, buffer, sizeof buffer, cookie, &size))
                atomic_fetch_add(&wrong, 1);
            for (;;) {
                __wasi_dirent_t entry;
                if (size - at < sizeof entry)
                    break;
                memcpy(&entry, buffer + at, sizeof entry);
                if (size - at < sizeof entry + entry.d_namlen)
                    break;
                found += buffer[at + sizeof entry] != '.';
                at += sizeof entry + entry.d_namlen;
                cookie = entry.d_next;
            }
            if (size < sizeof buffer)
                break;
        }
        if (found != FILES + 1)
            atomic_fetch_add(&wrong, 1);
    }
    atomic_fetch_sub(&busy, 1);
}

static void open_all(void *argument)
{
    (void)argument;
    while (atomic_load(&busy))
        for (int i = 0; i < FILES; i++) {
            char name[3] = {(char)('0' + i / 10), (char)('0' + i % 10), 0};
            __wasi_fd_t fd;
            if (__wasi_path_open(3, 0, i < 10 ? name + 1 : name, 0, __WASI_RIGHTS_FD_READ, 0, 0, &fd) ||
                __wasi_fd_close(fd))
                atomic_fetch_add(&wrong, 1);
        }
}

int main(void)
{
    if (__wasi_path_open(3, 0, "numbers", 0, __WASI_RIGHTS_FD_READ | __WASI_RIGHTS_FD_SEEK, 0, 0, &numbers))
        return 1;
    busy = 1;
    must_start(&threads[0], read_anywhere, (void *)1);
    must_start(&threads[1], read_anywhere, (void *)2);
    must_start(&threads[2], read_in_order, NULL);
    for (int i = 0; i < 3; i++)
        join(&threads[i]);
    printf("in order: %u wrong\n", atomic_exchange(&wrong, 0));

    busy = 2;
    must_start(&threads[0], list, NULL);
    must_start(&threads[1], list, NULL);
    must_start(&threads[2], open_all, NULL);
    for (int i = 0; i < 3; i++)
        join(&threads[i]);
    printf("listed: %u wrong\n", wrong);
    return 0;
}
