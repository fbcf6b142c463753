/* The file that a program counts into (--profile-generate). Its counters are memory that is the file's from before the
 * program runs: what was counted is in the file however the program ends, and runs add up, several at a time among them.
 *
 * A file of another program, or of an older build of this one, begins anew. What is no profile is not touched. */
#include "wasi.h"

__attribute__((weak)) const struct waot_profile waot_profile = {NULL, 0};

static const char waot_profile_magic[8] = {'w', 'a', 'o', 't', 'p', 'r', 'o', 'f'};

void waot_profile_callee(struct waot_profile_callee *site, uint64_t function)
{
    struct waot_profile_callee *rarest = site;
    for (unsigned i = 0; i < WAOT_PROFILE_CALLEES && function != 0; i++) {
        if (site[i].function == 0)
            site[i].function = function;
        if (site[i].function == function) {
            site[i].count++;
            return;
        }
        if (site[i].count < rarest->count)
            rarest = &site[i];
    }
    /* One that is called more often than all others together stays; those that are rare give way (Misra and Gries). */
    if (function != 0 && (rarest->count == 0 || --rarest->count == 0)) {
        rarest->function = function;
        rarest->count = 1;
    }
}

static uint64_t waot_profile_size(void)
{
    uint64_t size = 0;
    for (uint64_t i = 0; i < waot_profile.count; i++)
        size += waot_profile.parts[i]->head_size + waot_profile.parts[i]->size;
    return size;
}

/* Whether the file is of this very program. */
static bool waot_profile_fits(const uint8_t *file)
{
    for (uint64_t i = 0; i < waot_profile.count; i++) {
        const struct waot_profile_part *part = waot_profile.parts[i];
        if (__builtin_memcmp(file, part->head, (size_t)part->head_size) != 0)
            return false;
        file += part->head_size + part->size;
    }
    return true;
}

static int64_t waot_profile_put(waot_os_handle handle, const uint8_t *bytes, uint64_t size, uint64_t *at)
{
    while (size > 0) {
        struct waot_os_buffer buffer = {(uint8_t *)(uintptr_t)bytes, (size_t)size};
        int64_t written = waot_os_pwrite(handle, &buffer, 1, *at);
        if (written < 0)
            return written;
        if (written == 0)
            return -WAOT_WASI_NOSPC;
        bytes += written;
        size -= (uint64_t)written;
        *at += (uint64_t)written;
    }
    return 0;
}

/* Writes the file as it is when nothing has been counted: all of it, so that there is room for it. */
static int64_t waot_profile_begin(waot_os_handle handle)
{
    uint64_t at = 0;
    for (uint64_t i = 0; i < waot_profile.count; i++) {
        const struct waot_profile_part *part = waot_profile.parts[i];
        int64_t result = waot_profile_put(handle, part->head, part->head_size, &at);
        if (result == 0)
            result = waot_profile_put(handle, *part->values, part->size, &at);
        if (result < 0)
            return result;
    }
    return waot_os_set_size(handle, at);
}

static _Noreturn void waot_profile_refuse(const char *path, int64_t result)
{
    waot_wasi_refuse_result("cannot write profile", path, result);
}

void waot_wasi_profile(void)
{
    struct waot_wasi_record record = {NULL, NULL};
    while (waot_wasi_next_record(&record) && record.head->kind != WAOT_RECORD_PROFILE)
        ;
    if (record.head == NULL || record.head->kind != WAOT_RECORD_PROFILE || waot_profile.count == 0)
        return;
    const char *path = (const char *)record.payload;
    static const char name[] = "WAOT_PROFILE_FILE";
    const char *wanted = waot_wasi_is_sealed() ? NULL : waot_os_variable(name, sizeof name - 1);
    if (wanted != NULL && *wanted != '\0')
        path = wanted;

    int64_t handle = waot_os_open_file(path);
    if (handle < 0)
        waot_profile_refuse(path, handle);
    struct waot_os_stat stat;
    int64_t result = waot_os_stat((waot_os_handle)handle, &stat);
    if (result < 0)
        waot_profile_refuse(path, result);
    uint8_t magic[sizeof waot_profile_magic] = {0};
    struct waot_os_buffer buffer = {magic, sizeof magic};
    if (stat.filetype != WAOT_WASI_FILETYPE_REGULAR_FILE ||
        (stat.size != 0 && (waot_os_pread((waot_os_handle)handle, &buffer, 1, 0) != sizeof magic ||
                            __builtin_memcmp(magic, waot_profile_magic, sizeof magic) != 0)))
        waot_wasi_refuse("cannot write profile", path, "the file is something else, and stays as it is");

    uint64_t size = waot_profile_size();
    uint8_t *file = NULL;
    if (stat.size == size) {
        result = waot_os_map_file((waot_os_handle)handle, size, &file);
        if (result < 0)
            waot_profile_refuse(path, result);
    }
    if (file == NULL || !waot_profile_fits(file)) {
        result = waot_profile_begin((waot_os_handle)handle);
        if (result == 0 && file == NULL)
            result = waot_os_map_file((waot_os_handle)handle, size, &file);
        if (result < 0)
            waot_profile_refuse(path, result);
    }
    waot_os_close((waot_os_handle)handle);
    for (uint64_t i = 0; i < waot_profile.count; i++) {
        const struct waot_profile_part *part = waot_profile.parts[i];
        *part->values = file + part->head_size;
        file += part->head_size + part->size;
    }
}
