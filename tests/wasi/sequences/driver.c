/* Performs a script: calls of WASI's functions, one after the other, and notes what each returned and wrote.
 *
 * Script, results and the memory that the calls work on are at fixed addresses, so that the script can be written with
 * addresses in it. `perform` takes the script where it is, for who can write into our memory; `_start` reads it from
 * standard input and writes the results to standard output. A call, all numbers little-endian:
 *
 *     u8   function         its place in FUNCTIONS
 *     u8   flags            CALL_*
 *     u16  input_size
 *     u16  patch_count
 *     u16  save_count
 *     u32  output_size
 *     (u8 register or LITERAL, u64 value) for each parameter: the register's value, or `value`
 *     input_size bytes      put at INPUT: paths, vectors, what is written, subscriptions
 *     (u16 offset, u8 register) patches: the register's low 32 bits into the input at that place
 *     (u8 kind, u8 register, u32 at) saves: registers that take a value if the call succeeds, see enum save
 *
 * Results: for each call its errno in 32 bits and output_size bytes from OUTPUT on, which are 0xaa before it.
 */
#include <stddef.h>
#include <stdint.h>

#define I32 uint32_t
#define I64 uint64_t
#define FUNCTIONS(F)                                          \
    F(args_get, 2, (I32, I32))                                \
    F(args_sizes_get, 2, (I32, I32))                          \
    F(environ_get, 2, (I32, I32))                             \
    F(environ_sizes_get, 2, (I32, I32))                       \
    F(clock_res_get, 2, (I32, I32))                           \
    F(clock_time_get, 3, (I32, I64, I32))                     \
    F(fd_advise, 4, (I32, I64, I64, I32))                     \
    F(fd_allocate, 3, (I32, I64, I64))                        \
    F(fd_close, 1, (I32))                                     \
    F(fd_datasync, 1, (I32))                                  \
    F(fd_fdstat_get, 2, (I32, I32))                           \
    F(fd_fdstat_set_flags, 2, (I32, I32))                     \
    F(fd_fdstat_set_rights, 3, (I32, I64, I64))               \
    F(fd_filestat_get, 2, (I32, I32))                         \
    F(fd_filestat_set_size, 2, (I32, I64))                    \
    F(fd_filestat_set_times, 4, (I32, I64, I64, I32))         \
    F(fd_pread, 5, (I32, I32, I32, I64, I32))                 \
    F(fd_prestat_get, 2, (I32, I32))                          \
    F(fd_prestat_dir_name, 3, (I32, I32, I32))                \
    F(fd_pwrite, 5, (I32, I32, I32, I64, I32))                \
    F(fd_read, 4, (I32, I32, I32, I32))                       \
    F(fd_readdir, 5, (I32, I32, I32, I64, I32))               \
    F(fd_renumber, 2, (I32, I32))                             \
    F(fd_seek, 4, (I32, I64, I32, I32))                       \
    F(fd_sync, 1, (I32))                                      \
    F(fd_tell, 2, (I32, I32))                                 \
    F(fd_write, 4, (I32, I32, I32, I32))                      \
    F(path_create_directory, 3, (I32, I32, I32))              \
    F(path_filestat_get, 5, (I32, I32, I32, I32, I32))        \
    F(path_filestat_set_times, 7, (I32, I32, I32, I32, I64, I64, I32)) \
    F(path_link, 7, (I32, I32, I32, I32, I32, I32, I32))      \
    F(path_open, 9, (I32, I32, I32, I32, I32, I64, I64, I32, I32)) \
    F(path_readlink, 6, (I32, I32, I32, I32, I32, I32))       \
    F(path_remove_directory, 3, (I32, I32, I32))              \
    F(path_rename, 6, (I32, I32, I32, I32, I32, I32))         \
    F(path_symlink, 5, (I32, I32, I32, I32, I32))             \
    F(path_unlink_file, 3, (I32, I32, I32))                   \
    F(poll_oneoff, 4, (I32, I32, I32, I32))                   \
    F(sched_yield, 0, (void))                                 \
    F(random_get, 2, (I32, I32))                              \
    F(sock_accept, 3, (I32, I32, I32))                        \
    F(sock_recv, 6, (I32, I32, I32, I32, I32, I32))           \
    F(sock_send, 5, (I32, I32, I32, I32, I32))                \
    F(sock_shutdown, 2, (I32, I32))

