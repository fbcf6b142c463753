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

/* What the guest learns of a list of strings: how many and how large they are, or the strings. */
typedef bool waot_wasi_each(bool (*each)(void *context, const char *string), void *context);

static bool waot_wasi_count_string(void *context, const char *string)
{
    uint64_t *sizes = context;
    sizes[0] += 1;
    sizes[1] += __builtin_strlen(string) + 1;
    return true;
}

static inline uint32_t waot_wasi_sizes_get(waot_wasi_each *all, struct waot_memory *memory, uint32_t count_at,
                                           uint32_t size_at)
{
    uint64_t sizes[2] = {0, 0};
    all(waot_wasi_count_string, sizes);
    return waot_wasi_store_sizes(memory, count_at, sizes[0], size_at, sizes[1]);
}

struct waot_wasi_get {
    struct waot_memory *memory;
    uint64_t pointer_at, string_at;
};

static bool waot_wasi_get_string(void *context, const char *string)
{
    struct waot_wasi_get *get = context;
    return waot_wasi_store_string(get->memory, string, &get->pointer_at, &get->string_at);
}

static inline uint32_t waot_wasi_strings_get(waot_wasi_each *all, struct waot_memory *memory, uint32_t pointers,
                                             uint32_t strings)
{
    struct waot_wasi_get get = {memory, pointers, strings};
    uint8_t *end;
    return all(waot_wasi_get_string, &get) && waot_guest_range(memory, get.pointer_at, 0, &end) &&
                   waot_guest_range(memory, get.string_at, 0, &end)
               ? WAOT_WASI_SUCCESS
               : WAOT_WASI_FAULT;
}

/* The name of the program, the builder's arguments, those of the command line. */
static bool waot_wasi_each_argument(bool (*each)(void *context, const char *argument), void *context)
{
    int given = 0;
    if (given < waot_process.argc && !each(context, waot_process.argv[given++]))
        return false;
    struct waot_wasi_record record = {NULL, NULL};
    while (WAOT_MAY(ARGUMENTS) && waot_wasi_next_record(&record))
        if (record.head->kind == WAOT_RECORD_ARGUMENT && !each(context, (const char *)record.payload))
            return false;
    while (given < waot_process.argc)
        if (!each(context, waot_process.argv[given++]))
            return false;
    return true;
}

uint32_t waot_wasi_args_sizes_get(struct waot_memory *memory, uint32_t argc, uint32_t argv_buf_size)
{
    return waot_wasi_sizes_get(waot_wasi_each_argument, memory, argc, argv_buf_size);
}

uint32_t waot_wasi_args_get(struct waot_memory *memory, uint32_t argv, uint32_t argv_buf)
{
    return waot_wasi_strings_get(waot_wasi_each_argument, memory, argv, argv_buf);
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

/* Whether an item of WAOT_ENV from `item` on fixes or passes on the variable of that name. */
static bool waot_wasi_granted_by_item(const char *item, const char *name, size_t size)
{
    for (; item < waot_wasi_state.environment_end; item += __builtin_strlen(item) + 1)
        if (waot_wasi_name_size(item) == size && __builtin_memcmp(item, name, size) == 0)
            return true;
    return false;
}

/* Calls `each` for NAME=VALUE of a grant that says so, or says NAME and the variable is set. */
static bool waot_wasi_pass_variable(bool (*each)(void *context, const char *variable), void *context,
                                    const char *variable, size_t size)
{
    if (variable[size] == '\0') {
        const char *value = waot_os_variable(variable, size);
        if (value == NULL)
            return true;
        variable = value - size - 1; /* the value stands behind its NAME= */
    }
    return each(context, variable);
}

/* The variables of WAOT_ENV that no record is about. */
static bool waot_wasi_each_item(bool (*each)(void *context, const char *variable), void *context)
{
    const struct waot_wasi_record none = {NULL, NULL};
    const char *next, *item = waot_wasi_state.variables[WAOT_WASI_VARIABLE_ENV];
    for (; item < waot_wasi_state.environment_end; item = next) {
        next = item + __builtin_strlen(item) + 1;
        size_t size = waot_wasi_name_size(item);
        if (!waot_wasi_granted_later(none, item, size) && !waot_wasi_granted_by_item(next, item, size) &&
            !waot_wasi_pass_variable(each, context, item, size))
            return false;
    }
    return true;
}

/* Calls `each` for NAME=VALUE of every variable the guest is to see, once a name: the last record of a name wins, a
 * record over WAOT_ENV, and that over the inherited environment, of which our own variables are no part. False as soon
 * as `each` says so. */
static bool waot_wasi_each_variable(bool (*each)(void *context, const char *variable), void *context)
{
    const bool items = WAOT_MAY(RUN_TIME) && waot_wasi_state.environment_end != NULL;
    bool inherit = WAOT_MAY(RUN_TIME) && waot_wasi_state.inherit_environment;
    struct waot_wasi_record record = {NULL, NULL};
    while (waot_wasi_next_record(&record)) {
        inherit |= record.head->kind == WAOT_RECORD_INHERIT_ENV;
        if (record.head->kind != WAOT_RECORD_ENV)
            continue;
        const char *variable = (const char *)record.payload;
        size_t size = waot_wasi_name_size(variable);
        if (waot_wasi_granted_later(record, variable, size))
            continue;
        if (!waot_wasi_pass_variable(each, context, variable, size))
            return false;
    }
    if (items && !waot_wasi_each_item(each, context))
        return false;
    if (!inherit)
        return true;
    const struct waot_wasi_record none = {NULL, NULL};
    for (char **variable = waot_process.envp; *variable != NULL; variable++) {
        size_t size = waot_wasi_name_size(*variable);
        if ((*variable)[size] != '=' || (size >= 5 && __builtin_memcmp(*variable, "WAOT_", 5) == 0) ||
            waot_wasi_granted_later(none, *variable, size) ||
            (items && waot_wasi_granted_by_item(waot_wasi_state.variables[WAOT_WASI_VARIABLE_ENV], *variable, size)))
            continue;
        if (!each(context, *variable))
            return false;
    }
    return true;
}

uint32_t waot_wasi_environ_sizes_get(struct waot_memory *memory, uint32_t environc, uint32_t environ_buf_size)
{
    return waot_wasi_sizes_get(waot_wasi_each_variable, memory, environc, environ_buf_size);
}

uint32_t waot_wasi_environ_get(struct waot_memory *memory, uint32_t environ, uint32_t environ_buf)
{
    return waot_wasi_strings_get(waot_wasi_each_variable, memory, environ, environ_buf);
}
