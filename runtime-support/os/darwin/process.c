/* Signals, the environment and giving way, of os.h. */
#include <sched.h>
#include <signal.h>

#include "../../core/process.h"
#include "system.h"

int64_t waot_os_yield(void)
{
    return waot_darwin_result(WAOT_DARWIN_CALL(sched_yield()));
}

static long waot_darwin_default_or_ignore(int signal, bool ignore)
{
    struct sigaction action = {0};
    action.sa_handler = ignore ? SIG_IGN : SIG_DFL;
    return WAOT_DARWIN_CALL(sigaction(signal, &action, NULL));
}

void waot_os_ignore_write_signals(void)
{
    waot_darwin_default_or_ignore(SIGPIPE, true);
    waot_darwin_default_or_ignore(SIGXFSZ, true);
}

int64_t waot_os_raise(uint32_t signal)
{
    /* Darwin has no SIGPWR and calls SIGPOLL SIGIO. */
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
        [WAOT_WASI_SIGNAL_POLL] = SIGIO,     [WAOT_WASI_SIGNAL_SYS] = SIGSYS,
    };
    int number = numbers[signal];
    if (number == 0)
        return signal == 0 ? 0 : -WAOT_WASI_NOTSUP;
    waot_darwin_default_or_ignore(number, false); /* our handlers of traps aside; fails for KILL and STOP, rightly */
    sigset_t mask = (sigset_t)1 << (number - 1);
    sigprocmask(SIG_UNBLOCK, &mask, NULL); /* inherited, maybe */
    return waot_darwin_result(WAOT_DARWIN_CALL(kill(getpid(), number)));
}

void waot_os_confine(const void *filters, size_t size, uint32_t grants, bool required)
{
    /* Builds for macOS have no filters: what Darwin has of the kind, sandbox_init(3), is not for new programs. */
    (void)filters, (void)size, (void)grants, (void)required;
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