#define DECLARE(name, count, parameters)                                                            \
    __attribute__((import_module("wasi_snapshot_preview1"), import_name(#name))) I32 name parameters;
FUNCTIONS(DECLARE)

enum function {
#define NUMBER(name, count, parameters) NUMBER_##name,
    FUNCTIONS(NUMBER)
};

enum {
    INPUT = 0x200000, /* behind the stack and our own data */
    OUTPUT = 0x220000,
    SCRIPT = 0x300000,
    RESULTS = 0x400000,
    REGISTERS = 32,
    LITERAL = 0xff,
    CLOSED = 0x40000000, /* a descriptor's number that is never open */
};

enum call_flags {
    /* The function takes an array of vectors as its parameters 1 and 2 and may move less than asked: it is called again
     * for the rest, from the offset in parameter 3 on if it has one, until it moves nothing. The last parameter points to
     * the sum. */
    CALL_WHOLE = 1,
};

enum save {
    SAVE_U32 = 0,        /* at that address */
    SAVE_U64 = 1,        /* likewise */
    SAVE_COOKIE = 2,     /* of the entry number `at` in the list of fd_readdir, or of its last */
    SAVE_DESCRIPTOR = 3, /* SAVE_U32, of a descriptor just opened */
    SAVE_CLOSED = 4,     /* the number of the descriptor just closed, until another one is opened */
    SAVE_NUMBER = 5,     /* `at` itself, the number of a descriptor */
};

static uint64_t registers[REGISTERS];
static uint8_t kinds[REGISTERS]; /* enum save */
static uint64_t just_closed;

void *memset(void *to, int value, size_t size)
{
    for (uint8_t *at = to; size > 0; size--)
        *at++ = (uint8_t)value;
    return to;
}

void *memcpy(void *to, const void *from, size_t size)
{
    const uint8_t *source = from;
    for (uint8_t *at = to; size > 0; size--)
        *at++ = *source++;
    return to;
}

static uint64_t load(uintptr_t at, int size)
{
    uint64_t value = 0;
    for (int i = 0; i < size; i++)
        value |= (uint64_t)((const uint8_t *)at)[i] << 8 * i;
    return value;
}

static void store(uintptr_t at, uint64_t value, int size)
{
    for (int i = 0; i < size; i++)
        ((uint8_t *)at)[i] = (uint8_t)(value >> 8 * i);
}

static uintptr_t script;

static uint64_t take(int size)
{
    uint64_t value = load(script, size);
    script += (uintptr_t)size;
    return value;
}

static I32 call(int function, const uint64_t *a)
{
    (void)a;
    switch (function) {
#define ARGUMENTS_0
#define ARGUMENTS_1 a[0]
#define ARGUMENTS_2 ARGUMENTS_1, a[1]
#define ARGUMENTS_3 ARGUMENTS_2, a[2]
#define ARGUMENTS_4 ARGUMENTS_3, a[3]
#define ARGUMENTS_5 ARGUMENTS_4, a[4]
#define ARGUMENTS_6 ARGUMENTS_5, a[5]
#define ARGUMENTS_7 ARGUMENTS_6, a[6]
#define ARGUMENTS_9 ARGUMENTS_7, a[7], a[8]
#define CASE(name, count, parameters) \
    case NUMBER_##name:               \
        return name(ARGUMENTS_##count);
        FUNCTIONS(CASE)
    }
    return 0xffff;
}

static const uint8_t parameter_counts[] = {
#define COUNT(name, count, parameters) count,
    FUNCTIONS(COUNT)
};

/* A register's descriptor is open no more. */
static void forget(uint64_t number)
{
    for (int i = 0; i < REGISTERS; i++)
        if (kinds[i] == SAVE_DESCRIPTOR && registers[i] == number)
            registers[i] = CLOSED;
}

static void follow_descriptors(int function, const uint64_t *a)
{
    if (function == NUMBER_fd_close || (function == NUMBER_fd_renumber && (I32)a[0] != (I32)a[1])) {
        just_closed = (I32)a[0];
        forget(just_closed);
    }
    if (function == NUMBER_path_open || function == NUMBER_sock_accept) {
        just_closed = CLOSED; /* it may be that one's number now */
        for (int i = 0; i < REGISTERS; i++)
            if (kinds[i] == SAVE_CLOSED)
                registers[i] = CLOSED;
    }
}

/* The vectors of parameters 1 and 2 without their first `size` bytes. */
static void shorten(uint64_t *a, uint64_t size)
{
    while (a[2] > 0) {
        uintptr_t vector = (uintptr_t)a[1];
        uint64_t length = load(vector + 4, 4), part = size < length ? size : length;
        store(vector, load(vector, 4) + part, 4);
        store(vector + 4, length - part, 4);
        size -= part;
        if (part < length)
            return;
        a[1] += 8;
        a[2] -= 1;
    }
}

static I32 call_whole(int function, uint64_t *a)
{
    int last = parameter_counts[function] - 1;
    uintptr_t moved = (uintptr_t)a[last];
    uint64_t sum = 0;
    for (;;) {
        I32 error = call(function, a);
        if (error != 0 && sum == 0)
            return error;
        uint64_t size = error == 0 ? load(moved, 4) : 0;
        sum += size;
        shorten(a, size);
        if (last == 4)
            a[3] += size;
        if (size == 0 || a[2] == 0) {
            store(moved, sum, 4);
            return 0;
        }
    }
}

static void save(int kind, int to, uintptr_t at, const uint64_t *a, I32 error)
{
    kinds[to] = kind == SAVE_NUMBER ? SAVE_DESCRIPTOR : (uint8_t)kind;
    if (error != 0) { /* not what was there before */
        registers[to] = kind >= SAVE_DESCRIPTOR ? CLOSED : 0;
        return;
    }
    if (kind == SAVE_NUMBER)
        registers[to] = at;
    if (kind == SAVE_U32 || kind == SAVE_DESCRIPTOR) {
        registers[to] = load(at, 4);
    } else if (kind == SAVE_U64) {
        registers[to] = load(at, 8);
    } else if (kind == SAVE_CLOSED) {
        registers[to] = just_closed;
    } else if (kind == SAVE_COOKIE) {
        registers[to] = 0;
        uintptr_t entry = (uintptr_t)a[1], end = entry + load((uintptr_t)a[4], 4);
        for (size_t i = 0; i <= at && entry + 24 <= end; i++) {
            registers[to] = load(entry, 8);
            entry += 24 + load(entry + 16, 4);
        }
    }
}

/* Bytes of results. */
__attribute__((export_name("perform"))) I32 perform(I32 size)
{
    uintptr_t results = RESULTS;
    uint64_t a[9];
    for (int i = 0; i < REGISTERS; i++)
        registers[i] = CLOSED;
    just_closed = CLOSED;
    for (script = SCRIPT; script < SCRIPT + size;) {
        int function = (int)take(1), flags = (int)take(1);
        size_t input_size = take(2), patch_count = take(2), save_count = take(2), output_size = take(4);
        for (int i = 0; i < parameter_counts[function]; i++) {
            uint64_t from = take(1);
            a[i] = take(8);
            if (from != LITERAL)
                a[i] = registers[from];
        }
        memcpy((void *)INPUT, (const void *)script, input_size);
        script += input_size;
        for (; patch_count > 0; patch_count--) {
            uintptr_t at = INPUT + take(2);
            store(at, registers[take(1)], 4);
        }
        memset((void *)OUTPUT, 0xaa, output_size);
        I32 error = (flags & CALL_WHOLE) != 0 ? call_whole(function, a) : call(function, a);
        if (error == 0)
            follow_descriptors(function, a);
        for (; save_count > 0; save_count--) {
            int kind = (int)take(1), to = (int)take(1);
            save(kind, to, take(4), a, error);
        }
        store(results, error, 4);
        memcpy((void *)(results + 4), (const void *)OUTPUT, output_size);
        results += 4 + output_size;
    }
    return results - RESULTS;
}

void _start(void)
{
    I32 size = 0, results, vector[2], moved;
    do {
        vector[0] = SCRIPT + size;
        vector[1] = RESULTS - SCRIPT - size;
        if (fd_read(0, (I32)vector, 1, (I32)&moved) != 0)
            __builtin_trap();
        size += moved;
    } while (moved > 0);
    results = perform(size);
    for (size = 0; size < results; size += moved) {
        vector[0] = RESULTS + size;
        vector[1] = results - size;
        if (fd_write(1, (I32)vector, 1, (I32)&moved) != 0)
            __builtin_trap();
    }
}
