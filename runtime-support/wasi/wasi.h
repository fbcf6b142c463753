/* Private to wasi/: the one state struct, guest memory, descriptors. */
#ifndef WAOT_WASI_H
#define WAOT_WASI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "../core/process.h"
#include "../include/waot_abi.h"
#include "../os/os.h"
#include "preview1.h"

/* WAOT_WASI_FILES: a directory of granted files (file_grant.c). Its handle is -1, which the system refuses.
 * WAOT_WASI_UNSETTLED: FILE or DIRECTORY; the system is asked when it matters (waot_wasi_settle). */
enum waot_wasi_kind {
    WAOT_WASI_FREE,
    WAOT_WASI_STDIO,
    WAOT_WASI_FILE,
    WAOT_WASI_DIRECTORY,
    WAOT_WASI_FILES,
    WAOT_WASI_UNSETTLED,
};

/* What a guest descriptor stands for. Rights are derived from the kind, the file type and how it is open (see
 * waot_wasi_rights), as wasmtime reports them; only what fd_fdstat_set_rights took away is stored. */
struct waot_wasi_descriptor {
    waot_os_handle handle;
    const char *preopen;         /* the guest's name of a granted directory, or null */
    uint64_t position;           /* of an embedded file: where it is read */
    uint32_t node;               /* what is open if it is embedded (embed.h), else 0 */
    uint32_t dropped;            /* rights taken away */
    uint32_t dropped_inheriting; /* and from what is opened through it */
    uint8_t kind;
    uint8_t fdflags; /* of what is embedded; the system knows all others */
    bool overlay;    /* an embedded directory, on top of which `handle` is written to (overlay.h) */
    bool read_only;  /* opened through a grant with WAOT_RECORD_READ_ONLY, or embedded */
    uint32_t files;  /* of WAOT_WASI_FILES: which directory it is */
};

#define WAOT_WASI_FIRST_DESCRIPTORS 16

/* What whoever runs the program says in variables called WAOT_ and this. */
enum waot_wasi_variable {
    WAOT_WASI_VARIABLE_INFO,
    WAOT_WASI_VARIABLE_FORCE_WALK,
    WAOT_WASI_VARIABLE_DIR, /* from here on they grant something */
    WAOT_WASI_VARIABLE_FILE,
    WAOT_WASI_VARIABLE_LISTEN,
    WAOT_WASI_VARIABLE_ENV,
    WAOT_WASI_VARIABLE_INHERIT_ENV,
    WAOT_WASI_VARIABLE_COUNT,
};

struct waot_wasi_granted_file;

struct waot_wasi_state {
    struct waot_wasi_descriptor *descriptors;
    uint32_t capacity;
    uint32_t lowest; /* no free descriptor stands below this one, except standard streams */
    bool write_signals_ignored;
    bool inherit_environment;                     /* WAOT_INHERIT_ENV */
    bool seeded;                                  /* clocks and randomness follow from a seed */
    char *variables[WAOT_WASI_VARIABLE_COUNT];    /* their values where they are set and not to be ignored, else null */
    const char *environment_end;                  /* of WAOT_ENV, when its items have been ended by NULs */
    struct waot_wasi_granted_file *files;         /* file_grant.c */
    uint32_t file_count;
    uint32_t granted; /* WAOT_CONFINE_* */
    struct waot_wasi_descriptor first[WAOT_WASI_FIRST_DESCRIPTORS]; /* until there are more: no mapping at start */
};
extern struct waot_wasi_state waot_wasi_state; /* of the program, for all of its threads */

/* What a call needs while it runs and is too large for a stack frame. */
struct waot_wasi_scratch {
    struct waot_os_buffer buffers[WAOT_OS_BUFFERS];
    char paths[2][WAOT_OS_PATH_SIZE];
};
extern WAOT_THREAD_LOCAL struct waot_wasi_scratch waot_wasi_scratch;

/* One record of the manifest; begin with all fields zero. */
struct waot_wasi_record {
    const struct waot_record *head;
    const unsigned char *payload;
};
bool waot_wasi_next_record(struct waot_wasi_record *record);

/* ---------------------------------------------------------------- grants */

#define WAOT_MAY(what) ((waot_authority & WAOT_AUTHORITY_##what) != 0)

/* A directory or file that is granted: the strings of a record or of an item of WAOT_DIR, WAOT_FILE. */
struct waot_wasi_path_grant {
    const char *host, *guest;
    bool read_only;
};

/* The next record of that kind, which is one of those that grant a path. */
bool waot_wasi_next_path_record(struct waot_wasi_record *record, uint16_t kind, struct waot_wasi_path_grant *grant);

/* Ends the program with "waot: WHAT 'NAME': REASON" and status 1. */
_Noreturn void waot_wasi_refuse(const char *what, const char *name, const char *reason);
_Noreturn void waot_wasi_refuse_result(const char *what, const char *name, int64_t result);

