/* The state, and what was granted: it becomes descriptors before the program runs. First the builder's directories,
 * those embedded, and those that his files stand in, each in the order given; then the same of whoever runs the
 * program; then sockets, his behind the builder's. C libraries look for directories from descriptor 3 on and stop at
 * the first number that is none. */
#include "overlay.h"

struct waot_wasi_state waot_wasi_state;
WAOT_THREAD_LOCAL struct waot_wasi_scratch waot_wasi_scratch;

__attribute__((weak)) const uint32_t waot_authority = UINT32_MAX;

_Noreturn void waot_wasi_refuse(const char *what, const char *name, const char *reason)
{
    const char *parts[] = {"waot: ", what, " '", name, "': ", reason, "\n"};
    struct waot_os_buffer buffers[7];
    for (size_t i = 0; i < 7; i++)
        buffers[i] = (struct waot_os_buffer){(uint8_t *)(uintptr_t)parts[i], __builtin_strlen(parts[i])};
    waot_os_ignore_write_signals(); /* the status is the same where nobody reads this */
    waot_os_write(waot_os_standard(2), buffers, 7);
    waot_exit(1);
}

_Noreturn void waot_wasi_refuse_result(const char *what, const char *name, int64_t result)
{
    static const struct {
        uint8_t code;
        const char *text;
    } reasons[] = {
        {WAOT_WASI_ACCES, "permission denied"},
        {WAOT_WASI_PERM, "operation not permitted"},
        {WAOT_WASI_NOENT, "no such file"},
        {WAOT_WASI_NOTDIR, "not a directory"},
        {WAOT_WASI_ISDIR, "it is a directory"},
        {WAOT_WASI_EXIST, "something is granted under that name already"},
        {WAOT_WASI_INVAL, "not a name"},
        {WAOT_WASI_LOOP, "too many symbolic links"},
        {WAOT_WASI_NAMETOOLONG, "name too long"},
        {WAOT_WASI_MFILE, "too many open files"},
        {WAOT_WASI_NFILE, "too many open files in the system"},
        {WAOT_WASI_NOMEM, "out of memory"},
        {WAOT_WASI_ADDRINUSE, "the address is in use"},
        {WAOT_WASI_ADDRNOTAVAIL, "this machine does not have that address"},
        {WAOT_WASI_AFNOSUPPORT, "the system does not know such addresses"},
        {WAOT_WASI_NOTSOCK, "not a listening socket"},
    };
    const char *reason = "input/output error";
    for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++)
        if (reasons[i].code == -result)
            reason = reasons[i].text;
    waot_wasi_refuse(what, name, reason);
}

void waot_wasi_preopen(const struct waot_wasi_descriptor *descriptor, const char *host)
{
    const char *what = descriptor->preopen == NULL ? "cannot listen at"
                       : descriptor->kind == WAOT_WASI_FILES ? "cannot grant file"
                       : waot_wasi_is_embedded(descriptor)   ? "cannot give embedded directory"
                                                             : "cannot open granted directory";
    /* Two directories of one name: C libraries would take the later for both. */
    const struct waot_wasi_descriptor *other;
    for (uint32_t fd = 3; descriptor->preopen != NULL && (other = waot_wasi_descriptor(fd)) != NULL; fd++)
        if (other->preopen != NULL && waot_wasi_same_path(other->preopen, descriptor->preopen))
            waot_wasi_refuse_result(what, host, -WAOT_WASI_EXIST);
    if (WAOT_THREADS)
        waot_wasi_leave();
    int64_t result = waot_wasi_enter(descriptor);
    if (result < 0)
        waot_wasi_refuse_result(what, host, result);
    if (descriptor->preopen == NULL)
        waot_wasi_state.granted |= WAOT_CONFINE_SOCKETS;
    else if (descriptor->kind == WAOT_WASI_DIRECTORY && !waot_wasi_is_embedded(descriptor))
        waot_wasi_may_open(descriptor->read_only);
}

void waot_wasi_may_open(bool read_only)
{
    waot_wasi_state.granted |= read_only ? WAOT_CONFINE_READ : WAOT_CONFINE_READ | WAOT_CONFINE_WRITE;
}

bool waot_wasi_same_path(const char *a, const char *b)
{
    if ((*a == '/') != (*b == '/'))
        return false;
    for (;;) {
        while (*a == '/' || (*a == '.' && (a[1] == '/' || a[1] == '\0')))
            a++;
        while (*b == '/' || (*b == '.' && (b[1] == '/' || b[1] == '\0')))
            b++;
        while (*a == *b && *a != '/' && *a != '\0')
            a++, b++;
        if ((*a != '/' && *a != '\0') || (*b != '/' && *b != '\0'))
            return false;
        if (*a == '\0' && *b == '\0')
            return true;
    }
}

