/* What wasi/ asks of an operating system. One directory beside this file implements it for one system.
 *
 * Every function that can fail returns a value of zero or more, or minus a WASI errno: the translation of the
 * system's own error codes is part of the implementation. Interrupted calls that moved no data are repeated inside.
 * Flags and file types are WASI's. Times are nanoseconds. Paths are NUL-terminated UTF-8.
 */
#ifndef WAOT_OS_H
#define WAOT_OS_H

#include "../core/memory.h" /* address space and pages */
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../wasi/preview1.h"

typedef intptr_t waot_os_handle;

/* One piece of a scattered read or write; the layout of struct iovec. */
struct waot_os_buffer {
    uint8_t *bytes;
    size_t size;
};
/* At most this many pieces go into one call. */
#define WAOT_OS_BUFFERS 1024

struct waot_os_stat {
    uint64_t device, inode, links, size;
    uint64_t accessed, modified, changed; /* ns since 1970 */
    uint8_t filetype;                     /* WAOT_WASI_FILETYPE_* */
};

struct waot_os_times {
    uint64_t accessed, modified; /* ns since 1970 */
    uint32_t flags;              /* WAOT_WASI_FSTFLAGS_* */
};

/* The longest path in bytes with its NUL. */
#define WAOT_OS_PATH_SIZE 4096

/* ---------------------------------------------------------------- descriptors */

/* The handle of standard input, output or error for 0, 1, 2. */
waot_os_handle waot_os_standard(uint32_t number);
/* May move less than asked. `count` is at most WAOT_OS_BUFFERS. */
int64_t waot_os_read(waot_os_handle handle, const struct waot_os_buffer *buffers, size_t count);
int64_t waot_os_write(waot_os_handle handle, const struct waot_os_buffer *buffers, size_t count);
int64_t waot_os_pread(waot_os_handle handle, const struct waot_os_buffer *buffers, size_t count, uint64_t offset);
int64_t waot_os_pwrite(waot_os_handle handle, const struct waot_os_buffer *buffers, size_t count, uint64_t offset);
int64_t waot_os_seek(waot_os_handle handle, int64_t offset, uint32_t whence);
int64_t waot_os_close(waot_os_handle handle);
int64_t waot_os_sync(waot_os_handle handle, bool data_only);
int64_t waot_os_stat(waot_os_handle handle, struct waot_os_stat *stat);
int64_t waot_os_set_size(waot_os_handle handle, uint64_t size);
int64_t waot_os_set_times(waot_os_handle handle, const struct waot_os_times *times);
int64_t waot_os_allocate(waot_os_handle handle, uint64_t offset, uint64_t size);
int64_t waot_os_advise(waot_os_handle handle, uint64_t offset, uint64_t size, uint32_t advice);
/* WAOT_WASI_FDFLAGS_*, and whether reading and writing are possible in WAOT_OS_READABLE and WAOT_OS_WRITABLE. */
int64_t waot_os_flags(waot_os_handle handle);
#define WAOT_OS_READABLE 0x100u
#define WAOT_OS_WRITABLE 0x200u
/* Changes APPEND and NONBLOCK only. */
int64_t waot_os_set_flags(waot_os_handle handle, uint32_t fdflags);
bool waot_os_is_terminal(waot_os_handle handle);

/* Opens a file by its ordinary path for reading and writing, and makes it where there is none. */
int64_t waot_os_open_file(const char *path);
/* The first `size` bytes of a file as memory: what is written there is written to the file, and seen by all who have it
 * as memory. It stays when the handle is closed. */
int64_t waot_os_map_file(waot_os_handle handle, uint64_t size, uint8_t **bytes);

/* ---------------------------------------------------------------- directories */

struct waot_os_entry {
    uint64_t next; /* the position after this entry, for waot_os_directory_read */
    uint64_t inode;
    const char *name;
    size_t name_size;
    uint8_t filetype;
};
/* Reads entries from `position` (0 is the start) into `buffer`, 8-byte aligned: the bytes used, 0 at the end. */
int64_t waot_os_directory_read(waot_os_handle handle, uint64_t position, void *buffer, size_t size);
/* Takes the entry at *at of what was read and moves *at past it. */
void waot_os_directory_entry(waot_os_handle handle, const void *buffer, size_t *at, struct waot_os_entry *entry);

/* ---------------------------------------------------------------- paths
 *
 * Resolution never leaves the tree below `root`, whatever symbolic links stand in it and whoever changes it meanwhile:
 * an absolute path, an absolute link target and a `..` above the root are PERM.
 */

/* Opens a directory of the host by its ordinary path: a grant. */
int64_t waot_os_open_directory(const char *path);

/* The longest name of a file in bytes with its NUL. */
#define WAOT_OS_NAME_SIZE 256
/* The directory that the file at an ordinary path of the host stands in, and its name there: symbolic links are followed
 * now, so that `name` is none. ISDIR if it is a directory. */
int64_t waot_os_locate_file(const char *path, char name[WAOT_OS_NAME_SIZE]);