/* run_time_grants.c: reads the variables above; ends the program where WAOT_INFO asks for it. */
void waot_wasi_read_variables(void);
/* Whether whoever runs the program cannot add grants. */
bool waot_wasi_is_sealed(void);
/* Takes the next item of a variable off its list, in place; false when there is none left. */
bool waot_wasi_next_item(enum waot_wasi_variable variable, char **item);
bool waot_wasi_next_path_item(enum waot_wasi_variable variable, struct waot_wasi_path_grant *grant);
/* Whether two of the guest's paths are the same but for slashes and `.` in them. */
bool waot_wasi_same_path(const char *a, const char *b);
/* Enters a directory or socket that is there from the start. Ends the program where it cannot, or where another has
 * that name already. */
void waot_wasi_preopen(const struct waot_wasi_descriptor *descriptor, const char *host);
/* Says that the program may open something of the host's, so that it keeps the system calls for that. */
void waot_wasi_may_open(bool read_only);

void waot_wasi_grant_file(const struct waot_wasi_path_grant *grant);
void waot_wasi_grant_sockets(void);
void waot_wasi_seed(void);
/* profile.c: finds the file that is counted into. Ends the program where that cannot be. */
void waot_wasi_profile(void);

/* file_grant.c: what the functions of the same names do with a WAOT_WASI_FILES. */
static inline bool waot_wasi_is_files(const struct waot_wasi_descriptor *descriptor)
{
    return WAOT_MAY(FILES) && descriptor->kind == WAOT_WASI_FILES;
}
uint32_t waot_wasi_files_open(const struct waot_wasi_descriptor *directory, const char *path, uint32_t access,
                              uint32_t oflags, uint32_t fdflags, struct waot_wasi_descriptor *opened);
uint32_t waot_wasi_files_stat(const struct waot_wasi_descriptor *directory, const char *path,
                              struct waot_os_stat *stat);
uint32_t waot_wasi_files_set_times(const struct waot_wasi_descriptor *directory, const char *path,
                                   const struct waot_os_times *times);
uint32_t waot_wasi_files_readlink(const struct waot_wasi_descriptor *directory, const char *path);
/* The entry at *position or behind it, and moves *position to it; false where there is none. */
bool waot_wasi_files_entry(const struct waot_wasi_descriptor *directory, uint64_t *position,
                           struct waot_os_entry *entry);
void waot_wasi_files_own_stat(const struct waot_wasi_descriptor *directory, struct waot_os_stat *stat);

/* ---------------------------------------------------------------- clocks and randomness (deterministic.c) */

static inline bool waot_wasi_is_deterministic(void)
{
    return WAOT_MAY(DETERMINISTIC) && waot_wasi_state.seeded;
}
/* A reading of a clock, as waot_os_clock. */
int64_t waot_wasi_clock_now(uint32_t id);
/* What a reading would have said; the guest does not learn it, so time does not go on. */
int64_t waot_wasi_clock_peek(uint32_t id);
int64_t waot_wasi_clock_resolution(uint32_t id);
int64_t waot_wasi_random(uint8_t *bytes, size_t size);
/* waot_os_poll. Where time follows from a seed it goes on by `timeout` if nothing is ready, and waiting for nothing but
 * time takes none. */
int64_t waot_wasi_poll(struct waot_os_poll *polls, size_t count, uint64_t timeout);

/* ---------------------------------------------------------------- guest memory
 *
 * Guest addresses become pointers here and nowhere else. Values are little-endian and may be unaligned. Another thread
 * may change the guest's memory at any time: read once what is checked. */

/* [at, at + size) of the guest's memory as *bytes; false if it is not all inside. */
static inline bool waot_guest_range(const struct waot_memory *memory, uint64_t at, uint64_t size, uint8_t **bytes)
{
    if (memory == NULL)
        return false;
    uint64_t end = waot_memory_bytes(memory);
    if (at > end || size > end - at)
        return false;
    *bytes = memory->base + at;
    return true;
}

static inline uint8_t waot_guest_load_u8(const uint8_t *from)
{
    /* Where memory may be shared the compiler must not read again what has been checked. */
    return WAOT_THREADS ? *(const volatile uint8_t *)from : *from;
}

static inline uint16_t waot_guest_load_u16(const uint8_t *from)
{
    return (uint16_t)(waot_guest_load_u8(from) | waot_guest_load_u8(from + 1) << 8);
}

static inline uint32_t waot_guest_load_u32(const uint8_t *from)
{
    return waot_guest_load_u16(from) | (uint32_t)waot_guest_load_u16(from + 2) << 16;
}

static inline uint64_t waot_guest_load_u64(const uint8_t *from)
{
    return waot_guest_load_u32(from) | (uint64_t)waot_guest_load_u32(from + 4) << 32;
}

