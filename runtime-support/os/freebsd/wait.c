/* Waiting for a word of memory, of os.h: _umtx_op(2). */
#include "posix.h"

#include <sys/umtx.h>

void waot_os_wait(const uint32_t *word, uint32_t value, uint64_t timeout)
{
    const struct waot_posix_time time = waot_posix_time(timeout);
    bool ends = timeout != UINT64_MAX;
    WAOT_CALL(SYS__umtx_op, word, UMTX_OP_WAIT_UINT_PRIVATE, value, ends ? sizeof time : 0, ends ? &time : NULL);
}

void waot_os_wake(const uint32_t *word)
{
    WAOT_CALL(SYS__umtx_op, word, UMTX_OP_WAKE_PRIVATE, 1, NULL, NULL);
}
