/* Descriptors of os.h: the table of what is open, reading, writing, attributes. */
#include "system.h"

#include "../../core/process.h"

#define WAOT_WINDOWS_EPOCH INT64_C(116444736000000000) /* 1970, in 100 ns since 1601 */

struct waot_windows_state waot_windows_state;

/* ---------------------------------------------------------------- the table */

enum { WAOT_WINDOWS_MOST_FILES = 1 << 18 }; /* of a program with threads; a power of two */

waot_os_handle waot_os_standard(uint32_t number)
{
    return (waot_os_handle)number;
}

/* The rights that a handle was opened with. */
static uint32_t waot_windows_access(HANDLE handle)
{
    struct waot_nt_result result;
    ULONG access = 0;
    if (NtQueryInformationFile(handle, &result, &access, sizeof access, WAOT_NT_ACCESS) < 0)
        return WAOT_OS_READABLE | WAOT_OS_WRITABLE;
    uint32_t flags = (access & FILE_READ_DATA) != 0 ? WAOT_OS_READABLE : 0;
    if ((access & (FILE_WRITE_DATA | FILE_APPEND_DATA)) != 0)
        flags |= WAOT_OS_WRITABLE;
    if ((access & (FILE_WRITE_DATA | FILE_APPEND_DATA)) == FILE_APPEND_DATA)
        flags |= WAOT_WASI_FDFLAGS_APPEND;
    return flags;
}

static void waot_windows_find_standard(struct waot_windows_file *file, size_t number)
{
    static const DWORD names[3] = {STD_INPUT_HANDLE, STD_OUTPUT_HANDLE, STD_ERROR_HANDLE};
    HANDLE handle = GetStdHandle(names[number]);
    file->kind = WAOT_WINDOWS_CLOSED;
    if (handle == NULL || handle == INVALID_HANDLE_VALUE)
        return;
    file->handle = handle;
    DWORD mode;
    switch (GetFileType(handle)) {
    case FILE_TYPE_DISK:
        file->kind = WAOT_WINDOWS_DISK;
        break;
    case FILE_TYPE_PIPE:
        file->kind = WAOT_WINDOWS_PIPE;
        break;
    case FILE_TYPE_CHAR:
        file->kind = GetConsoleMode(handle, &mode) ? WAOT_WINDOWS_CONSOLE : WAOT_WINDOWS_DEVICE;
        break;
    default:
        return;
    }
    file->flags = waot_windows_access(handle);
    /* A pipe that is opened to append only is one to write; so is what a shell has for a console. */
    if (file->kind != WAOT_WINDOWS_DISK)
        file->flags &= ~WAOT_WASI_FDFLAGS_APPEND;
}

void waot_windows_share_files(void)
{
    struct waot_windows_state *state = &waot_windows_state;
    state->files = waot_os_reserve(WAOT_WINDOWS_MOST_FILES * sizeof *state->files);
    state->capacity = WAOT_WINDOWS_FIRST_FILES;
    if (state->files == NULL || waot_os_commit(state->files, state->capacity * sizeof *state->files))
        waot_fatal("no memory for the table of open files");
    for (waot_os_handle number = 0; number < 3; number++)
        waot_windows_find(number);
}

/* Makes the table twice as large, where it is: other threads are about to use what stands in it. */
static bool waot_windows_commit_files(struct waot_windows_state *state)
{
    size_t size = state->capacity * sizeof *state->files;
    if (state->capacity == WAOT_WINDOWS_MOST_FILES || waot_os_commit(state->files, 2 * size))
        return false;
    __atomic_store_n(&state->capacity, 2 * state->capacity, __ATOMIC_RELEASE);
    return true;
}

struct waot_windows_file *waot_windows_find(waot_os_handle handle)
{
    struct waot_windows_state *state = &waot_windows_state;
    if (!WAOT_THREADS && state->files == NULL) {
        state->files = state->first;
        state->capacity = WAOT_WINDOWS_FIRST_FILES;
    }
    if (handle < 0 || (size_t)handle >= state->capacity)
        return NULL;
    struct waot_windows_file *file = &state->files[handle];
    if (handle < 3 && file->kind == WAOT_WINDOWS_UNKNOWN)
        waot_windows_find_standard(file, (size_t)handle);
    return file->kind == WAOT_WINDOWS_UNKNOWN || file->kind == WAOT_WINDOWS_CLOSED ? NULL : file;
}

