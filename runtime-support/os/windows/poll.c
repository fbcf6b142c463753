/* Waiting, of os.h.
 *
 * Windows signals neither what a pipe holds nor what can be written to one, so what is waited for is looked at again and
 * again, at first each millisecond and then each hundredth of a second. */
#include "system.h"

#define WAOT_WINDOWS_FIRST_NAP UINT64_C(1000000)
#define WAOT_WINDOWS_LONGEST_NAP UINT64_C(10000000)

static void waot_windows_look(struct waot_os_poll *poll)
{
    struct waot_windows_file *file = waot_windows_find(poll->handle);
    poll->ready = poll->hangup = false;
    poll->invalid = file == NULL;
    poll->bytes = 0;
    if (file == NULL)
        return;
    if (file->kind == WAOT_WINDOWS_PIPE && !poll->write) {
        DWORD available = 0;
        if (!PeekNamedPipe(file->handle, NULL, 0, NULL, &available, NULL))
            poll->ready = poll->hangup = true;
        poll->ready |= available > 0;
        poll->bytes = available;
    } else if (file->kind == WAOT_WINDOWS_PIPE) {
        struct waot_nt_result result;
        struct waot_nt_pipe pipe;
        poll->ready = NtQueryInformationFile(file->handle, &result, &pipe, sizeof pipe, WAOT_NT_PIPE_LOCAL) < 0 ||
                      pipe.writable > 0;
    } else if (file->kind == WAOT_WINDOWS_SOCKET) {
        waot_windows_state.sockets->look(file, poll);
    } else if (file->kind == WAOT_WINDOWS_CONSOLE && !poll->write) {
        poll->ready = waot_windows_console_ready(file);
    } else {
        poll->ready = true;
    }
}

void waot_windows_sleep(uint64_t ns)
{
    const uint64_t most = INT64_MAX / 2;
    int64_t time = -(int64_t)(((ns < most ? ns : most) + 99) / 100); /* negative: from now on */
    NtDelayExecution(FALSE, &time);
}

int64_t waot_os_poll(struct waot_os_poll *polls, size_t count, uint64_t timeout)
{
    uint64_t nap = WAOT_WINDOWS_FIRST_NAP;
    int64_t start = waot_os_clock(WAOT_WASI_CLOCK_MONOTONIC);
    for (;;) {
        int64_t ready = 0;
        size_t handles = 0;
        for (size_t i = 0; i < count; i++) {
            if (polls[i].handle < 0)
                continue;
            handles++;
            waot_windows_look(&polls[i]);
            ready += polls[i].ready || polls[i].invalid;
        }
        uint64_t passed = (uint64_t)(waot_os_clock(WAOT_WASI_CLOCK_MONOTONIC) - start);
        if (ready > 0 || (timeout != UINT64_MAX && passed >= timeout))
            return ready;
        uint64_t left = timeout == UINT64_MAX ? UINT64_MAX : timeout - passed;
        if (handles > 0 && waot_windows_state.sockets != NULL)
            waot_windows_state.sockets->sleep(polls, count, left, left < nap ? left : nap);
        else
            waot_windows_sleep(handles == 0 || left < nap ? left : nap);
        nap = 2 * nap < WAOT_WINDOWS_LONGEST_NAP ? 2 * nap : WAOT_WINDOWS_LONGEST_NAP;
    }
}

void waot_os_wait(const uint32_t *word, uint32_t value, uint64_t timeout)
{
    int64_t time = timeout > INT64_MAX ? INT64_MIN + 1 : -(int64_t)((timeout + 99) / 100);
    RtlWaitOnAddress(word, &value, sizeof value, timeout == UINT64_MAX ? NULL : &time);
}

void waot_os_wake(const uint32_t *word)
{
    RtlWakeAddressSingle(word);
}