static waot_os_handle waot_wasi_open_granted(const char *host)
{
    int64_t result = waot_os_open_directory(host);
    if (result == -WAOT_WASI_NOENT)
        waot_wasi_refuse("cannot open granted directory", host, "no such directory");
    if (result < 0)
        waot_wasi_refuse_result("cannot open granted directory", host, result);
    return (waot_os_handle)result;
}

static void waot_wasi_grant_directory(const struct waot_wasi_path_grant *grant)
{
    struct waot_wasi_descriptor descriptor = {
        .handle = waot_wasi_open_granted(grant->host),
        .preopen = grant->guest,
        .kind = WAOT_WASI_DIRECTORY,
        .read_only = grant->read_only,
    };
    waot_wasi_preopen(&descriptor, grant->host);
}

static void waot_wasi_grant_embedded(void)
{
    struct waot_wasi_record record = {NULL, NULL};
    while (waot_wasi_next_record(&record)) {
        if (record.head->kind != WAOT_RECORD_EMBED)
            continue;
        const struct waot_embedded *embedded = (const struct waot_embedded *)(const void *)record.payload;
        struct waot_wasi_descriptor descriptor;
        waot_embed_grant(embedded, &descriptor);
        descriptor.preopen = (const char *)(embedded + 1);
        waot_wasi_preopen(&descriptor, descriptor.preopen);
    }
}

/* Behind the embedded directories, of which each is on top of one. */
static void waot_wasi_grant_overlays(void)
{
    struct waot_wasi_record record = {NULL, NULL};
    struct waot_wasi_path_grant grant;
    while (waot_wasi_next_path_record(&record, WAOT_RECORD_OVERLAY, &grant)) {
        waot_os_handle top = waot_wasi_open_granted(grant.host);
        struct waot_wasi_descriptor *descriptor;
        for (uint32_t fd = 3; (descriptor = waot_wasi_descriptor(fd)) != NULL; fd++) {
            if (!waot_wasi_is_embedded(descriptor) || !waot_wasi_same_path(descriptor->preopen, grant.guest))
                continue;
            descriptor->handle = top;
            descriptor->overlay = true;
            descriptor->read_only = false;
            waot_wasi_may_open(false);
        }
        if (WAOT_THREADS)
            waot_wasi_leave();
    }
}

static void waot_wasi_grant_paths(void)
{
    struct waot_wasi_record record = {NULL, NULL};
    struct waot_wasi_path_grant grant;
    while (WAOT_MAY(DIRECTORIES) && waot_wasi_next_path_record(&record, WAOT_RECORD_DIR, &grant))
        waot_wasi_grant_directory(&grant);
    if (WAOT_MAY(EMBEDDED))
        waot_wasi_grant_embedded();
    if (WAOT_MAY(OVERLAY))
        waot_wasi_grant_overlays();
    record.head = NULL;
    while (WAOT_MAY(FILES) && waot_wasi_next_path_record(&record, WAOT_RECORD_FILE, &grant))
        waot_wasi_grant_file(&grant);
    if (!WAOT_MAY(RUN_TIME))
        return;
    while (WAOT_MAY(DIRECTORIES) && waot_wasi_next_path_item(WAOT_WASI_VARIABLE_DIR, &grant))
        waot_wasi_grant_directory(&grant);
    while (WAOT_MAY(FILES) && waot_wasi_next_path_item(WAOT_WASI_VARIABLE_FILE, &grant))
        waot_wasi_grant_file(&grant);
}

/* Gives up what neither imports nor grants have a use for. */
static void waot_wasi_confine(void)
{
    struct waot_wasi_record record = {NULL, NULL};
    while (waot_wasi_next_record(&record))
        if (record.head->kind == WAOT_RECORD_SECCOMP && (record.head->flags & WAOT_RECORD_LEFT_OUT) == 0)
            waot_os_confine(record.payload, record.head->size, waot_wasi_state.granted,
                            (record.head->flags & WAOT_RECORD_REQUIRED) != 0);
}

/* Without a grant this makes no system call but those that confine the program. */
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
    if (WAOT_THREADS)
        waot_wasi_share_standard();

    waot_wasi_read_variables();
    if (WAOT_MAY(DETERMINISTIC))
        waot_wasi_seed();
    waot_wasi_grant_paths();
    if (WAOT_MAY(LISTEN))
        waot_wasi_grant_sockets();
    if (WAOT_MAY(PROFILE))
        waot_wasi_profile();
    waot_wasi_confine();
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

bool waot_wasi_next_path_record(struct waot_wasi_record *record, uint16_t kind, struct waot_wasi_path_grant *grant)
{
    while (waot_wasi_next_record(record)) {
        if (record->head->kind != kind)
            continue;
        grant->host = (const char *)record->payload;
        grant->guest = grant->host + __builtin_strlen(grant->host) + 1;
        grant->read_only = (record->head->flags & WAOT_RECORD_READ_ONLY) != 0;
        return true;
    }
    return false;
}