static int64_t waot_windows_enter_alone(HANDLE handle, enum waot_windows_kind kind, uint32_t flags)
{
    struct waot_windows_state *state = &waot_windows_state;
    size_t number = 3;
    waot_windows_find(0);
    while (number < state->capacity && state->files[number].handle != NULL)
        number++;
    if (number == state->capacity && WAOT_THREADS) {
        if (!waot_windows_commit_files(state)) {
            NtClose(handle);
            return -WAOT_WASI_NOMEM;
        }
    } else if (number == state->capacity) {
        size_t size = state->capacity * sizeof *state->files;
        struct waot_windows_file *files = waot_os_allocate_pages(2 * size);
        if (files == NULL) {
            NtClose(handle);
            return -WAOT_WASI_NOMEM;
        }
        __builtin_memcpy(files, state->files, size);
        if (state->files != state->first)
            waot_os_free_pages(state->files, size);
        state->files = files;
        state->capacity *= 2;
    }
    state->files[number] = (struct waot_windows_file){.handle = handle, .kind = (uint8_t)kind, .flags = flags};
    return (int64_t)number;
}

int64_t waot_windows_enter(HANDLE handle, enum waot_windows_kind kind, uint32_t flags)
{
    if (WAOT_THREADS)
        waot_lock(&waot_windows_state.lock);
    int64_t number = waot_windows_enter_alone(handle, kind, flags);
    if (WAOT_THREADS)
        waot_unlock(&waot_windows_state.lock);
    return number;
}

int64_t waot_os_close(waot_os_handle handle)
{
    struct waot_windows_file *file = waot_windows_find(handle);
    if (file == NULL)
        return -WAOT_WASI_BADF;
    if (file->listing != NULL)
        waot_windows_free_listing(file->listing);
    int64_t result = file->kind == WAOT_WINDOWS_SOCKET ? waot_windows_state.sockets->close(file)
                                                       : waot_windows_result(NtClose(file->handle));
    if (WAOT_THREADS)
        waot_lock(&waot_windows_state.lock);
    *file = (struct waot_windows_file){.kind = WAOT_WINDOWS_CLOSED};
    if (WAOT_THREADS)
        waot_unlock(&waot_windows_state.lock);
    return result;
}

/* ---------------------------------------------------------------- moving data */

static waot_nt_status waot_windows_wait(HANDLE handle, waot_nt_status status, struct waot_nt_result *result)
{
    if (status != STATUS_PENDING) /* a stream that we were given may be asynchronous */
        return status;
    NtWaitForSingleObject(handle, FALSE, NULL);
    return result->status;
}

/* Bytes that a pipe holds: 0 too where the other end is closed, which `closed` says. */
static uint32_t waot_windows_pipe_holds(HANDLE handle, bool *closed)
{
    DWORD available = 0;
    *closed = !PeekNamedPipe(handle, NULL, 0, NULL, &available, NULL);
    return available;
}

static ULONG waot_windows_cut(size_t size)
{
    return size > 0x7ffff000 ? 0x7ffff000 : (ULONG)size; /* as much as Linux moves at once */
}

/* Moves one buffer. `offset` null: from where the file stands. `more`: another one was moved before it. */
typedef int64_t waot_windows_one(struct waot_windows_file *file, uint8_t *bytes, size_t size, const int64_t *offset,
                                 bool more);

