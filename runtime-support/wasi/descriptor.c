/* The descriptor table, and the functions that concern a descriptor rather than what it is open on. */
#include "embed.h"

/* Not when it is opened: many a program opens, maps or closes a file without a call to which it would matter. */
void waot_wasi_settle(struct waot_wasi_descriptor *descriptor)
{
    if (__builtin_expect(descriptor->kind != WAOT_WASI_UNSETTLED, 1))
        return;
    struct waot_os_stat stat;
    bool directory = waot_os_stat(descriptor->handle, &stat) >= 0 && stat.filetype == WAOT_WASI_FILETYPE_DIRECTORY;
    /* Another thread that is here as well comes to the same. */
    __atomic_store_n(&descriptor->kind, directory ? WAOT_WASI_DIRECTORY : WAOT_WASI_FILE, __ATOMIC_RELAXED);
}

static bool waot_wasi_is_directory(struct waot_wasi_descriptor *descriptor)
{
    waot_wasi_settle(descriptor);
    return descriptor->kind == WAOT_WASI_DIRECTORY || waot_wasi_is_files(descriptor);
}

uint32_t waot_wasi_file(uint32_t fd, uint32_t right, struct waot_wasi_descriptor **descriptor)
{
    *descriptor = waot_wasi_descriptor(fd);
    if (*descriptor == NULL || waot_wasi_is_directory(*descriptor))
        return WAOT_WASI_BADF;
    return ((*descriptor)->dropped & right) != 0 ? WAOT_WASI_NOTCAPABLE : WAOT_WASI_SUCCESS;
}

uint32_t waot_wasi_directory(uint32_t fd, uint32_t right, bool changes, struct waot_wasi_descriptor **descriptor)
{
    *descriptor = waot_wasi_descriptor(fd);
    if (*descriptor == NULL || !waot_wasi_is_directory(*descriptor))
        return WAOT_WASI_BADF;
    if (((*descriptor)->dropped & right) != 0)
        return WAOT_WASI_NOTCAPABLE;
    return changes && (*descriptor)->read_only ? WAOT_WASI_PERM : WAOT_WASI_SUCCESS;
}

/* Doubles the table. Numbers stay below 2**31 (witx, path_open). */
static uint32_t waot_wasi_grow_table(struct waot_wasi_state *state)
{
    if (state->capacity >= UINT32_C(1) << 30)
        return WAOT_WASI_NFILE;
    size_t size = state->capacity * sizeof *state->descriptors;
    struct waot_wasi_descriptor *descriptors = waot_os_allocate_pages(2 * size);
    if (descriptors == NULL)
        return WAOT_WASI_NOMEM;
    __builtin_memcpy(descriptors, state->descriptors, size);
    if (state->descriptors != state->first)
        waot_os_free_pages(state->descriptors, size);
    state->descriptors = descriptors;
    state->capacity *= 2;
    return WAOT_WASI_SUCCESS;
}

int64_t waot_wasi_enter(const struct waot_wasi_descriptor *descriptor)
{
    if (WAOT_THREADS)
        return waot_wasi_shared_enter(descriptor);
    struct waot_wasi_state *state = &waot_wasi_state;
    uint32_t fd = state->lowest;
    while (fd < state->capacity && state->descriptors[fd].kind != WAOT_WASI_FREE)
        fd++;
    uint32_t error = fd == state->capacity ? waot_wasi_grow_table(state) : (uint32_t)WAOT_WASI_SUCCESS;
    if (error != WAOT_WASI_SUCCESS) {
        waot_wasi_close(descriptor);
        return -(int64_t)error;
    }
    state->descriptors[fd] = *descriptor;
    state->lowest = fd + 1;
    return fd;
}

/* The standard streams' numbers are not given again: a program that has closed one and goes on printing (yosys does)
 * would print into the next file that it opens. */
static void waot_wasi_forget(uint32_t fd)
{
    struct waot_wasi_state *state = &waot_wasi_state;
    state->descriptors[fd].kind = WAOT_WASI_FREE;
    if (fd > 2 && fd < state->lowest)
        state->lowest = fd;
}

