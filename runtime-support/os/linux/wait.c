/* Waiting for a word of memory, of os.h: futex(2). */
#include "posix.h"

enum { WAOT_LINUX_FUTEX_WAIT_PRIVATE = 128, WAOT_LINUX_FUTEX_WAKE_PRIVATE = 129 };

void waot_os_wait(const uint32_t *word, uint32_t value, uint64_t timeout)
{
    const struct waot_posix_time time = waot_posix_time(timeout);
    waot_linux_futex(word, WAOT_LINUX_FUTEX_WAIT_PRIVATE, value, timeout == UINT64_MAX ? NULL : &time);
}

void waot_os_wake(const uint32_t *word)
{
    waot_linux_futex(word, WAOT_LINUX_FUTEX_WAKE_PRIVATE, 1, NULL);
}
