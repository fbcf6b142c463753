/* Signals, the environment and giving way, of os.h. */
#include "posix.h"

#include "../../core/process.h"

int64_t waot_os_yield(void)
{
    return waot_posix_result(waot_call_sched_yield());
}

/* Not inline: what the kernel takes is made in many bytes. */
__attribute__((noinline)) void waot_posix_handle(int signal, waot_posix_handler *handler)
{
    waot_call_sigaction(signal, handler);
}

void waot_os_ignore_write_signals(void)
{
    waot_posix_handle(SIGPIPE, WAOT_POSIX_IGNORE);
    waot_posix_handle(SIGXFSZ, WAOT_POSIX_IGNORE);
}

int64_t waot_os_raise(uint32_t signal)
{
    /* SIGPOLL is SIGIO on systems that have both, and others have it under that name only. */
    static const uint8_t numbers[WAOT_WASI_SIGNAL_COUNT] = {
        [WAOT_WASI_SIGNAL_HUP] = SIGHUP,     [WAOT_WASI_SIGNAL_INT] = SIGINT,   [WAOT_WASI_SIGNAL_QUIT] = SIGQUIT,
        [WAOT_WASI_SIGNAL_ILL] = SIGILL,     [WAOT_WASI_SIGNAL_TRAP] = SIGTRAP, [WAOT_WASI_SIGNAL_ABRT] = SIGABRT,
        [WAOT_WASI_SIGNAL_BUS] = SIGBUS,     [WAOT_WASI_SIGNAL_FPE] = SIGFPE,   [WAOT_WASI_SIGNAL_KILL] = SIGKILL,
        [WAOT_WASI_SIGNAL_USR1] = SIGUSR1,   [WAOT_WASI_SIGNAL_SEGV] = SIGSEGV, [WAOT_WASI_SIGNAL_USR2] = SIGUSR2,
        [WAOT_WASI_SIGNAL_PIPE] = SIGPIPE,   [WAOT_WASI_SIGNAL_ALRM] = SIGALRM, [WAOT_WASI_SIGNAL_TERM] = SIGTERM,
        [WAOT_WASI_SIGNAL_CHLD] = SIGCHLD,   [WAOT_WASI_SIGNAL_CONT] = SIGCONT, [WAOT_WASI_SIGNAL_STOP] = SIGSTOP,
        [WAOT_WASI_SIGNAL_TSTP] = SIGTSTP,   [WAOT_WASI_SIGNAL_TTIN] = SIGTTIN, [WAOT_WASI_SIGNAL_TTOU] = SIGTTOU,
        [WAOT_WASI_SIGNAL_URG] = SIGURG,     [WAOT_WASI_SIGNAL_XCPU] = SIGXCPU, [WAOT_WASI_SIGNAL_XFSZ] = SIGXFSZ,
        [WAOT_WASI_SIGNAL_VTALRM] = SIGVTALRM, [WAOT_WASI_SIGNAL_PROF] = SIGPROF, [WAOT_WASI_SIGNAL_WINCH] = SIGWINCH,
        [WAOT_WASI_SIGNAL_POLL] = SIGIO,     [WAOT_WASI_SIGNAL_PWR] = WAOT_CALL_PWR, [WAOT_WASI_SIGNAL_SYS] = SIGSYS,
    };
    int number = numbers[signal];
    if (number == 0)
        return signal == 0 ? 0 : -WAOT_WASI_NOTSUP;
    waot_posix_handle(number, WAOT_POSIX_DEFAULT); /* our handlers of traps aside; fails for KILL and STOP, rightly */
    waot_call_unblock(UINT32_C(1) << (number - 1)); /* inherited, maybe */
    return waot_posix_result(waot_call_raise(number));
}

const char *waot_os_variable(const char *name, size_t name_size)
{
    for (char **variable = waot_process.envp; *variable != NULL; variable++) {
        size_t same = 0;
        while (same < name_size && (*variable)[same] == name[same])
            same++;
        if (same == name_size && (*variable)[same] == '=')
            return *variable + same + 1;
    }
    return NULL;
}