/* Standard error's handle stays open for the shim's own last words. */
int64_t waot_wasi_close(const struct waot_wasi_descriptor *descriptor)
{
    bool stays = descriptor->handle == waot_os_standard(2) || !waot_wasi_is_of_host(descriptor);
    return stays ? 0 : waot_os_close(descriptor->handle);
}

uint32_t waot_wasi_fd_close(struct waot_memory *memory, uint32_t fd)
{
    (void)memory;
    if (WAOT_THREADS)
        return waot_wasi_shared_close(fd);
    struct waot_wasi_descriptor *descriptor = waot_wasi_descriptor(fd);
    if (descriptor == NULL)
        return WAOT_WASI_BADF;
    int64_t result = waot_wasi_close(descriptor);
    waot_wasi_forget(fd);
    return waot_wasi_result(result);
}

/* Both must be open: the number of a closed descriptor cannot be claimed. */
uint32_t waot_wasi_fd_renumber(struct waot_memory *memory, uint32_t fd, uint32_t to)
{
    (void)memory;
    if (WAOT_THREADS)
        return waot_wasi_shared_renumber(fd, to);
    struct waot_wasi_descriptor *from = waot_wasi_descriptor(fd), *target = waot_wasi_descriptor(to);
    if (from == NULL || target == NULL)
        return WAOT_WASI_BADF;
    if (from == target)
        return WAOT_WASI_SUCCESS;
    waot_wasi_close(target);
    *target = *from;
    waot_wasi_forget(fd);
    return WAOT_WASI_SUCCESS;
}

/* ---------------------------------------------------------------- rights */

struct waot_wasi_rights {
    uint32_t base, inheriting;
    uint32_t fdflags;
    uint8_t filetype;
};

/* Rights as wasmtime reports them for directories and files. A terminal has neither FD_SEEK nor FD_TELL: this is how
 * isatty in wasi-libc knows one. */
