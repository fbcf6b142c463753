/* Shared by the files of the loader: it executes a Mach-O program of ours on Linux, to test it. */
#ifndef LOADER_H
#define LOADER_H

#include <stdint.h>

#if defined(__aarch64__)
enum { PAGE = 16384 };
#else
enum { PAGE = 4096 };
#endif

/* Says on standard error what is wrong, and ends with status 97. */
_Noreturn void fail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* calls.c: what a name of libSystem's stands for, or null. */
void *find_import(const char *name);
/* calls.c: Linux's error as Darwin's, in Darwin's errno; gives -1. */
long failed(int error);

/* signals.c */
struct darwin_sigaction;
struct darwin_stack;
int darwin_sigaction(int number, const struct darwin_sigaction *action, struct darwin_sigaction *old);
int darwin_sigaltstack(const struct darwin_stack *stack, struct darwin_stack *old);
int darwin_sigprocmask(int how, const uint32_t *set, uint32_t *old);
int darwin_kill(int process, int number);
int darwin_pthread_kill(void *thread, int number);

/* threads.c */
struct darwin_mutex;
struct darwin_condition;
int darwin_pthread_mutex_lock(struct darwin_mutex *mutex);
int darwin_pthread_mutex_unlock(struct darwin_mutex *mutex);
int darwin_pthread_cond_wait(struct darwin_condition *condition, struct darwin_mutex *mutex);
int darwin_pthread_cond_timedwait(struct darwin_condition *condition, struct darwin_mutex *mutex,
                                  const int64_t time[2]);
int darwin_pthread_cond_signal(struct darwin_condition *condition);
int darwin_pthread_cond_destroy(struct darwin_condition *condition);
int darwin_pthread_create(void **thread, const void *attributes, void *(*function)(void *), void *argument);
int darwin_pthread_detach(void *thread);
int darwin_pthread_key_create(uint64_t *key, void (*destructor)(void *));
void *darwin_pthread_self(void);
int darwin_pthread_setspecific(uint64_t key, const void *value);
void *darwin_pthread_getspecific(uint64_t key);

/* sha256.c */
void sha256(const uint8_t *data, uint64_t size, uint8_t digest[32]);

#endif