#define WAOT_OS_OPEN_READ 1u
#define WAOT_OS_OPEN_WRITE 2u
#define WAOT_OS_OPEN_FOLLOW 4u
int64_t waot_os_path_open(waot_os_handle root, const char *path, uint32_t access, uint32_t oflags, uint32_t fdflags);
int64_t waot_os_path_stat(waot_os_handle root, const char *path, bool follow, struct waot_os_stat *stat);
int64_t waot_os_path_set_times(waot_os_handle root, const char *path, bool follow, const struct waot_os_times *times);
int64_t waot_os_path_make_directory(waot_os_handle root, const char *path);
int64_t waot_os_path_remove_directory(waot_os_handle root, const char *path);
int64_t waot_os_path_unlink(waot_os_handle root, const char *path);
int64_t waot_os_path_symlink(const char *target, waot_os_handle root, const char *path);
int64_t waot_os_path_link(waot_os_handle root, const char *path, waot_os_handle new_root, const char *new_path);
int64_t waot_os_path_rename(waot_os_handle root, const char *path, waot_os_handle new_root, const char *new_path);
/* The target's bytes, at most `size` of them, without a NUL. */
int64_t waot_os_path_readlink(waot_os_handle root, const char *path, char *target, size_t size);
/* Walk component by component even where the system resolves beneath a directory itself (tests). */
void waot_os_force_walk(void);

/* ---------------------------------------------------------------- time, chance, waiting */

/* Nanoseconds of a WAOT_WASI_CLOCK_*, or minus an errno. */
int64_t waot_os_clock(uint32_t id);
int64_t waot_os_clock_resolution(uint32_t id);
int64_t waot_os_random(uint8_t *bytes, size_t size);

struct waot_os_poll {
    waot_os_handle handle;
    bool write;       /* in: wait for room to write, otherwise for something to read */
    bool ready;       /* out */
    bool hangup;      /* out: the other end is closed */
    bool invalid;     /* out: the handle is not open */
    uint64_t bytes;   /* out: how many can be read at once, where the system says so */
};
/* Waits until one is ready or `timeout` ns have passed (UINT64_MAX: for ever); may return early with none ready. */
int64_t waot_os_poll(struct waot_os_poll *polls, size_t count, uint64_t timeout);

/* Sleeps while *word is `value`, until somebody wakes it or `timeout` ns have passed (UINT64_MAX: for ever); may return
 * early. */
void waot_os_wait(const uint32_t *word, uint32_t value, uint64_t timeout);
/* Wakes one thread that sleeps on `word`, which need not be there any more. */
void waot_os_wake(const uint32_t *word);

/* ---------------------------------------------------------------- threads (os/<system>/threads/) */

typedef void waot_os_thread_function(uint32_t number, uint32_t argument);
#define WAOT_OS_MOST_THREADS ((1u << 29) - 1)
/* Calls `function` in a new thread, which ends when that returns: its number, from 1 to WAOT_OS_MOST_THREADS, which no
 * other living thread has. */
int64_t waot_os_spawn(waot_os_thread_function *function, uint32_t argument);

/* ---------------------------------------------------------------- sockets */

struct waot_os_address {
    uint8_t bytes[16]; /* 4 of them for IPv4 */
    bool version6;
    uint16_t port;
};
/* A stream socket that listens there; accepting from it does not wait (WAOT_WASI_FDFLAGS_NONBLOCK). */
int64_t waot_os_listen(const struct waot_os_address *address);
/* The number of listening sockets that whoever started the program hands over; 0 where he does not know of such things. */
uint32_t waot_os_handed_over(void);
/* One of them, made ready as by waot_os_listen. NOTSOCK where it is no listening socket. */
int64_t waot_os_take_over(uint32_t number);

int64_t waot_os_accept(waot_os_handle handle, uint32_t fdflags);
int64_t waot_os_receive(waot_os_handle handle, const struct waot_os_buffer *buffers, size_t count, uint32_t riflags,
                        uint32_t *roflags);
int64_t waot_os_send(waot_os_handle handle, const struct waot_os_buffer *buffers, size_t count);
int64_t waot_os_shutdown(waot_os_handle handle, uint32_t sdflags);

/* ---------------------------------------------------------------- process */

int64_t waot_os_yield(void);
/* Delivers a WAOT_WASI_SIGNAL_* with the system's default action. */
int64_t waot_os_raise(uint32_t signal);
/* From here on a write to a pipe without readers is PIPE, and one past the limit on the size of files is FBIG, and
 * neither the end of the program. */
void waot_os_ignore_write_signals(void);
/* Gives up, for good, what the program does not need, where the system has a way. `filters` is the payload of a
 * WAOT_RECORD_SECCOMP; `grants` are WAOT_CONFINE_* for what it may use beyond its standard streams. Ends the program,
 * with status 1, if that is `required` and the system refuses. */
#define WAOT_CONFINE_READ 1u    /* directories or files */
#define WAOT_CONFINE_WRITE 2u   /* some of them not for reading only */
#define WAOT_CONFINE_SOCKETS 4u /* sockets; what stands as a standard stream is found out */
void waot_os_confine(const void *filters, size_t size, uint32_t grants, bool required);
/* The value of a variable of the host's environment, or null. */
const char *waot_os_variable(const char *name, size_t name_size);

#endif