static uint32_t waot_wasi_rights(const struct waot_wasi_descriptor *descriptor, struct waot_wasi_rights *rights)
{
    const uint32_t preopen =
        WAOT_WASI_RIGHT_PATH_CREATE_DIRECTORY | WAOT_WASI_RIGHT_PATH_CREATE_FILE | WAOT_WASI_RIGHT_PATH_LINK_SOURCE |
        WAOT_WASI_RIGHT_PATH_LINK_TARGET | WAOT_WASI_RIGHT_PATH_OPEN | WAOT_WASI_RIGHT_FD_READDIR |
        WAOT_WASI_RIGHT_PATH_READLINK | WAOT_WASI_RIGHT_PATH_RENAME_SOURCE | WAOT_WASI_RIGHT_PATH_RENAME_TARGET |
        WAOT_WASI_RIGHT_PATH_SYMLINK | WAOT_WASI_RIGHT_PATH_REMOVE_DIRECTORY | WAOT_WASI_RIGHT_PATH_UNLINK_FILE |
        WAOT_WASI_RIGHT_PATH_FILESTAT_GET | WAOT_WASI_RIGHT_PATH_FILESTAT_SET_TIMES | WAOT_WASI_RIGHT_FD_FILESTAT_GET |
        WAOT_WASI_RIGHT_FD_FILESTAT_SET_TIMES;
    const uint32_t inherited =
        preopen | WAOT_WASI_RIGHT_FD_DATASYNC | WAOT_WASI_RIGHT_FD_READ | WAOT_WASI_RIGHT_FD_SEEK |
        WAOT_WASI_RIGHT_FD_FDSTAT_SET_FLAGS | WAOT_WASI_RIGHT_FD_SYNC | WAOT_WASI_RIGHT_FD_TELL |
        WAOT_WASI_RIGHT_FD_WRITE | WAOT_WASI_RIGHT_FD_ADVISE | WAOT_WASI_RIGHT_FD_ALLOCATE |
        WAOT_WASI_RIGHT_FD_FILESTAT_SET_SIZE | WAOT_WASI_RIGHT_POLL_FD_READWRITE;

    rights->fdflags = 0;
    rights->filetype = WAOT_WASI_FILETYPE_DIRECTORY;
    rights->base = preopen;
    rights->inheriting = inherited;
    if (descriptor->preopen == NULL && !waot_wasi_is_files(descriptor)) {
        struct waot_os_stat stat;
        int64_t result = waot_wasi_stat(descriptor, &stat);
        if (result < 0)
            return waot_wasi_result(result);
        int64_t flags = waot_wasi_flags(descriptor);
        if (flags < 0)
            return waot_wasi_result(flags);
        const bool directory = stat.filetype == WAOT_WASI_FILETYPE_DIRECTORY; /* has no flags, as in wasmtime */
        rights->fdflags = directory ? 0 : (uint32_t)flags & WAOT_WASI_FDFLAGS_ALL;
        rights->filetype = stat.filetype;
        rights->base = WAOT_WASI_RIGHTS_ALL;
        if (directory)
            rights->base &= ~(uint32_t)(WAOT_WASI_RIGHT_FD_SEEK | WAOT_WASI_RIGHT_FD_FILESTAT_SET_SIZE |
                                        WAOT_WASI_RIGHT_PATH_FILESTAT_SET_SIZE);
        if (stat.filetype == WAOT_WASI_FILETYPE_CHARACTER_DEVICE && waot_os_is_terminal(descriptor->handle))
            rights->base &= ~(uint32_t)(WAOT_WASI_RIGHT_FD_SEEK | WAOT_WASI_RIGHT_FD_TELL);
        if ((flags & WAOT_OS_READABLE) == 0)
            rights->base &= ~(uint32_t)(WAOT_WASI_RIGHT_FD_READ | WAOT_WASI_RIGHT_FD_READDIR);
        if ((flags & WAOT_OS_WRITABLE) == 0)
            rights->base &= ~(uint32_t)WAOT_WASI_RIGHT_FD_WRITE;
        rights->inheriting = rights->base;
    }
    rights->base &= ~descriptor->dropped;
    rights->inheriting &= ~descriptor->dropped_inheriting;
    return WAOT_WASI_SUCCESS;
}

uint32_t waot_wasi_fd_fdstat_get(struct waot_memory *memory, uint32_t fd, uint32_t stat)
{
    struct waot_wasi_descriptor *descriptor = waot_wasi_descriptor(fd);
    if (descriptor == NULL)
        return WAOT_WASI_BADF;
    uint8_t *to;
    if (!waot_guest_range(memory, stat, WAOT_WASI_SIZEOF_FDSTAT, &to))
        return WAOT_WASI_FAULT;
    struct waot_wasi_rights rights;
    uint32_t error = waot_wasi_rights(descriptor, &rights);
    if (error != WAOT_WASI_SUCCESS)
        return error;
    __builtin_memset(to, 0, WAOT_WASI_SIZEOF_FDSTAT);
    to[0] = rights.filetype;
    waot_guest_store_u16(to + 2, (uint16_t)rights.fdflags);
    waot_guest_store_u64(to + 8, rights.base);
    waot_guest_store_u64(to + 16, rights.inheriting);
    return WAOT_WASI_SUCCESS;
}

