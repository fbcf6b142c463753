/* Threads of a macOS program, on Linux. The errors of these functions are results, and Darwin's numbers. */
#include "darwin.h"
#include "loader.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

enum { DARWIN_EAGAIN = 35, DARWIN_ETIMEDOUT = 60 };

static long futex(uint32_t *word, int operation, uint32_t value, const struct timespec *time)
{
    return syscall(SYS_futex, word, operation | FUTEX_PRIVATE_FLAG, value, time, NULL, 0) < 0 ? -errno : 0;
}

/* ---------------------------------------------------------------- mutexes and conditions */

static void check_mutex(const struct darwin_mutex *mutex)
{
    if (mutex->signature != DARWIN_MUTEX)
        fail("a mutex that nobody has initialised");
}

static void check_condition(const struct darwin_condition *condition)
{
    if (condition->signature != DARWIN_CONDITION)
        fail("a condition that nobody has initialised");
}

/* Its word: 0 free, 1 taken, 2 taken and somebody may sleep. */
int darwin_pthread_mutex_lock(struct darwin_mutex *mutex)
{
    check_mutex(mutex);
    uint32_t seen = 0;
    if (__atomic_compare_exchange_n(&mutex->word, &seen, 1, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
        return 0;
    while (__atomic_exchange_n(&mutex->word, 2, __ATOMIC_SEQ_CST))
        futex(&mutex->word, FUTEX_WAIT, 2, NULL);
    return 0;
}

int darwin_pthread_mutex_unlock(struct darwin_mutex *mutex)
{
    check_mutex(mutex);
    uint32_t before = __atomic_exchange_n(&mutex->word, 0, __ATOMIC_SEQ_CST);
    if (before == 0)
        fail("a mutex is unlocked that nobody has locked");
    if (before == 2)
        futex(&mutex->word, FUTEX_WAKE, 1, NULL);
    return 0;
}

/* Its word counts signals. */
static int sleep_on(struct darwin_condition *condition, struct darwin_mutex *mutex, const struct timespec *time)
{
    check_condition(condition);
    uint32_t seen = __atomic_load_n(&condition->word, __ATOMIC_SEQ_CST);
    darwin_pthread_mutex_unlock(mutex);
    long error = futex(&condition->word, FUTEX_WAIT, seen, time);
    darwin_pthread_mutex_lock(mutex);
    return error == -ETIMEDOUT ? DARWIN_ETIMEDOUT : 0;
}

int darwin_pthread_cond_wait(struct darwin_condition *condition, struct darwin_mutex *mutex)
{
    return sleep_on(condition, mutex, NULL);
}

int darwin_pthread_cond_timedwait(struct darwin_condition *condition, struct darwin_mutex *mutex, const int64_t time[2])
{
    if (time[0] < 0 || time[0] > INT32_MAX || time[1] < 0 || time[1] > 999999999)
        fail("a condition is waited for until a time that is none");
    const struct timespec to = {time[0], time[1]};
    return sleep_on(condition, mutex, &to);
}

int darwin_pthread_cond_signal(struct darwin_condition *condition)
{
    check_condition(condition);
    __atomic_fetch_add(&condition->word, 1, __ATOMIC_SEQ_CST);
    futex(&condition->word, FUTEX_WAKE, 1, NULL);
    return 0;
}

int darwin_pthread_cond_destroy(struct darwin_condition *condition)
{
    check_condition(condition);
    condition->signature = 0;
    return 0;
}

/* ---------------------------------------------------------------- threads and what each has of its own */

int darwin_pthread_create(void **thread, const void *attributes, void *(*function)(void *), void *argument)
{
    pthread_t made;
    if (attributes)
        fail("a thread is made with attributes");
    int error = pthread_create(&made, NULL, function, argument);
    *thread = (void *)made;
    return error ? DARWIN_EAGAIN : 0;
}

int darwin_pthread_detach(void *thread)
{
    return pthread_detach((pthread_t)thread) ? 3 : 0; /* ESRCH */
}

void *darwin_pthread_self(void)
{
    return (void *)pthread_self();
}

int darwin_pthread_key_create(uint64_t *key, void (*destructor)(void *))
{
    pthread_key_t made;
    if (pthread_key_create(&made, destructor))
        return DARWIN_EAGAIN;
    *key = made;
    return 0;
}

int darwin_pthread_setspecific(uint64_t key, const void *value)
{
    return pthread_setspecific((pthread_key_t)key, value) ? 22 : 0; /* EINVAL */
}

void *darwin_pthread_getspecific(uint64_t key)
{
    return pthread_getspecific((pthread_key_t)key);
}
