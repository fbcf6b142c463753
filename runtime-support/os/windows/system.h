/* Private to os/windows: what its files share. */
#ifndef WAOT_WINDOWS_SYSTEM_H
#define WAOT_WINDOWS_SYSTEM_H

#include "nt.h"

#include "../../core/lock.h"
#include "../os.h"

/* Longest name of a file: 255 UTF-16 units. */
enum { WAOT_WINDOWS_NAME = 255 };

enum waot_windows_kind {
    WAOT_WINDOWS_UNKNOWN, /* a standard stream that nobody has asked about */
    WAOT_WINDOWS_CLOSED,
    WAOT_WINDOWS_DISK, /* files and directories */
    WAOT_WINDOWS_PIPE,
    WAOT_WINDOWS_CONSOLE,
    WAOT_WINDOWS_DEVICE, /* any other: NUL, a serial line */
    WAOT_WINDOWS_SOCKET,
};

/* What was read last of a directory: entries as the system has them. */
struct waot_windows_listing {
    uint64_t first;  /* the position of the first one */
    uint64_t behind; /* the position behind the last one, from where the system goes on */
    bool begun;
    HANDLE again; /* one of its own, once it is read from the start again, or null */
    _Alignas(8) unsigned char entries[16 << 10];
};

/* A waot_os_handle is the index of one of these. */
struct waot_windows_file {
    HANDLE handle;
    struct waot_windows_listing *listing; /* of a directory that has been read, or null */
    uint32_t flags;                       /* as waot_os_flags has them */
    uint8_t kind;                         /* enum waot_windows_kind */
    uint8_t held_size;                    /* of a console: bytes in `held` */
    uint8_t held[4];                      /* the beginning of a character whose rest is still to be written */
    uint8_t shut;                         /* of a socket: WAOT_WASI_SDFLAGS_* for what we have shut down */
    bool listens;                         /* it accepts connections and has no data */
    uint32_t lock; /* of what takes several calls: where it stands, what was read of a directory, a console's text */
};

/* What is done with sockets by other files than socket.c: nothing of it is linked into programs that cannot have any. */
struct waot_windows_sockets {
    int64_t (*read)(struct waot_windows_file *file, const struct waot_os_buffer *buffers, size_t count);
    int64_t (*write)(struct waot_windows_file *file, const struct waot_os_buffer *buffers, size_t count);
    int64_t (*close)(struct waot_windows_file *file);
    void (*look)(const struct waot_windows_file *file, struct waot_os_poll *poll);
    /* Sleeps for `nap` ns, and as long as `left` ns where all that is waited for is sockets; less if one is ready. */
    void (*sleep)(const struct waot_os_poll *polls, size_t count, uint64_t left, uint64_t nap);
};

enum { WAOT_WINDOWS_FIRST_FILES = 16, WAOT_WINDOWS_CONSOLE_UNITS = 1024 };

/* All that os/windows remembers. */
struct waot_windows_state {
    struct waot_windows_file *files;
    size_t capacity;
    struct waot_windows_file first[WAOT_WINDOWS_FIRST_FILES];
    uint32_t lock; /* of the table */
    const struct waot_windows_sockets *sockets; /* null before there is one */
    bool known_wine, wine; /* whether this is Wine, once `known_wine` */
    /* What a console has given and nobody has taken. */
    size_t typed_at, typed_size;
    uint8_t typed[3 * WAOT_WINDOWS_CONSOLE_UNITS];
};
extern struct waot_windows_state waot_windows_state;

/* The WASI errno for a status that is an error. */
uint32_t waot_windows_errno(waot_nt_status status);
/* 0, or minus a WASI errno. */
static inline int64_t waot_windows_result(waot_nt_status status)
{
    return status >= 0 ? 0 : -(int64_t)waot_windows_errno(status);
}

/* Of a program with threads: no other thread is between these two with that file. Pipes take one call, which may wait for
 * another program. */
static inline void waot_windows_lock_file(struct waot_windows_file *file)
{
    if (WAOT_THREADS && file->kind != WAOT_WINDOWS_PIPE)
        waot_lock(&file->lock);
}

