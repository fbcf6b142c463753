/* What whoever runs the program says in its environment: WAOT_INFO, and unless it is sealed what he grants on top of
 * the builder's grants. Nothing here takes a grant away or changes one.
 *
 * Several items in one variable are separated by `;`. They are cut in place: the environment is ours. A variable that
 * the program can have no use for, by its imports, is not looked at; one that says nothing sensible ends it. */
#include "wasi.h"

/* Not a table: a program has the names of those variables only that it heeds. */
static inline const char *waot_wasi_variable_name(enum waot_wasi_variable variable)
{
    switch (variable) {
    case WAOT_WASI_VARIABLE_INFO:
        return "WAOT_INFO";
    case WAOT_WASI_VARIABLE_FORCE_WALK:
        return "WAOT_FORCE_WALK";
    case WAOT_WASI_VARIABLE_DIR:
        return "WAOT_DIR";
    case WAOT_WASI_VARIABLE_FILE:
        return "WAOT_FILE";
    case WAOT_WASI_VARIABLE_LISTEN:
        return "WAOT_LISTEN";
    case WAOT_WASI_VARIABLE_ENV:
        return "WAOT_ENV";
    default:
        return "WAOT_INHERIT_ENV";
    }
}

/* Whether the program can have use for it. */
static inline bool waot_wasi_heeds(enum waot_wasi_variable variable)
{
    switch (variable) {
    case WAOT_WASI_VARIABLE_INFO:
        return true;
    case WAOT_WASI_VARIABLE_FORCE_WALK:
        return WAOT_MAY(DIRECTORIES) || WAOT_MAY(FILES) || WAOT_MAY(OVERLAY);
    case WAOT_WASI_VARIABLE_DIR:
        return WAOT_MAY(RUN_TIME) && WAOT_MAY(DIRECTORIES);
    case WAOT_WASI_VARIABLE_FILE:
        return WAOT_MAY(RUN_TIME) && WAOT_MAY(FILES);
    case WAOT_WASI_VARIABLE_LISTEN:
        return WAOT_MAY(RUN_TIME) && WAOT_MAY(LISTEN);
    default:
        return WAOT_MAY(RUN_TIME) && WAOT_MAY(ENVIRONMENT);
    }
}

bool waot_wasi_is_sealed(void)
{
    struct waot_wasi_record record = {NULL, NULL};
    while (waot_wasi_next_record(&record))
        if (record.head->kind == WAOT_RECORD_SEALED)
            return true;
    return waot_process.secure;
}

/* A variable that is 1, or 0, or empty, or not set. */
static inline bool waot_wasi_is_on(enum waot_wasi_variable variable)
{
    const char *value = waot_wasi_state.variables[variable];
    if (value == NULL || value[0] == '\0' || (value[0] == '0' && value[1] == '\0'))
        return false;
    if (value[0] != '1' || value[1] != '\0')
        waot_wasi_refuse(waot_wasi_variable_name(variable), value, "use 1 or 0");
    return true;
}

static void waot_wasi_print(const char *text, size_t size)
{
    while (size > 0) {
        struct waot_os_buffer buffer = {(uint8_t *)(uintptr_t)text, size};
        int64_t written = waot_os_write(waot_os_standard(1), &buffer, 1);
        if (written <= 0)
            waot_exit(1);
        text += written;
        size -= (size_t)written;
    }
}

static inline void waot_wasi_print_grant(enum waot_wasi_variable variable)
{
    const char *value = waot_wasi_state.variables[variable], *name = waot_wasi_variable_name(variable);
    if (!waot_wasi_heeds(variable) || value == NULL || value[0] == '\0')
        return;
    waot_wasi_print("granted by ", 11);
    waot_wasi_print(name, __builtin_strlen(name));
    waot_wasi_print(": ", 2);
    waot_wasi_print(value, __builtin_strlen(value));
    waot_wasi_print("\n", 1);
}

static _Noreturn void waot_wasi_print_info(void)
{
    waot_os_ignore_write_signals();
    struct waot_wasi_record record = {NULL, NULL};
    while (waot_wasi_next_record(&record))
        if (record.head->kind == WAOT_RECORD_INFO)
            waot_wasi_print((const char *)record.payload, record.head->size);
    waot_wasi_print_grant(WAOT_WASI_VARIABLE_DIR);
    waot_wasi_print_grant(WAOT_WASI_VARIABLE_FILE);
    waot_wasi_print_grant(WAOT_WASI_VARIABLE_LISTEN);
    waot_wasi_print_grant(WAOT_WASI_VARIABLE_ENV);
    waot_wasi_print_grant(WAOT_WASI_VARIABLE_INHERIT_ENV);
    waot_exit(0);
}

