/* What the files of the translator know of each other; what it does says main.c. */
#ifndef TRANSLATOR_H
#define TRANSLATOR_H

#include <errno.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/types.h>
#include <sys/user.h>
#include <unistd.h>

#include "../abi.h"

/* ---------------------------------------------------------------- program.c */

#define RED_ZONE 128

extern pid_t program; /* the process */
extern bool faults_are_bus, confined;

/* Ends the program, and this process. */
void fail(const char *format, ...);

bool get(uint64_t from, void *to, size_t size);
bool put(uint64_t to, const void *from, size_t size);
/* A path or a name; 0 or minus one of FreeBSD's errors. */
long get_text(uint64_t from, char to[4096]);

/* At a system call. */
extern struct user_regs_struct registers;
extern uint64_t arguments[6];
/* At the end of the call: what is to be made of its result, or the result if we did it ourselves. */
extern long (*finish)(long result);
extern bool done_here;
extern long done_with;
extern bool error_is_value;

/* Make the call another one, one of another number, or one that is done with this result. */
void become(long number, uint64_t a, uint64_t b, uint64_t c, uint64_t d, uint64_t e, uint64_t f);
void renumber(long number);
void become_done(long result);
/* Where the kernel finds what we write for it: room below the program's stack. */
uint64_t placed(const void *data, size_t size);

/* ---------------------------------------------------------------- values.c */

extern const uint8_t signals[65];        /* FreeBSD's number by Linux's */
extern const uint8_t linux_signals[129]; /* and the other way round */

/* A result of Linux's, and of a call that was made here, as one of FreeBSD's, minus its error. */
long result_of(long result);
long own_result(long result);

uint64_t signal_set(const struct f_sigset *from);

struct pair {
    uint64_t theirs, ours;
};

/* `what` is what they are of: others end the program. Lists of flags end with 0, those of values with UINT64_MAX. */
uint64_t map_flags(const char *what, uint64_t from, const struct pair *pairs);
uint64_t map_value(const char *what, uint64_t from, const struct pair *pairs);

extern const struct pair open_flags[];
int freebsd_status(long flags);

/* ---------------------------------------------------------------- files.c */

/* Of calls that have no flag to stay beneath a directory: waot gives them plain names. */
void check_name(uint64_t directory, uint64_t path);

long opened(long result);
long got_stat(long result);
struct timespec;
void get_times(uint64_t from, struct timespec to[2]);
void do_openat(void);
void do_fstatat(void);
void do_utimensat(void);
void do_getdirentries(void);

/* ---------------------------------------------------------------- descriptors.c */

extern const struct pair families[], socket_flags[];

void do_fcntl(void);
void do_mmap(void);
void do_ioctl(void);
void do_ppoll(void);
void do_option(long number);
void do_bind(void);
void do_message(long number);
extern uint64_t message_at; /* from recvmsg's beginning to its end */

/* ---------------------------------------------------------------- threads.c */

extern pid_t thread; /* the one that has stopped, and whether it was in a call */
extern bool in_call;

/* Makes `thread` this one, with all that is known of it; tells whether that is nothing. */
bool turn_to(pid_t number);
/* It has ended. */
void forget_thread(pid_t number);
/* At the first stop of one that thr_new has made. */
void on_new_thread(void);

void do_thr_new(void);
void do_thr_exit(void);
void do_thr_self(void);
void do_thr_kill(void);
void do_sysarch(void);

/* ---------------------------------------------------------------- signals.c */

extern struct f_sigaction actions[65]; /* by Linux's number */
extern struct f_stack signal_stack; /* each thread has its own */

void do_sigaction(void);
void do_sigprocmask(void);
/* What to go on with: the signal for the kernel to deliver, or none. */
int on_signal(int number);

/* ---------------------------------------------------------------- calls.c */

void on_call(void);
void on_result(void);

#endif
