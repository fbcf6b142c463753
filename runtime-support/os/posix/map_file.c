/* A file of the host as memory, of os.h. */
#include "posix.h"

#include <sys/mman.h>

int64_t waot_os_open_file(const char *path)
{
    const long flags = O_RDWR | O_CREAT | O_CLOEXEC | O_NOCTTY | WAOT_CALL_OPEN;
    return waot_posix_result(waot_posix_above_standard(waot_call_openat(AT_FDCWD, path, flags, 0666)));
}

int64_t waot_os_map_file(waot_os_handle handle, uint64_t size, uint8_t **bytes)
{
    long at = size > SIZE_MAX ? -ENOMEM : waot_call_map_file((long)handle, size);
    if (at < 0 && at >= -4095)
        return waot_posix_result(at);
    *bytes = (uint8_t *)at;
    return 0;
}