static inline void waot_windows_unlock_file(struct waot_windows_file *file)
{
    if (WAOT_THREADS && file->kind != WAOT_WINDOWS_PIPE)
        waot_unlock(&file->lock);
}

/* The open file of a handle, or null. */
struct waot_windows_file *waot_windows_find(waot_os_handle handle);
/* Enters a handle of the system's, or closes it: a waot_os_handle or minus an errno. */
int64_t waot_windows_enter(HANDLE handle, enum waot_windows_kind kind, uint32_t flags);
/* In a program with threads, before there are any: makes a table whose entries stay where they are. */
void waot_windows_share_files(void);
/* waot_os_write of an open file, without a lock. */
int64_t waot_windows_write(struct waot_windows_file *file, const struct waot_os_buffer *buffers, size_t count);
int64_t waot_windows_stat(HANDLE handle, struct waot_os_stat *stat);
int64_t waot_windows_set_times(HANDLE handle, const struct waot_os_times *times);
int64_t waot_windows_set(HANDLE handle, int what, const void *information, size_t size);
uint8_t waot_windows_filetype(uint32_t attributes, uint32_t tag);

/* directory.c */
void waot_windows_free_listing(struct waot_windows_listing *listing);
/* ---------------------------------------------------------------- poll.c */

void waot_windows_sleep(uint64_t ns);

/* ---------------------------------------------------------------- text.c */

/* UTF-16 as UTF-8, at most three bytes a unit; a surrogate that stands alone as the three bytes that it would be. */
size_t waot_windows_to_utf8(const WCHAR *from, size_t count, char *to);
/* The other way; the units, at most one a byte, or -1 where it is not UTF-8. */
ptrdiff_t waot_windows_to_utf16(const char *from, size_t size, WCHAR *to);

/* ---------------------------------------------------------------- console.c */

int64_t waot_windows_console_read(struct waot_windows_file *file, uint8_t *bytes, size_t size);
int64_t waot_windows_console_write(struct waot_windows_file *file, const uint8_t *bytes, size_t size);
bool waot_windows_console_ready(const struct waot_windows_file *file);

/* ---------------------------------------------------------------- beneath.c */

/* How what a path names is to be opened. */
struct waot_windows_open {
    ACCESS_MASK access;
    ACCESS_MASK wished;   /* access that is done without where the system refuses it */
    ULONG disposition;    /* WAOT_NT_OPEN, ... */
    ULONG options;
    bool follow;          /* a symbolic link as last name is expanded; otherwise it is opened itself */
    bool made;            /* out: by this */
    ULONG attributes, tag; /* out: of what was opened */
    bool slash;           /* out: the path ended in a slash */
};
/* Opens beneath `root`: 0, or minus an errno. */
int64_t waot_windows_open_beneath(waot_os_handle root, const char *path, struct waot_windows_open *how,
                                  HANDLE *handle);

/* The target of an open symbolic link, with slashes: its bytes. PERM where that is absolute, or it is a junction. */
int64_t waot_windows_read_link(HANDLE link, char *target, size_t size);

/* What a last name is that is not one. */
enum waot_windows_dots { WAOT_WINDOWS_NAMED, WAOT_WINDOWS_DOT, WAOT_WINDOWS_DOT_DOT };

/* A name in an open directory: where something is to be made, removed or renamed. */
struct waot_windows_place {
    HANDLE directory;
    bool slash; /* the path ended in one */
    enum waot_windows_dots dots;
    USHORT name_size; /* bytes */
    WCHAR name[WAOT_WINDOWS_NAME + 1];
};
/* Finds the directory of a path's last name: 0 or minus an errno. One place at a time for each `which`, 0 or 1. */
int64_t waot_windows_locate(waot_os_handle root, const char *path, int which, struct waot_windows_place *place);
void waot_windows_release(int which);

/* Opens a name in a directory, never through a link. */
waot_nt_status waot_windows_open_name(HANDLE directory, const WCHAR *name, USHORT name_size,
                                      struct waot_windows_open *how, HANDLE *handle);

#endif
