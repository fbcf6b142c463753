/* Threads: what is known of each between its stops, and the calls that begin and end them. */
#include "translator.h"

#include <sched.h>
#include <stdlib.h>
#include <sys/ptrace.h>
#include <sys/syscall.h>

pid_t thread;
bool in_call;

static struct state {
    pid_t number;
    bool in_call;
    uint64_t arguments[6];
    long (*finish)(long result);
    bool done_here;
    long done_with;
    bool error_is_value;
    uint64_t message_at;
    struct f_stack signal_stack;
} *states;
static size_t count, room;

static struct state *find_state(pid_t number)
{
    for (size_t i = 0; i < count; i++)
        if (states[i].number == number)
            return &states[i];
    return NULL;
}

bool turn_to(pid_t number)
{
    struct state *from = find_state(thread);
    if (thread == number && from != NULL)
        return false;
    if (from != NULL) {
        *from = (struct state){thread,    in_call,        {0},        finish,      done_here,
                               done_with, error_is_value, message_at, signal_stack};
        memcpy(from->arguments, arguments, sizeof arguments);
    }
    const struct state *to = find_state(number);
    if (to == NULL && count == room) {
        room = 2 * room + 16;
        states = realloc(states, room * sizeof *states);
        if (states == NULL)
            fail("no memory for what is known of threads");
    }
    bool is_new = to == NULL;
    if (is_new) {
        states[count] = (struct state){.number = number};
        to = &states[count++];
    }
    thread = number;
    in_call = to->in_call;
    memcpy(arguments, to->arguments, sizeof arguments);
    finish = to->finish;
    done_here = to->done_here;
    done_with = to->done_with;
    error_is_value = to->error_is_value;
    message_at = to->message_at;
    signal_stack = to->signal_stack;
    return is_new;
}

void forget_thread(pid_t number)
{
    struct state *state = find_state(number);
    if (state != NULL)
        *state = states[--count];
    if (thread == number)
        thread = 0;
}

static long began(long result)
{
    if (result == -EAGAIN) /* there are too many */
        return -F_EPROCLIM;
    return result < 0 ? result_of(result) : 0;
}

void do_thr_new(void)
{
    struct f_thr_param from;
    if (arguments[1] != sizeof from || !get(arguments[0], &from, sizeof from))
        fail("thr_new's parameters");
    if (from.child_tid != 0 || from.parent_tid != 0 || from.flags != 0 || from.rtp != 0)
        fail("thr_new with more than a function, a stack and variables");
    const uint64_t flags =
        CLONE_VM | CLONE_FS | CLONE_FILES | CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | CLONE_SETTLS;
    const uint64_t stack = (from.stack_base + from.stack_size) & ~UINT64_C(15);
    /* The new thread finds in rdx and r10 what its parent has there; the kernel does not look at them. */
    become(SYS_clone, flags, stack, from.arg, from.start_func, from.tls_base, 0);
    finish = began;
}

/* As cpu_set_upcall() has it: a function that was called, and has no caller. */
void on_new_thread(void)
{
    ptrace(PTRACE_GETREGS, thread, 0, &registers);
    const uint64_t nobody = 0;
    registers.rip = registers.r10;
    registers.rdi = registers.rdx;
    registers.rsp -= 8;
    registers.rbp = 0;
    registers.orig_rax = UINT64_MAX;
    if (!put(registers.rsp, &nobody, sizeof nobody))
        fail("a thread without a stack");
    ptrace(PTRACE_SETREGS, thread, 0, &registers);
}

void do_thr_exit(void)
{
    if (arguments[0] != 0)
        fail("thr_exit with somebody to tell");
    become(SYS_exit, 0, 0, 0, 0, 0, 0);
}

void do_thr_self(void)
{
    const int64_t number = thread;
    become_done(put(arguments[0], &number, sizeof number) ? 0 : -F_EFAULT);
}

void do_thr_kill(void)
{
    const int number = arguments[1] < 129 ? linux_signals[arguments[1]] : 0;
    become(SYS_tgkill, (uint64_t)program, arguments[0], (uint64_t)number, 0, 0, 0);
}

void do_sysarch(void)
{
    uint64_t base = 0;
    if (arguments[0] != F_AMD64_SET_FSBASE || !get(arguments[1], &base, sizeof base))
        fail("sysarch %ld", arguments[0]);
    become(SYS_arch_prctl, 0x1002, base, 0, 0, 0, 0); /* ARCH_SET_FS */
}