static int64_t waot_windows_read_one(struct waot_windows_file *file, uint8_t *bytes, size_t size, const int64_t *offset,
                                     bool more)
{
    struct waot_nt_result result = {.information = 0};
    bool closed;
    /* More of a stream than the first buffer only if it is there. */
    if (more && file->kind != WAOT_WINDOWS_DISK &&
        (file->kind != WAOT_WINDOWS_PIPE || waot_windows_pipe_holds(file->handle, &closed) == 0))
        return 0;
    if (file->kind == WAOT_WINDOWS_CONSOLE)
        return waot_windows_console_read(file, bytes, size);
    if (file->kind == WAOT_WINDOWS_PIPE && (file->flags & WAOT_WASI_FDFLAGS_NONBLOCK) != 0 &&
        waot_windows_pipe_holds(file->handle, &closed) == 0 && !closed && size > 0)
        return -WAOT_WASI_AGAIN;
    waot_nt_status status = NtReadFile(file->handle, NULL, NULL, NULL, &result, bytes, waot_windows_cut(size), offset, NULL);
    status = waot_windows_wait(file->handle, status, &result);
    if (status == STATUS_END_OF_FILE || status == STATUS_PIPE_BROKEN || status == STATUS_PIPE_EMPTY)
        return 0;
    if (status < 0 && status != STATUS_BUFFER_OVERFLOW) /* the rest of a message comes with the next call */
        return waot_windows_result(status);
    return (int64_t)result.information;
}

static int64_t waot_windows_write_one(struct waot_windows_file *file, uint8_t *bytes, size_t size, const int64_t *offset,
                                      bool more)
{
    (void)more;
    static const int64_t end = -1; /* FILE_WRITE_TO_END_OF_FILE */
    struct waot_nt_result result = {.information = 0};
    if (file->kind == WAOT_WINDOWS_CONSOLE)
        return waot_windows_console_write(file, bytes, size);
    if (file->kind == WAOT_WINDOWS_PIPE && (file->flags & WAOT_WASI_FDFLAGS_NONBLOCK) != 0) {
        struct waot_nt_pipe pipe;
        if (NtQueryInformationFile(file->handle, &result, &pipe, sizeof pipe, WAOT_NT_PIPE_LOCAL) >= 0 &&
            pipe.writable < size) {
            if (pipe.writable == 0)
                return -WAOT_WASI_AGAIN;
            size = pipe.writable;
        }
    }
    if (file->kind == WAOT_WINDOWS_DISK && (file->flags & WAOT_WASI_FDFLAGS_APPEND) != 0)
        offset = &end;
    waot_nt_status status = NtWriteFile(file->handle, NULL, NULL, NULL, &result, bytes, waot_windows_cut(size), offset, NULL);
    status = waot_windows_wait(file->handle, status, &result);
    return status < 0 ? waot_windows_result(status) : (int64_t)result.information;
}

/* Several buffers one after the other, until one is not moved whole. An error behind the first is for the next call. Not
 * inlined, and told what to do by a pointer: a program that reads nothing is linked without what reads. */
__attribute__((noinline)) static int64_t waot_windows_move(struct waot_windows_file *file,
                                                           const struct waot_os_buffer *buffers, size_t count,
                                                           const int64_t *from, waot_windows_one *one)
{
    int64_t total = 0, offset = from == NULL ? 0 : *from;
    for (size_t i = 0; i < count; i++) {
        int64_t moved = one(file, buffers[i].bytes, buffers[i].size, from == NULL ? NULL : &offset, total > 0);
        if (moved < 0)
            return total > 0 ? total : moved;
        total += moved;
        offset += moved;
        if ((size_t)moved < buffers[i].size)
            break;
    }
    return total;
}

int64_t waot_os_read(waot_os_handle handle, const struct waot_os_buffer *buffers, size_t count)
{
    struct waot_windows_file *file = waot_windows_find(handle);
    if (file == NULL || (file->flags & WAOT_OS_READABLE) == 0)
        return -WAOT_WASI_BADF;
    if (file->kind == WAOT_WINDOWS_SOCKET)
        return waot_windows_state.sockets->read(file, buffers, count);
    waot_windows_lock_file(file);
    int64_t moved = waot_windows_move(file, buffers, count, NULL, waot_windows_read_one);
    waot_windows_unlock_file(file);
    return moved;
}

int64_t waot_windows_write(struct waot_windows_file *file, const struct waot_os_buffer *buffers, size_t count)
{
    enum { GATHERED = 4096 };
    size_t size = 0;
    for (size_t i = 0; i < count && size <= GATHERED; i++)
        size += buffers[i].size <= GATHERED ? buffers[i].size : GATHERED + 1;
    if (count < 2 || size > GATHERED)
        return waot_windows_move(file, buffers, count, NULL, waot_windows_write_one);
    /* Small pieces in one call, so that what another program writes there meanwhile does not come between them. */
    uint8_t bytes[GATHERED];
    struct waot_os_buffer all = {bytes, 0};
    for (size_t i = 0; i < count; i++) {
        __builtin_memcpy(bytes + all.size, buffers[i].bytes, buffers[i].size);
        all.size += buffers[i].size;
    }
    return waot_windows_move(file, &all, 1, NULL, waot_windows_write_one);
}

