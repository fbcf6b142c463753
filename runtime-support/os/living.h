/* For the file of a system that starts threads: the numbers of those that live, and which one ends the program. */
#ifndef WAOT_LIVING_H
#define WAOT_LIVING_H

#include "../core/lock.h"
#include "../core/process.h"

/* One of those that thread-spawn has made; the first member of what the system keeps of it. */
struct waot_living {
    struct waot_living *next, *before;
    uint32_t number;
};

static struct {
    uint32_t lock;
    uint32_t last; /* number given */
    bool again;    /* they have all been given once */
    struct waot_living *first;
} waot_living;

static bool waot_number_is_taken(uint32_t number)
{
    for (const struct waot_living *thread = waot_living.first; thread != NULL; thread = thread->next)
        if (thread->number == number)
            return true;
    return false;
}

/* Gives it a number that no other has and enters it among the living. */
static void waot_enter_thread(struct waot_living *thread)
{
    waot_lock(&waot_living.lock);
    uint32_t number = waot_living.last;
    do {
        waot_living.again |= number == WAOT_OS_MOST_THREADS;
        number = number == WAOT_OS_MOST_THREADS ? 1 : number + 1;
    } while (waot_living.again && waot_number_is_taken(number));
    waot_living.last = thread->number = number;
    thread->before = NULL;
    thread->next = waot_living.first;
    if (thread->next != NULL)
        thread->next->before = thread;
    waot_living.first = thread;
    waot_unlock(&waot_living.lock);
}

static void waot_forget_thread(const struct waot_living *thread)
{
    waot_lock(&waot_living.lock);
    if (thread->before != NULL)
        thread->before->next = thread->next;
    else
        waot_living.first = thread->next;
    if (thread->next != NULL)
        thread->next->before = thread->before;
    waot_unlock(&waot_living.lock);
}

void waot_end_program(void)
{
    static const void *ends; /* the stack of the thread that does */
    static const uint32_t never;
    const void *nobody = NULL, *self = &waot_stack;
    if (!__atomic_compare_exchange_n(&ends, &nobody, self, 0, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST) && nobody != self)
        for (;;)
            waot_os_wait(&never, 0, UINT64_MAX);
}

#endif