static inline void waot_guest_store_u16(uint8_t *to, uint16_t value)
{
    to[0] = (uint8_t)value;
    to[1] = (uint8_t)(value >> 8);
}

static inline void waot_guest_store_u32(uint8_t *to, uint32_t value)
{
    waot_guest_store_u16(to, (uint16_t)value);
    waot_guest_store_u16(to + 2, (uint16_t)(value >> 16));
}

static inline void waot_guest_store_u64(uint8_t *to, uint64_t value)
{
    waot_guest_store_u32(to, (uint32_t)value);
    waot_guest_store_u32(to + 4, (uint32_t)(value >> 32));
}

/* The result of an os.h call that has no value: an errno. */
static inline uint32_t waot_wasi_result(int64_t result)
{
    return result < 0 ? (uint32_t)-result : WAOT_WASI_SUCCESS;
}

/* The guest's array of iovecs as at most WAOT_OS_BUFFERS host buffers in waot_wasi_scratch.buffers, empty ones left out
 * unless all are. Longer arrays are cut: the call then moves less than asked, as it may. FAULT, or INVAL if the sizes
 * overflow. */
uint32_t waot_wasi_buffers(struct waot_memory *memory, uint32_t iovs, uint32_t count, size_t *host_count);

/* The guest's path, NUL-terminated in waot_wasi_scratch.paths[which]. FAULT, NAMETOOLONG, INVAL for a NUL inside,
 * ILSEQ if it is not UTF-8. */
uint32_t waot_wasi_path(struct waot_memory *memory, uint32_t path, uint32_t size, int which, const char **host);

/* Before a write to what may be a pipe or exceed a limit. */
void waot_wasi_expect_errors(void);
/* Whether the bytes are UTF-8 (RFC 3629: no surrogates, nothing overlong, nothing past U+10FFFF): preview 1 has no other
 * names, in either direction. */
bool waot_wasi_is_utf8(const uint8_t *bytes, size_t size);

void waot_wasi_store_filestat(uint8_t *to, const struct waot_os_stat *stat);
/* What the two filestat_get functions tell, and the `size` bytes of the guest at `buf` that it goes to. */
uint32_t waot_wasi_fd_stat(struct waot_memory *memory, uint32_t fd, uint32_t buf, uint32_t size, uint8_t **to,
                           struct waot_os_stat *stat);
uint32_t waot_wasi_path_stat(struct waot_memory *memory, uint32_t fd, uint32_t flags, uint32_t path, uint32_t path_len,
                             uint32_t buf, uint32_t size, uint8_t **to, struct waot_os_stat *stat);
/* The arguments of the two set_times functions. */
uint32_t waot_wasi_times(uint64_t atim, uint64_t mtim, uint32_t fst_flags, struct waot_os_times *times);

/* ---------------------------------------------------------------- descriptors */

/* threads/descriptors.c: what stands for the table here in a program with threads. */
struct waot_wasi_descriptor *waot_wasi_shared_find(uint32_t fd);
int64_t waot_wasi_shared_enter(const struct waot_wasi_descriptor *descriptor);
uint32_t waot_wasi_shared_close(uint32_t fd);
uint32_t waot_wasi_shared_renumber(uint32_t fd, uint32_t to);
void waot_wasi_share_standard(void); /* makes the standard streams, the first in the state, part of it */

/* The open descriptor of that number, or null. It stays what it is until the import returns, whatever other threads do
 * with the number. */
static inline struct waot_wasi_descriptor *waot_wasi_descriptor(uint32_t fd)
{
    if (WAOT_THREADS)
        return waot_wasi_shared_find(fd);
    struct waot_wasi_state *state = &waot_wasi_state;
    if (fd >= state->capacity || state->descriptors[fd].kind == WAOT_WASI_FREE)
        return NULL;
    return &state->descriptors[fd];
}

/* Makes UNSETTLED what it is. */
void waot_wasi_settle(struct waot_wasi_descriptor *descriptor);
/* A descriptor for files, streams and standard streams. BADF for directories; NOTCAPABLE if `right` was taken away. */
uint32_t waot_wasi_file(uint32_t fd, uint32_t right, struct waot_wasi_descriptor **descriptor);
/* A descriptor for directories. BADF for all else; NOTCAPABLE if `right` was taken away; PERM if `changes` something
 * and the grant is read-only, or of files only. */
uint32_t waot_wasi_directory(uint32_t fd, uint32_t right, bool changes, struct waot_wasi_descriptor **descriptor);
/* Enters a handle at the lowest free number from 3 on, or closes it and returns minus NFILE or NOMEM. May move the table. */
int64_t waot_wasi_enter(const struct waot_wasi_descriptor *descriptor);
/* Closes what a descriptor stands for, which is in the table no more. */
int64_t waot_wasi_close(const struct waot_wasi_descriptor *descriptor);

#endif