int64_t waot_os_write(waot_os_handle handle, const struct waot_os_buffer *buffers, size_t count)
{
    struct waot_windows_file *file = waot_windows_find(handle);
    if (file == NULL || (file->flags & WAOT_OS_WRITABLE) == 0)
        return -WAOT_WASI_BADF;
    if (file->kind == WAOT_WINDOWS_SOCKET)
        return waot_windows_state.sockets->write(file, buffers, count);
    waot_windows_lock_file(file);
    int64_t moved = waot_windows_write(file, buffers, count);
    waot_windows_unlock_file(file);
    return moved;
}

static waot_nt_status waot_windows_position(const struct waot_windows_file *file, int64_t *position)
{
    struct waot_nt_result result;
    return NtQueryInformationFile(file->handle, &result, position, sizeof *position, WAOT_NT_POSITION);
}

int64_t waot_windows_set(HANDLE handle, int what, const void *information, size_t size)
{
    struct waot_nt_result result;
    return waot_windows_result(NtSetInformationFile(handle, &result, information, (ULONG)size, what));
}

/* At an offset; where the file stands does not change, which the system would have it do. */
static int64_t waot_windows_move_at(waot_os_handle handle, const struct waot_os_buffer *buffers, size_t count,
                                    uint64_t offset, uint32_t access, waot_windows_one *one)
{
    struct waot_windows_file *file = waot_windows_find(handle);
    if (file == NULL || (file->flags & access) == 0)
        return -WAOT_WASI_BADF;
    if (offset > INT64_MAX)
        return -WAOT_WASI_INVAL;
    int64_t position, from = (int64_t)offset, moved = -WAOT_WASI_SPIPE;
    waot_windows_lock_file(file);
    if (file->kind == WAOT_WINDOWS_DISK && waot_windows_position(file, &position) >= 0) {
        moved = waot_windows_move(file, buffers, count, &from, one);
        waot_windows_set(file->handle, WAOT_NT_POSITION, &position, sizeof position);
    }
    waot_windows_unlock_file(file);
    return moved;
}

int64_t waot_os_pread(waot_os_handle handle, const struct waot_os_buffer *buffers, size_t count, uint64_t offset)
{
    return waot_windows_move_at(handle, buffers, count, offset, WAOT_OS_READABLE, waot_windows_read_one);
}

int64_t waot_os_pwrite(waot_os_handle handle, const struct waot_os_buffer *buffers, size_t count, uint64_t offset)
{
    return waot_windows_move_at(handle, buffers, count, offset, WAOT_OS_WRITABLE, waot_windows_write_one);
}

static int64_t waot_windows_size(const struct waot_windows_file *file, int64_t *size)
{
    struct waot_nt_result result;
    struct waot_nt_standard standard;
    waot_nt_status status =
        NtQueryInformationFile(file->handle, &result, &standard, sizeof standard, WAOT_NT_STANDARD);
    *size = status < 0 ? 0 : standard.size;
    return waot_windows_result(status);
}

static int64_t waot_windows_seek(const struct waot_windows_file *file, int64_t offset, uint32_t whence)
{
    int64_t from = 0, result = 0;
    if (whence == WAOT_WASI_WHENCE_CUR)
        result = waot_windows_result(waot_windows_position(file, &from));
    if (whence == WAOT_WASI_WHENCE_END)
        result = waot_windows_size(file, &from);
    if (result < 0)
        return result;
    int64_t to;
    if (__builtin_add_overflow(from, offset, &to) || to < 0)
        return -WAOT_WASI_INVAL;
    if (whence != WAOT_WASI_WHENCE_CUR || offset != 0)
        result = waot_windows_set(file->handle, WAOT_NT_POSITION, &to, sizeof to);
    return result < 0 ? result : to;
}