uint32_t waot_wasi_fd_fdstat_set_flags(struct waot_memory *memory, uint32_t fd, uint32_t flags)
{
    (void)memory;
    struct waot_wasi_descriptor *descriptor;
    uint32_t error = waot_wasi_file(fd, WAOT_WASI_RIGHT_FD_FDSTAT_SET_FLAGS, &descriptor);
    if (error != WAOT_WASI_SUCCESS)
        return error;
    int64_t old = waot_wasi_flags(descriptor);
    if (old < 0)
        return waot_wasi_result(old);
    /* Synchronous writing is decided when a file is opened; a caller may hand back what it found. */
    const uint32_t fixed = WAOT_WASI_FDFLAGS_DSYNC | WAOT_WASI_FDFLAGS_RSYNC | WAOT_WASI_FDFLAGS_SYNC;
    if (flags > WAOT_WASI_FDFLAGS_ALL || ((flags & fixed) != 0 && ((flags ^ (uint32_t)old) & fixed) != 0))
        return WAOT_WASI_INVAL;
    /* A log that we were given to append to stays one: the flag is shared with whoever gave it, and protects it. */
    if (descriptor->kind == WAOT_WASI_STDIO && ((flags ^ (uint32_t)old) & WAOT_WASI_FDFLAGS_APPEND) != 0)
        return WAOT_WASI_PERM;
    if (waot_wasi_is_embedded(descriptor)) {
        descriptor->fdflags = (uint8_t)(((uint32_t)old & fixed) | (flags & ~fixed));
        return WAOT_WASI_SUCCESS;
    }
    return waot_wasi_result(waot_os_set_flags(descriptor->handle, flags));
}

/* What is dropped stays so, also where two threads drop at once. */
static void waot_wasi_drop(uint32_t *dropped, uint32_t rights)
{
    if (WAOT_THREADS)
        __atomic_fetch_or(dropped, rights, __ATOMIC_RELAXED);
    else
        *dropped |= rights;
}

uint32_t waot_wasi_fd_fdstat_set_rights(struct waot_memory *memory, uint32_t fd, uint64_t rights_base,
                                        uint64_t rights_inheriting)
{
    (void)memory;
    struct waot_wasi_descriptor *descriptor = waot_wasi_descriptor(fd);
    if (descriptor == NULL)
        return WAOT_WASI_BADF;
    struct waot_wasi_rights rights;
    uint32_t error = waot_wasi_rights(descriptor, &rights);
    if (error != WAOT_WASI_SUCCESS)
        return error;
    if ((rights_base & ~(uint64_t)rights.base) != 0 || (rights_inheriting & ~(uint64_t)rights.inheriting) != 0)
        return WAOT_WASI_NOTCAPABLE;
    /* Only what was there is given up: a directory is told without FD_WRITE, and still opens files to write. */
    waot_wasi_drop(&descriptor->dropped, rights.base & ~(uint32_t)rights_base);
    waot_wasi_drop(&descriptor->dropped_inheriting, rights.inheriting & ~(uint32_t)rights_inheriting);
    return WAOT_WASI_SUCCESS;
}

/* ---------------------------------------------------------------- granted directories */

uint32_t waot_wasi_fd_prestat_get(struct waot_memory *memory, uint32_t fd, uint32_t buf)
{
    struct waot_wasi_descriptor *descriptor = waot_wasi_descriptor(fd);
    if (descriptor == NULL || descriptor->preopen == NULL)
        return WAOT_WASI_BADF;
    uint8_t *to;
    if (!waot_guest_range(memory, buf, WAOT_WASI_SIZEOF_PRESTAT, &to))
        return WAOT_WASI_FAULT;
    waot_guest_store_u32(to, 0); /* a directory */
    waot_guest_store_u32(to + 4, (uint32_t)__builtin_strlen(descriptor->preopen));
    return WAOT_WASI_SUCCESS;
}

uint32_t waot_wasi_fd_prestat_dir_name(struct waot_memory *memory, uint32_t fd, uint32_t path, uint32_t path_len)
{
    struct waot_wasi_descriptor *descriptor = waot_wasi_descriptor(fd);
    if (descriptor == NULL)
        return WAOT_WASI_BADF;
    if (descriptor->preopen == NULL)
        return WAOT_WASI_NOTDIR;
    size_t size = __builtin_strlen(descriptor->preopen);
    if (size > path_len)
        return WAOT_WASI_NAMETOOLONG;
    uint8_t *to;
    if (!waot_guest_range(memory, path, size, &to))
        return WAOT_WASI_FAULT;
    __builtin_memcpy(to, descriptor->preopen, size);
    return WAOT_WASI_SUCCESS;
}
