/* Runs a static x86-64 program of FreeBSD's on Linux: translator [-b] [-0 NAME] PROGRAM [ARGUMENT...]
 *
 * The process becomes the program; a second one, which it starts first, traces it (ptrace(2)). The tracer plays FreeBSD's
 * kernel: it enters the program as that does, and at each system call turns number, flags, structures and errors into
 * Linux's and back. What has no equivalent it does itself. Signals are delivered in FreeBSD's frame. With -b a page that
 * may not be touched is SIGBUS, as machdep.prot_fault_translation can have it.
 *
 * What FreeBSD would refuse or do differently and a program of waot's depends on is done as there: the brand of the file,
 * capability mode, registers that a call does not keep, errors that are told as values, names with slashes.
 * What a program of waot's does not do is not here: it ends the program with a message.
 */
#include "translator.h"

#include <elf.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* Whether FreeBSD's kernel would take the file for one of its own. */
static bool is_branded(const char *name)
{
    static unsigned char page[4096];
    int file = open(name, O_RDONLY | O_CLOEXEC);
    if (file < 0 || read(file, page, sizeof page) < (ssize_t)sizeof(Elf64_Ehdr)) {
        dprintf(2, "translator: %s: %s\n", name, strerror(errno));
        return false;
    }
    close(file);
    const Elf64_Ehdr *header = (const void *)page;
    const Elf64_Phdr *segment = (const void *)(page + header->e_phoff);
    bool branded = header->e_ident[EI_OSABI] == ELFOSABI_FREEBSD, noted = false, fits = header->e_phoff % 8 == 0;
    fits = fits && header->e_phentsize == sizeof *segment &&
           header->e_phoff + header->e_phnum * sizeof *segment <= sizeof page;
    for (int i = 0; fits && i < header->e_phnum; i++) {
        static const unsigned char note[20] = {8, 0, 0, 0, 4, 0, 0, 0, 1, 0, 0, 0, 'F', 'r', 'e', 'e', 'B', 'S', 'D'};
        if (segment[i].p_type == PT_NOTE && segment[i].p_offset + 24 <= sizeof page)
            noted |= memcmp(page + segment[i].p_offset, note, sizeof note) == 0;
        fits = segment[i].p_type != PT_INTERP;
    }
    bool ours = branded && noted && fits && header->e_machine == EM_X86_64;
    if (!ours)
        dprintf(2, "translator: %s is no static program of FreeBSD's on x86-64\n", name);
    return ours;
}

/* At the entry: registers and auxiliary vector as FreeBSD's kernel has them. */
static void on_entry(void)
{
    ptrace(PTRACE_GETREGS, thread, 0, &registers);
    const uint64_t stack = registers.rsp;
    uint64_t at = stack + 8, word, entry[2];
    for (int lists = 0; lists < 2; at += 8) { /* behind the arguments and the environment */
        if (!get(at, &word, 8))
            fail("the stack at the entry");
        lists += word == 0;
    }
    for (;; at += 16) {
        get(at, entry, sizeof entry);
        if (entry[0] == AT_NULL)
            break;
        if (entry[0] == AT_EXECFN)
            entry[0] = F_AT_EXECPATH;
        else if (entry[0] > 14)
            entry[0] = F_AT_IGNORE;
        put(at, entry, sizeof entry);
    }
    registers.rdi = stack;
    registers.rsp = ((stack - 8) & ~UINT64_C(15)) + 8;
    registers.rax = registers.rbx = registers.rbp = registers.rsi = registers.rdx = registers.rcx = 0;
    ptrace(PTRACE_SETREGS, thread, 0, &registers);
}

static void trace(void)
{
    bool entered = false, starting = false;
    pid_t stopped;
    for (int status; (stopped = waitpid(-1, &status, __WALL)) > 0;) {
        int number = WIFSTOPPED(status) ? WSTOPSIG(status) : 0, deliver = 0;
        if (!WIFSTOPPED(status)) {
            if (stopped == program)
                return;
            forget_thread(stopped);
            continue;
        }
        if (turn_to(stopped) && stopped != program) {
            on_new_thread();
        } else if (status >> 16 == PTRACE_EVENT_EXEC) {
            entered = starting = true; /* execve has not returned yet */
        } else if (status >> 16 == PTRACE_EVENT_CLONE) {
            /* The call goes on. */
        } else if (status >> 16 == PTRACE_EVENT_STOP) {
            if (number == SIGSTOP || number == SIGTSTP || number == SIGTTIN || number == SIGTTOU) {
                ptrace(PTRACE_LISTEN, thread, 0, 0);
                continue;
            }
        } else if (!entered) {
            deliver = number == (SIGTRAP | 0x80) ? 0 : number;
        } else if (number == (SIGTRAP | 0x80)) {
            if (starting)
                on_entry();
            else if (in_call)
                on_result();
            else
                on_call();
            in_call = !starting && !in_call;
            starting = false;
        } else {
            deliver = on_signal(number);
        }
        ptrace(entered ? PTRACE_SYSCALL : PTRACE_CONT, thread, 0, deliver);
    }
}

int main(int count, char **words)
{
    const char *name = NULL;
    int at = 1;
    for (; at < count && words[at][0] == '-'; at++) {
        if (strcmp(words[at], "-b") == 0)
            faults_are_bus = true;
        else if (strcmp(words[at], "-0") == 0 && at + 1 < count)
            name = words[++at];
        else
            return 125;
    }
    if (at >= count)
        return 125;
    const char *path = words[at];
    if (name != NULL)
        words[at] = (char *)name;
    for (int number = 1; number < 65; number++) { /* what is ignored from the start */
        struct sigaction action;
        if (sigaction(number, NULL, &action) == 0 && action.sa_handler == SIG_IGN)
            actions[number].handler = 1;
    }
    /* Without descriptors between the two: the limit on them may be anything. */
    volatile char *answer = mmap(NULL, 1, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (answer == MAP_FAILED)
        return 125;
    program = getpid();
    prctl(PR_SET_PTRACER, PR_SET_PTRACER_ANY, 0, 0, 0);
    pid_t between = fork();
    if (between == 0) { /* the tracer is nobody's child whom the program might wait for */
        if (fork() != 0)
            _exit(0);
        close(0), close(1);
        syscall(SYS_close_range, 3, ~0u, 0);
        const long options = PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACEEXEC | PTRACE_O_TRACECLONE | PTRACE_O_EXITKILL;
        sigset_t all;
        sigfillset(&all);
        sigprocmask(SIG_BLOCK, &all, NULL);
        setsid();
        bool traced = is_branded(path);
        if (traced && ptrace(PTRACE_SEIZE, program, 0, options) != 0) {
            dprintf(2, "translator: ptrace: %s\n", strerror(errno));
            traced = false;
        }
        *answer = traced ? 'y' : 'n';
        if (traced)
            trace();
        _exit(0);
    }
    waitpid(between, NULL, 0);
    while (*answer == 0)
        usleep(100);
    if (*answer == 'n')
        return 126;
    execv(path, words + at);
    dprintf(2, "translator: %s: %s\n", path, strerror(errno));
    return 127;
}