int64_t waot_os_seek(waot_os_handle handle, int64_t offset, uint32_t whence)
{
    struct waot_windows_file *file = waot_windows_find(handle);
    if (file == NULL)
        return -WAOT_WASI_BADF;
    if (file->kind != WAOT_WINDOWS_DISK)
        return -WAOT_WASI_SPIPE;
    waot_windows_lock_file(file);
    int64_t to = waot_windows_seek(file, offset, whence);
    waot_windows_unlock_file(file);
    return to;
}

int64_t waot_os_sync(waot_os_handle handle, bool data_only)
{
    (void)data_only;
    const struct waot_windows_file *file = waot_windows_find(handle);
    if (file == NULL)
        return -WAOT_WASI_BADF;
    if (file->kind != WAOT_WINDOWS_DISK)
        return -WAOT_WASI_INVAL;
    struct waot_nt_result result;
    waot_nt_status status = NtFlushBuffersFile(file->handle, &result);
    return status == STATUS_ACCESS_DENIED ? 0 : waot_windows_result(status); /* nothing of ours to write */
}

int64_t waot_os_set_size(waot_os_handle handle, uint64_t size)
{
    const struct waot_windows_file *file = waot_windows_find(handle);
    if (file == NULL)
        return -WAOT_WASI_BADF;
    if (size > INT64_MAX || file->kind != WAOT_WINDOWS_DISK || (file->flags & WAOT_OS_WRITABLE) == 0)
        return -WAOT_WASI_INVAL;
    return waot_windows_set(file->handle, WAOT_NT_END_OF_FILE, &size, sizeof size);
}

int64_t waot_os_allocate(waot_os_handle handle, uint64_t offset, uint64_t size)
{
    struct waot_windows_file *file = waot_windows_find(handle);
    if (file == NULL || (file->flags & WAOT_OS_WRITABLE) == 0)
        return -WAOT_WASI_BADF;
    if (size == 0 || offset > INT64_MAX || size > INT64_MAX)
        return -WAOT_WASI_INVAL;
    if (size > INT64_MAX - offset)
        return -WAOT_WASI_FBIG;
    if (file->kind != WAOT_WINDOWS_DISK)
        return -WAOT_WASI_SPIPE;
    int64_t old, end = (int64_t)(offset + size);
    waot_windows_lock_file(file);
    int64_t result = waot_windows_size(file, &old);
    if (result == 0 && old < end)
        result = waot_windows_set(file->handle, WAOT_NT_END_OF_FILE, &end, sizeof end);
    waot_windows_unlock_file(file);
    return result;
}

int64_t waot_os_advise(waot_os_handle handle, uint64_t offset, uint64_t size, uint32_t advice)
{
    (void)offset;
    (void)size;
    (void)advice;
    const struct waot_windows_file *file = waot_windows_find(handle);
    if (file == NULL)
        return -WAOT_WASI_BADF;
    return file->kind == WAOT_WINDOWS_PIPE ? -WAOT_WASI_SPIPE : 0;
}

/* ---------------------------------------------------------------- attributes */

static uint64_t waot_windows_nanoseconds(int64_t time)
{
    return time < WAOT_WINDOWS_EPOCH ? 0 : (uint64_t)(time - WAOT_WINDOWS_EPOCH) * 100; /* WASI has none before 1970 */
}

uint8_t waot_windows_filetype(uint32_t attributes, uint32_t tag)
{
    if ((attributes & FILE_ATTRIBUTE_REPARSE_POINT) != 0 && IsReparseTagNameSurrogate(tag))
        return WAOT_WASI_FILETYPE_SYMBOLIC_LINK;
    return (attributes & FILE_ATTRIBUTE_DIRECTORY) != 0 ? WAOT_WASI_FILETYPE_DIRECTORY
                                                        : WAOT_WASI_FILETYPE_REGULAR_FILE;
}

