/* Memory for the shim, signals and the environment, of os.h. */
#include <signal.h>
#include <sys/mman.h>

#include "../../core/process.h"
#include "system.h"

enum { WAOT_LINUX_SIG_UNBLOCK = 1 };

/* struct sigaction as the kernel has it on every architecture that needs no restorer for SIG_DFL and SIG_IGN. */
struct waot_linux_action {
    void *handler;
    unsigned long flags;
    void *restorer;
    uint32_t mask[2];
};

int64_t waot_os_yield(void)
{
    return waot_linux_result(WAOT_LINUX_CALL(SYS_sched_yield, 0));
}

static long waot_linux_default_or_ignore(int signal, bool ignore)
{
    struct waot_linux_action action = {.handler = ignore ? (void *)1 : NULL}; /* SIG_IGN is 1, SIG_DFL is 0 */
    return WAOT_LINUX_CALL(SYS_rt_sigaction, signal, &action, NULL, sizeof action.mask);
}

void waot_os_ignore_write_signals(void)
{
    waot_linux_default_or_ignore(SIGPIPE, true);
    waot_linux_default_or_ignore(SIGXFSZ, true);
}

int64_t waot_os_raise(uint32_t signal)
{
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
        [WAOT_WASI_SIGNAL_POLL] = SIGPOLL,   [WAOT_WASI_SIGNAL_PWR] = SIGPWR,   [WAOT_WASI_SIGNAL_SYS] = SIGSYS,
    };
    int number = numbers[signal];
    waot_linux_default_or_ignore(number, false); /* our handlers of traps aside; fails for KILL and STOP, rightly */
    uint64_t mask = UINT64_C(1) << (number - 1);
    WAOT_LINUX_CALL(SYS_rt_sigprocmask, WAOT_LINUX_SIG_UNBLOCK, &mask, NULL, sizeof mask); /* inherited, maybe */
    long process = WAOT_LINUX_CALL(SYS_getpid, 0);
    return waot_linux_result(WAOT_LINUX_CALL(SYS_tgkill, process, WAOT_LINUX_CALL(SYS_gettid, 0), number));
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
