/* The process and its environment, of os.h; and sockets, which this layer has none of. */
#include "system.h"

#include "../../core/process.h"

void waot_exit(int status)
{
    if (WAOT_THREADS)
        waot_end_program();
    NtTerminateProcess((HANDLE)-1, status); /* this process */
    __builtin_trap();
}

int64_t waot_os_yield(void)
{
    NtYieldExecution();
    return 0;
}

int64_t waot_os_raise(uint32_t signal)
{
    /* Windows has no signals: the program ends with the status that a shell gives one that died of the signal, whose
     * numbers are the same in WASI's order up to 15 but for those that only stop or go on. */
    waot_exit(128 + (int)signal);
}

void waot_os_ignore_write_signals(void)
{
    /* There are none. */
}

void waot_os_confine(const void *filters, size_t size, uint32_t grants, bool required)
{
    /* The filters are Linux's, and whoever asks for them on Windows has been told so at the build. */
    (void)filters;
    (void)size;
    (void)grants;
    (void)required;
}

/* Names of variables are the same whatever their letters' case. A guest that is given one finds it as it was granted. */
const char *waot_os_variable(const char *name, size_t name_size)
{
    for (char **variable = waot_process.envp; *variable != NULL; variable++) {
        size_t same = 0;
        for (; same < name_size; same++) {
            char a = name[same], b = (*variable)[same];
            if (a != b && ((a ^ b) != 0x20 || (a | 0x20) < 'a' || (a | 0x20) > 'z'))
                break;
        }
        if (same < name_size || (*variable)[same] != '=')
            continue;
        __builtin_memcpy(*variable, name, name_size);
        return *variable + name_size + 1;
    }
    return NULL;
}
