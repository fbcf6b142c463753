/* The MVP alone, unoptimised: every local lives in linear memory, conversions are guarded, copies are loops. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct list {
    struct list *next;
    int value;
};

static struct list *push(struct list *rest, int value) {
    struct list *node = malloc(sizeof *node);
    node->next = rest;
    node->value = value;
    return node;
}

static struct list *reverse(struct list *list) {
    struct list *result = NULL;
    while (list) {
        struct list *next = list->next;
        list->next = result;
        result = list;
        list = next;
    }
    return result;
}

static int collatz(uint64_t n) {
    int steps = 0;
    while (n != 1) {
        n = n % 2 ? 3 * n + 1 : n / 2;
        steps++;
    }
    return steps;
}

int main(void) {
    struct list *list = NULL;
    for (int i = 0; i < 1000; i++)
        list = push(list, i * i % 1009);
    list = reverse(list);
    uint32_t hash = 0;
    for (struct list *node = list; node; node = node->next)
        hash = hash * 31 + (uint32_t)node->value;
    printf("list %u\n", hash);
    int best = 0, at = 0;
    for (int i = 1; i < 20000; i++) {
        int steps = collatz((uint64_t)i);
        if (steps > best) {
            best = steps;
            at = i;
        }
    }
    printf("collatz %d at %d\n", best, at);
    char sieve[10000];
    memset(sieve, 1, sizeof sieve);
    int primes = 0;
    for (int i = 2; i < 10000; i++)
        if (sieve[i]) {
            primes++;
            for (int j = i * 2; j < 10000; j += i)
                sieve[j] = 0;
        }
    printf("primes %d\n", primes);
    volatile double huge = 1e20, negative = -1e20, fine = -77.7;
    printf("%d %d %d\n", (int)huge == (int)negative, (int)fine, (int8_t)(int)(fine * 3));
    double x = 2;
    for (int i = 0; i < 20; i++)
        x = (x + 2 / x) / 2;
    printf("%.15f\n", x);
    return 0;
}
