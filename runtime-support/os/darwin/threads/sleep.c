/* Waiting for a word of memory by what POSIX has: who waits stands in a list, found by a hash of the address, with a condition
 * of its own. What the kernel itself has for it (__ulock_wait) is no interface of macOS, and what is one is newer than the
 * systems that programs are for (os_sync_wait_on_address, macOS 14.4).
 */
#include "posix.h"
#include "../threads.h"

#include <pthread.h>

#define WAOT_SLEEP_LISTS 64u /* a power of two */

struct waot_sleeper {
    struct waot_sleeper *next;
    const uint32_t *word;
    bool woken;
    pthread_cond_t condition;
};

struct waot_sleep_list {
    pthread_mutex_t mutex;
    struct waot_sleeper *first; /* in the order in which they came */
};

#define WAOT_SLEEP_FOUR(list) list, list, list, list
#define WAOT_SLEEP_LIST {PTHREAD_MUTEX_INITIALIZER, NULL}
#define WAOT_SLEEP_SIXTEEN WAOT_SLEEP_FOUR(WAOT_SLEEP_FOUR(WAOT_SLEEP_LIST))
static struct waot_sleep_list waot_sleep_lists[] = {WAOT_SLEEP_FOUR(WAOT_SLEEP_SIXTEEN)};
_Static_assert(sizeof waot_sleep_lists == WAOT_SLEEP_LISTS * sizeof *waot_sleep_lists, "as many as the hash finds");

static struct waot_sleep_list *waot_sleep_list(const uint32_t *word)
{
    return &waot_sleep_lists[(uint32_t)((uintptr_t)word >> 2) * UINT32_C(0x9E3779B1) >> 8 & (WAOT_SLEEP_LISTS - 1)];
}

/* Takes `sleeper` out, where it still stands in the list. */
static void waot_sleep_take_out(struct waot_sleep_list *list, struct waot_sleeper *sleeper)
{
    for (struct waot_sleeper **place = &list->first; *place != NULL; place = &(*place)->next)
        if (*place == sleeper) {
            *place = sleeper->next;
            return;
        }
}

/* With the list locked. */
static void waot_sleep_until(struct waot_sleep_list *list, struct waot_sleeper *sleeper, uint64_t timeout)
{
    const uint64_t most = INT64_C(1000000000) * INT32_MAX;
    const struct waot_posix_time time = waot_posix_time(timeout < most ? timeout : most);
    long error = 0; /* both may come back for no reason */
    while (!sleeper->woken && error == 0) {
        if (timeout == UINT64_MAX)
            error = pthread_cond_wait(&sleeper->condition, &list->mutex);
        else
            error = pthread_cond_timedwait_relative_np(&sleeper->condition, &list->mutex, (const struct timespec *)&time);
    }
}

void waot_darwin_sleep(const uint32_t *word, uint32_t value, uint64_t timeout)
{
    struct waot_sleep_list *list = waot_sleep_list(word);
    pthread_mutex_lock(&list->mutex);
    if (__atomic_load_n(word, __ATOMIC_SEQ_CST) == value) {
        struct waot_sleeper sleeper = {NULL, word, false, PTHREAD_COND_INITIALIZER};
        struct waot_sleeper **end = &list->first;
        while (*end != NULL)
            end = &(*end)->next;
        *end = &sleeper;
        waot_sleep_until(list, &sleeper, timeout);
        waot_sleep_take_out(list, &sleeper);
        pthread_cond_destroy(&sleeper.condition);
    }
    pthread_mutex_unlock(&list->mutex);
}

void waot_darwin_wake(const uint32_t *word)
{
    struct waot_sleep_list *list = waot_sleep_list(word);
    pthread_mutex_lock(&list->mutex);
    struct waot_sleeper *sleeper = list->first;
    while (sleeper != NULL && (sleeper->word != word || sleeper->woken))
        sleeper = sleeper->next;
    if (sleeper != NULL) {
        sleeper->woken = true;
        pthread_cond_signal(&sleeper->condition); /* it is there until the list is free again */
    }
    pthread_mutex_unlock(&list->mutex);
}
