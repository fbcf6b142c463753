/* args_* and environ_*. */
#include "wasi.h"

static uint32_t waot_wasi_store_sizes(struct waot_memory *memory, uint32_t count_at, uint64_t count, uint32_t size_at,
                                      uint64_t size)
{
    uint8_t *to_count, *to_size;
    if (!waot_guest_range(memory, count_at, 4, &to_count) || !waot_guest_range(memory, size_at, 4, &to_size))
        return WAOT_WASI_FAULT;
    if (count > UINT32_MAX || size > UINT32_MAX)
        return WAOT_WASI_OVERFLOW;
    waot_guest_store_u32(to_count, (uint32_t)count);
    waot_guest_store_u32(to_size, (uint32_t)size);
    return WAOT_WASI_SUCCESS;
}

/* Writes one string and its pointer; moves both guest addresses on. Nothing is known of the guest's buffers but that
 * they are to be as large as the sizes functions said, so every string is checked. */
static bool waot_wasi_store_string(struct waot_memory *memory, const char *string, uint64_t *pointer_at,
                                   uint64_t *string_at)
{
    uint8_t *to;
    size_t size = __builtin_strlen(string) + 1;
    if (!waot_guest_range(memory, *pointer_at, 4, &to))
        return false;
    waot_guest_store_u32(to, (uint32_t)*string_at);
    if (!waot_guest_range(memory, *string_at, size, &to))
        return false;
    __builtin_memcpy(to, string, size);
    *pointer_at += 4;
    *string_at += size;
    return true;
}

uint32_t waot_wasi_args_sizes_get(struct waot_memory *memory, uint32_t argc, uint32_t argv_buf_size)
{
    uint64_t size = 0;
    for (int i = 0; i < waot_process.argc; i++)
        size += __builtin_strlen(waot_process.argv[i]) + 1;
    return waot_wasi_store_sizes(memory, argc, (uint64_t)waot_process.argc, argv_buf_size, size);
}

uint32_t waot_wasi_args_get(struct waot_memory *memory, uint32_t argv, uint32_t argv_buf)
{
    uint64_t pointer_at = argv, string_at = argv_buf;
    for (int i = 0; i < waot_process.argc; i++)
        if (!waot_wasi_store_string(memory, waot_process.argv[i], &pointer_at, &string_at))
            return WAOT_WASI_FAULT;
    uint8_t *end;
    return waot_guest_range(memory, pointer_at, 0, &end) && waot_guest_range(memory, string_at, 0, &end)
               ? WAOT_WASI_SUCCESS
               : WAOT_WASI_FAULT;
}

/* ---------------------------------------------------------------- environment */

/* The bytes before the first '=', or all. */
static size_t waot_wasi_name_size(const char *variable)
{
    size_t size = 0;
    while (variable[size] != '\0' && variable[size] != '=')
        size++;
    return size;
}

/* Whether a record after `after` (or any, if its head is null) fixes or passes on the variable of that name. */
static bool waot_wasi_granted_later(struct waot_wasi_record after, const char *name, size_t size)
{
    while (waot_wasi_next_record(&after)) {
        const char *granted = (const char *)after.payload;
        if (after.head->kind == WAOT_RECORD_ENV && waot_wasi_name_size(granted) == size &&
            __builtin_memcmp(granted, name, size) == 0)
            return true;
    }
    return false;
}

/* Calls `each` for NAME=VALUE of every variable the guest is to see, once a name: the last record of a name wins, and
 * a record wins over the inherited environment. False as soon as `each` says so. */
static bool waot_wasi_each_variable(bool (*each)(void *context, const char *variable), void *context)
{
    bool inherit = false;
    struct waot_wasi_record record = {NULL, NULL};
    while (waot_wasi_next_record(&record)) {
        inherit |= record.head->kind == WAOT_RECORD_INHERIT_ENV;
        if (record.head->kind != WAOT_RECORD_ENV)
            continue;
        const char *variable = (const char *)record.payload;
        size_t size = waot_wasi_name_size(variable);
        if (waot_wasi_granted_later(record, variable, size))
            continue;
        if (variable[size] == '\0') {
            const char *value = waot_os_variable(variable, size);
            if (value == NULL)
                continue;
            variable = value - size - 1; /* the value stands behind its NAME= */
        }
        if (!each(context, variable))
            return false;
    }
    if (!inherit)
        return true;
    const struct waot_wasi_record none = {NULL, NULL};
    for (char **variable = waot_process.envp; *variable != NULL; variable++) {
        size_t size = waot_wasi_name_size(*variable);
        if ((*variable)[size] == '=' && !waot_wasi_granted_later(none, *variable, size) && !each(context, *variable))
            return false;
    }
    return true;
}

static bool waot_wasi_count_variable(void *context, const char *variable)
{
    uint64_t *sizes = context;
    sizes[0] += 1;
    sizes[1] += __builtin_strlen(variable) + 1;
    return true;
}

uint32_t waot_wasi_environ_sizes_get(struct waot_memory *memory, uint32_t environc, uint32_t environ_buf_size)
{
    uint64_t sizes[2] = {0, 0};
    waot_wasi_each_variable(waot_wasi_count_variable, sizes);
    return waot_wasi_store_sizes(memory, environc, sizes[0], environ_buf_size, sizes[1]);
}

struct waot_wasi_environ_get {
    struct waot_memory *memory;
    uint64_t pointer_at, string_at;
};

static bool waot_wasi_get_variable(void *context, const char *variable)
{
    struct waot_wasi_environ_get *get = context;
    return waot_wasi_store_string(get->memory, variable, &get->pointer_at, &get->string_at);
}

uint32_t waot_wasi_environ_get(struct waot_memory *memory, uint32_t environ, uint32_t environ_buf)
{
    struct waot_wasi_environ_get get = {memory, environ, environ_buf};
    uint8_t *end;
    return waot_wasi_each_variable(waot_wasi_get_variable, &get) && waot_guest_range(memory, get.pointer_at, 0, &end) &&
                   waot_guest_range(memory, get.string_at, 0, &end)
               ? WAOT_WASI_SUCCESS
               : WAOT_WASI_FAULT;
}