/* Cuts WAOT_ENV into NAME=VALUE and NAME, ended by NULs up to environment_end. */
static void waot_wasi_read_environment_grant(void)
{
    char *list = waot_wasi_state.variables[WAOT_WASI_VARIABLE_ENV], *item;
    while (waot_wasi_next_item(WAOT_WASI_VARIABLE_ENV, &item)) {
        if (item[0] == '=')
            waot_wasi_refuse("WAOT_ENV", item, "use NAME or NAME=VALUE, and ; between them");
        waot_wasi_state.environment_end = item + __builtin_strlen(item) + 1;
    }
    waot_wasi_state.variables[WAOT_WASI_VARIABLE_ENV] = list;
}

static inline void waot_wasi_read_variable(enum waot_wasi_variable variable)
{
    const char *name = waot_wasi_variable_name(variable);
    if (waot_process.secure && variable != WAOT_WASI_VARIABLE_INFO)
        return;
    if (waot_wasi_heeds(variable))
        waot_wasi_state.variables[variable] = (char *)(uintptr_t)waot_os_variable(name, __builtin_strlen(name));
}

void waot_wasi_read_variables(void)
{
    char **variables = waot_wasi_state.variables;
    waot_wasi_read_variable(WAOT_WASI_VARIABLE_INFO);
    waot_wasi_read_variable(WAOT_WASI_VARIABLE_FORCE_WALK);
    waot_wasi_read_variable(WAOT_WASI_VARIABLE_DIR);
    waot_wasi_read_variable(WAOT_WASI_VARIABLE_FILE);
    waot_wasi_read_variable(WAOT_WASI_VARIABLE_LISTEN);
    waot_wasi_read_variable(WAOT_WASI_VARIABLE_ENV);
    waot_wasi_read_variable(WAOT_WASI_VARIABLE_INHERIT_ENV);
    bool grants = false;
    for (int i = WAOT_WASI_VARIABLE_DIR; WAOT_MAY(RUN_TIME) && i < WAOT_WASI_VARIABLE_COUNT; i++)
        grants |= variables[i] != NULL;
    if (grants && waot_wasi_is_sealed())
        for (int i = WAOT_WASI_VARIABLE_DIR; i < WAOT_WASI_VARIABLE_COUNT; i++)
            variables[i] = NULL;
    if (waot_wasi_is_on(WAOT_WASI_VARIABLE_INFO))
        waot_wasi_print_info();
    if (waot_wasi_heeds(WAOT_WASI_VARIABLE_FORCE_WALK) && waot_wasi_is_on(WAOT_WASI_VARIABLE_FORCE_WALK))
        waot_os_force_walk();
    if (WAOT_MAY(RUN_TIME) && WAOT_MAY(ENVIRONMENT)) {
        waot_wasi_state.inherit_environment = waot_wasi_is_on(WAOT_WASI_VARIABLE_INHERIT_ENV);
        waot_wasi_read_environment_grant();
    }
}

bool waot_wasi_next_item(enum waot_wasi_variable variable, char **item)
{
    char **list = &waot_wasi_state.variables[variable];
    if (*list == NULL || **list == '\0') /* a variable that is empty grants nothing */
        return false;
    char *at = *list;
    while (*at != '\0' && *at != ';')
        at++;
    if (at == *list || (at[0] == ';' && at[1] == '\0'))
        waot_wasi_refuse(waot_wasi_variable_name(variable), *list, "an item between ; is empty");
    *item = *list;
    *list = at;
    if (*at == ';') {
        *at = '\0';
        *list = at + 1;
    }
    return true;
}

/* HOST[::GUEST][:ro], as on the command line of waot. */
bool waot_wasi_next_path_item(enum waot_wasi_variable variable, struct waot_wasi_path_grant *grant)
{
    char *host;
    if (!waot_wasi_next_item(variable, &host))
        return false;
    size_t size = __builtin_strlen(host);
    grant->read_only = size >= 3 && __builtin_memcmp(host + size - 3, ":ro", 3) == 0;
    if (grant->read_only)
        size -= 3;
    size_t separators = 0, host_size = size;
    for (size_t at = 0; at + 1 < size; at++)
        if (host[at] == ':' && host[at + 1] == ':') {
            if (separators++ == 0)
                host_size = at;
            at++;
        }
    if (host_size == 0 || separators > 1 || (separators == 1 && host_size + 2 == size))
        waot_wasi_refuse(waot_wasi_variable_name(variable), host, "use HOST[::GUEST][:ro], and ; between them");
    host[size] = '\0';
    host[host_size] = '\0';
    grant->host = host;
    grant->guest = separators == 0 ? host : host + host_size + 2;
    return true;
}
