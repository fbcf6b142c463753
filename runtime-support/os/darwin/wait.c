/* Waiting for a word of memory, of os.h. Where there is one thread nobody changes the word meanwhile, and nobody is to be
 * woken. */
#include "posix.h"
#include "threads.h"

void waot_os_wait(const uint32_t *word, uint32_t value, uint64_t timeout)
{
    if (WAOT_THREADS) {
        waot_darwin_sleep(word, value, timeout);
        return;
    }
    if (*word != value)
        return;
    struct timespec time = {(time_t)(timeout / 1000000000), (long)(timeout % 1000000000)};
    if (timeout == UINT64_MAX)
        time = (struct timespec){INT32_MAX, 0}; /* may return early */
    nanosleep(&time, NULL);
}

void waot_os_wake(const uint32_t *word)
{
    if (WAOT_THREADS)
        waot_darwin_wake(word);
}
