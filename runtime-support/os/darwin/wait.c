/* Waiting for a word of memory, of os.h. Programs here have one thread: nobody changes the word meanwhile, and nobody is to
 * be woken. */
#include "posix.h"

void waot_os_wait(const uint32_t *word, uint32_t value, uint64_t timeout)
{
    if (*word != value)
        return;
    struct timespec time = {(time_t)(timeout / 1000000000), (long)(timeout % 1000000000)};
    if (timeout == UINT64_MAX)
        time = (struct timespec){INT32_MAX, 0}; /* may return early */
    nanosleep(&time, NULL);
}

void waot_os_wake(const uint32_t *word)
{
    (void)word;
}
