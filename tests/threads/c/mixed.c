/* Atomic access of several widths to the same eight bytes: none is lost, whatever the others do. */
#include "threads.h"

enum { ROUNDS = 2000000 };
static union {
    _Atomic uint64_t whole;
    _Atomic uint32_t half[2];
    _Atomic uint16_t quarter[4];
    _Atomic uint8_t byte[8];
} word;
static _Atomic uint32_t ready;
static uint32_t torn;

static void meet(void)
{
    atomic_fetch_add(&ready, 1);
    while (atomic_load(&ready) < 6)
        ;
}

/* The lowest 24 bits, by the whole. */
static void add_to_all(void *argument)
{
    (void)argument;
    meet();
    for (int i = 0; i < ROUNDS; i++)
        atomic_fetch_add(&word.whole, 1);
}

static void exchange_all(void *argument)
{
    (void)argument;
    meet();
    for (int i = 0; i < ROUNDS; i++) {
        uint64_t seen = atomic_load(&word.whole);
        while (!atomic_compare_exchange_weak(&word.whole, &seen, seen + 1))
            ;
    }
}

/* The 16 bits above 32. */
static void add_to_quarter(void *argument)
{
    (void)argument;
    meet();
    for (int i = 0; i < ROUNDS; i++)
        atomic_fetch_add(&word.quarter[2], 1);
}

/* The 8 bits above 48, round and round: what is above does not notice. */
static void exchange_half(void *argument)
{
    (void)argument;
    meet();
    for (int i = 0; i < ROUNDS; i++) {
        uint32_t seen = atomic_load(&word.half[1]);
        while (!atomic_compare_exchange_weak(&word.half[1], &seen, (seen & 0xff00ffffu) | ((seen + 0x10000u) & 0xff0000u)))
            ;
    }
}

/* The highest 8 bits, by plain stores, each of which must stay until the next. */
static void store_byte(void *argument)
{
    (void)argument;
    meet();
    for (int i = 0; i < ROUNDS; i++) {
        atomic_store(&word.byte[7], (uint8_t)i);
        torn += atomic_load(&word.byte[7]) != (uint8_t)i;
        torn += (uint8_t)(atomic_load(&word.whole) >> 56) != (uint8_t)i;
    }
}

/* The 8 bits above 24. */
static void flip_byte(void *argument)
{
    (void)argument;
    meet();
    for (int i = 0; i < ROUNDS + 1; i++)
        atomic_fetch_xor(&word.byte[3], 0x5a);
}

int main(void)
{
    void (*const all[])(void *) = {add_to_all, exchange_all, add_to_quarter, exchange_half, store_byte, flip_byte};
    for (int i = 0; i < 6; i++)
        must_start(&threads[i], all[i], NULL);
    for (int i = 0; i < 6; i++)
        join(&threads[i]);
    printf("%016llx, torn %u\n", (unsigned long long)atomic_load(&word.whole), torn);
    return 0;
}