int64_t waot_windows_stat(HANDLE handle, struct waot_os_stat *stat)
{
    struct waot_nt_result result;
    struct waot_nt_basic basic;
    struct waot_nt_attribute_tag tag = {0, 0};
    BY_HANDLE_FILE_INFORMATION information;
    if (!GetFileInformationByHandle(handle, &information))
        return -WAOT_WASI_IO;
    waot_nt_status status = NtQueryInformationFile(handle, &result, &basic, sizeof basic, WAOT_NT_BASIC);
    if (status >= 0 && (basic.attributes & FILE_ATTRIBUTE_REPARSE_POINT) != 0)
        status = NtQueryInformationFile(handle, &result, &tag, sizeof tag, WAOT_NT_ATTRIBUTE_TAG);
    if (status < 0)
        return waot_windows_result(status);
    *stat = (struct waot_os_stat){
        .device = information.dwVolumeSerialNumber,
        .inode = (uint64_t)information.nFileIndexHigh << 32 | information.nFileIndexLow,
        .links = information.nNumberOfLinks,
        .size = (uint64_t)information.nFileSizeHigh << 32 | information.nFileSizeLow,
        .accessed = waot_windows_nanoseconds(basic.accessed),
        .modified = waot_windows_nanoseconds(basic.modified),
        .changed = waot_windows_nanoseconds(basic.changed),
        .filetype = waot_windows_filetype(basic.attributes, tag.tag),
    };
    return 0;
}

int64_t waot_os_stat(waot_os_handle handle, struct waot_os_stat *stat)
{
    const struct waot_windows_file *file = waot_windows_find(handle);
    if (file == NULL)
        return -WAOT_WASI_BADF;
    if (file->kind == WAOT_WINDOWS_DISK)
        return waot_windows_stat(file->handle, stat);
    *stat = (struct waot_os_stat){
        .inode = (uint64_t)handle + 1,
        .links = 1,
        .filetype = file->kind == WAOT_WINDOWS_PIPE     ? WAOT_WASI_FILETYPE_UNKNOWN
                    : file->kind == WAOT_WINDOWS_SOCKET ? WAOT_WASI_FILETYPE_SOCKET_STREAM
                                                        : WAOT_WASI_FILETYPE_CHARACTER_DEVICE,
    };
    return 0;
}

int64_t waot_windows_set_times(HANDLE handle, const struct waot_os_times *times)
{
    struct waot_nt_basic basic = {0, 0, 0, 0, 0};
    const uint64_t values[2] = {times->accessed, times->modified};
    int64_t *to[2] = {&basic.accessed, &basic.modified};
    for (int i = 0; i < 2; i++) {
        uint32_t wanted = times->flags >> 2 * i; /* atim, atim_now, mtim, mtim_now */
        if ((wanted & WAOT_WASI_FSTFLAGS_ATIM_NOW) != 0)
            *to[i] = waot_os_clock(WAOT_WASI_CLOCK_REALTIME) / 100 + WAOT_WINDOWS_EPOCH;
        else if ((wanted & WAOT_WASI_FSTFLAGS_ATIM) != 0)
            *to[i] = (int64_t)(values[i] / 100) + WAOT_WINDOWS_EPOCH;
    }
    return waot_windows_set(handle, WAOT_NT_BASIC, &basic, sizeof basic);
}

int64_t waot_os_set_times(waot_os_handle handle, const struct waot_os_times *times)
{
    const struct waot_windows_file *file = waot_windows_find(handle);
    if (file == NULL)
        return -WAOT_WASI_BADF;
    return file->kind == WAOT_WINDOWS_DISK ? waot_windows_set_times(file->handle, times) : -WAOT_WASI_INVAL;
}

int64_t waot_os_flags(waot_os_handle handle)
{
    const struct waot_windows_file *file = waot_windows_find(handle);
    return file == NULL ? -WAOT_WASI_BADF : (int64_t)file->flags;
}

int64_t waot_os_set_flags(waot_os_handle handle, uint32_t fdflags)
{
    const uint32_t changeable = WAOT_WASI_FDFLAGS_APPEND | WAOT_WASI_FDFLAGS_NONBLOCK;
    struct waot_windows_file *file = waot_windows_find(handle);
    if (file == NULL)
        return -WAOT_WASI_BADF;
    file->flags = (file->flags & ~changeable) | (fdflags & changeable);
    return 0;
}

bool waot_os_is_terminal(waot_os_handle handle)
{
    const struct waot_windows_file *file = waot_windows_find(handle);
    return file != NULL && file->kind == WAOT_WINDOWS_CONSOLE;
}
