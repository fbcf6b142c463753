/* Runs a module that wasm2c (wabt 1.0.32) has translated, under the module name "program": the part of WASI preview 1
 * that a program without files uses. What a module imports beyond it does not link, and says what is missing. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#include "program.h"

enum { SUCCESS = 0, BAD_FILE = 8, INVALID = 28, IO = 29, NO_SEEK = 70 };

struct Z_wasi_snapshot_preview1_instance_t {
    int argc;
    char **argv;
};
typedef struct Z_wasi_snapshot_preview1_instance_t wasi;
static Z_program_instance_t instance;

static u8 *at(u32 address) { return Z_programZ_memory(&instance)->data + address; }
static void put32(u32 address, u32 value) { memcpy(at(address), &value, sizeof value); }
static void put64(u32 address, u64 value) { memcpy(at(address), &value, sizeof value); }
static u32 get32(u32 address) {
    u32 value;
    memcpy(&value, at(address), sizeof value);
    return value;
}

u32 Z_wasi_snapshot_preview1Z_args_sizes_get(wasi *host, u32 count, u32 size) {
    u32 sum = 0;
    for (int i = 0; i < host->argc; i++)
        sum += (u32)strlen(host->argv[i]) + 1;
    put32(count, (u32)host->argc);
    put32(size, sum);
    return SUCCESS;
}

u32 Z_wasi_snapshot_preview1Z_args_get(wasi *host, u32 pointers, u32 buffer) {
    for (int i = 0; i < host->argc; i++) {
        put32(pointers + 4 * (u32)i, buffer);
        strcpy((char *)at(buffer), host->argv[i]);
        buffer += (u32)strlen(host->argv[i]) + 1;
    }
    return SUCCESS;
}

u32 Z_wasi_snapshot_preview1Z_environ_sizes_get(wasi *host, u32 count, u32 size) {
    (void)host;
    put32(count, 0);
    put32(size, 0);
    return SUCCESS;
}

u32 Z_wasi_snapshot_preview1Z_environ_get(wasi *host, u32 pointers, u32 buffer) {
    (void)host, (void)pointers, (void)buffer;
    return SUCCESS;
}

u32 Z_wasi_snapshot_preview1Z_clock_time_get(wasi *host, u32 clock, u64 precision, u32 result) {
    (void)host, (void)precision;
    struct timespec time;
    if (clock > 1 || clock_gettime(clock == 0 ? CLOCK_REALTIME : CLOCK_MONOTONIC, &time) != 0)
        return INVALID;
    put64(result, (u64)time.tv_sec * 1000000000 + (u64)time.tv_nsec);
    return SUCCESS;
}

u32 Z_wasi_snapshot_preview1Z_random_get(wasi *host, u32 buffer, u32 size) {
    (void)host;
    return getrandom(at(buffer), size, 0) == (ssize_t)size ? SUCCESS : IO;
}

u32 Z_wasi_snapshot_preview1Z_fd_write(wasi *host, u32 file, u32 pieces, u32 count, u32 result) {
    (void)host;
    u32 sum = 0;
    for (u32 i = 0; i < count; i++) {
        u32 size = get32(pieces + 8 * i + 4);
        if (file - 1 > 1 || write((int)file, at(get32(pieces + 8 * i)), size) != (ssize_t)size)
            return IO;
        sum += size;
    }
    put32(result, sum);
    return SUCCESS;
}

u32 Z_wasi_snapshot_preview1Z_fd_read(wasi *host, u32 file, u32 pieces, u32 count, u32 result) {
    (void)host, (void)file, (void)pieces, (void)count;
    put32(result, 0);
    return SUCCESS;
}

u32 Z_wasi_snapshot_preview1Z_fd_fdstat_get(wasi *host, u32 file, u32 result) {
    (void)host;
    if (file > 2)
        return BAD_FILE;
    memset(at(result), 0, 24);
    *at(result) = 2; /* a character device */
    return SUCCESS;
}

u32 Z_wasi_snapshot_preview1Z_fd_seek(wasi *host, u32 file, u64 offset, u32 whence, u32 result) {
    (void)host, (void)file, (void)offset, (void)whence, (void)result;
    return NO_SEEK;
}

u32 Z_wasi_snapshot_preview1Z_fd_close(wasi *host, u32 file) {
    (void)host, (void)file;
    return SUCCESS;
}

u32 Z_wasi_snapshot_preview1Z_fd_prestat_get(wasi *host, u32 file, u32 result) {
    (void)host, (void)file, (void)result;
    return BAD_FILE;
}

u32 Z_wasi_snapshot_preview1Z_fd_prestat_dir_name(wasi *host, u32 file, u32 path, u32 size) {
    (void)host, (void)file, (void)path, (void)size;
    return BAD_FILE;
}

void Z_wasi_snapshot_preview1Z_proc_exit(wasi *host, u32 status) {
    (void)host;
    exit((int)status);
}

int main(int argc, char **argv) {
    wasi host = {argc, argv};
    wasm_rt_init();
    Z_program_init_module();
    Z_program_instantiate(&instance, &host);
    Z_programZ__start(&instance);
    return 0;
}
