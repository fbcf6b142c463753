/* The state, and what the builder granted: directories become descriptors before the program runs. */
#include "overlay.h"

struct waot_wasi_state waot_wasi_state;

static _Noreturn void waot_wasi_refuse_directory(const char *path, int64_t result)
{
    static const struct {
        uint8_t code;
        const char *text;
    } reasons[] = {
        {WAOT_WASI_ACCES, "permission denied"},
        {WAOT_WASI_PERM, "operation not permitted"},
        {WAOT_WASI_NOENT, "no such directory"},
        {WAOT_WASI_NOTDIR, "not a directory"},
        {WAOT_WASI_LOOP, "too many symbolic links"},
        {WAOT_WASI_NAMETOOLONG, "name too long"},
        {WAOT_WASI_MFILE, "too many open files"},
        {WAOT_WASI_NFILE, "too many open files in the system"},
        {WAOT_WASI_NOMEM, "out of memory"},
    };
    const char *reason = "input/output error";
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (reasons[i].code == -result)
            reason = reasons[i].text;
    const char *parts[] = {"waot: cannot open granted directory '", path, "': ", reason, "\n"};
    struct waot_os_buffer buffers[5];
    for (size_t i = 0; i < 5; i++)
        buffers[i] = (struct waot_os_buffer){(uint8_t *)(uintptr_t)parts[i], __builtin_strlen(parts[i])};
    waot_os_ignore_write_signals(); /* the status is the same where nobody reads this */
    waot_os_write(waot_os_standard(2), buffers, 5);
    waot_exit(1);
}

/* Opens nothing, so it cannot fail but for memory. */
static void waot_wasi_grant_embedded(const struct waot_wasi_record *record)
{
    const struct waot_embedded *embedded = (const struct waot_embedded *)(const void *)record->payload;
    struct waot_wasi_descriptor descriptor;
    waot_embed_grant(embedded, &descriptor);
    descriptor.preopen = (const char *)(embedded + 1);
    int64_t result = waot_wasi_enter(&descriptor);
    if (result < 0)
        waot_wasi_refuse_directory(descriptor.preopen, result);
}

/* The embedded directory has been entered before. */
static void waot_wasi_grant_overlay(const char *host, const char *guest)
{
    struct waot_wasi_state *state = &waot_wasi_state;
    size_t size = __builtin_strlen(guest) + 1;
    int64_t result = waot_os_open_directory(host);
    if (result < 0)
        waot_wasi_refuse_directory(host, result);
    for (uint32_t fd = 3; fd < state->lowest; fd++) {
        struct waot_wasi_descriptor *descriptor = &state->descriptors[fd];
        if (waot_wasi_is_embedded(descriptor) && __builtin_strlen(descriptor->preopen) + 1 == size &&
            __builtin_memcmp(descriptor->preopen, guest, size) == 0) {
            descriptor->handle = (waot_os_handle)result;
            descriptor->overlay = true;
            descriptor->read_only = false;
        }
    }
}

/* Without a grant this makes no system call. */
void waot_wasi_start(void)
{
    struct waot_wasi_state *state = &waot_wasi_state;
    state->descriptors = state->first;
    state->capacity = WAOT_WASI_FIRST_DESCRIPTORS;
    for (uint32_t fd = 0; fd < 3; fd++) {
        state->first[fd].handle = waot_os_standard(fd);
        state->first[fd].kind = WAOT_WASI_STDIO;
        /* Streams: what stands there stays, and grows by writing alone. */
        state->first[fd].dropped = WAOT_WASI_RIGHT_FD_FILESTAT_SET_SIZE | WAOT_WASI_RIGHT_FD_ALLOCATE;
    }
    state->lowest = 3;

    bool first = true;
    struct waot_wasi_record record = {NULL, NULL};
    while (waot_wasi_next_record(&record)) {
        if ((waot_granted & WAOT_GRANTED_EMBED) != 0 && record.head->kind == WAOT_RECORD_EMBED)
            waot_wasi_grant_embedded(&record);
        bool overlay = (waot_granted & WAOT_GRANTED_OVERLAY) != 0 && record.head->kind == WAOT_RECORD_OVERLAY;
        if (record.head->kind != WAOT_RECORD_DIR && !overlay)
            continue;
        if (first && waot_os_variable("WAOT_FORCE_WALK", 15) != NULL)
            waot_os_force_walk();
        first = false;
        const char *host = (const char *)record.payload;
        const char *guest = host + __builtin_strlen(host) + 1;
        if (overlay) {
            waot_wasi_grant_overlay(host, guest);
            continue;
        }
        struct waot_wasi_descriptor descriptor = {
            .preopen = guest,
            .kind = WAOT_WASI_DIRECTORY,
            .read_only = (record.head->flags & WAOT_RECORD_READ_ONLY) != 0,
        };
        int64_t result = waot_os_open_directory(host);
        if (result < 0)
            waot_wasi_refuse_directory(host, result);
        descriptor.handle = (waot_os_handle)result;
        result = waot_wasi_enter(&descriptor);
        if (result < 0)
            waot_wasi_refuse_directory(host, result);
    }
}

bool waot_wasi_next_record(struct waot_wasi_record *record)
{
    const unsigned char *end = waot_process.manifest_end;
    const unsigned char *at = waot_process.manifest;
    if (record->head != NULL)
        at = record->payload + ((record->head->size + 7u) & ~7u);
    if (at == NULL || (size_t)(end - at) < sizeof *record->head)
        return false;
    record->head = (const struct waot_record *)(const void *)at;
    record->payload = at + sizeof *record->head;
    return record->head->kind != WAOT_RECORD_END && record->head->size <= (size_t)(end - record->payload);
}
