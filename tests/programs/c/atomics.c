/* C11 atomics in one thread: what they compute at every width, and locks and queues made of them. */
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#define APART __attribute__((noinline))

#define OPERATIONS(type, name, format)                                                                                 \
    APART static void name(_Atomic type *a, type x, type y) {                                                          \
        type results[8];                                                                                               \
        atomic_store(a, x);                                                                                            \
        results[0] = atomic_fetch_add(a, y);                                                                           \
        results[1] = atomic_fetch_sub(a, (type)(y * 3));                                                               \
        results[2] = atomic_fetch_or_explicit(a, (type)(x ^ y), memory_order_relaxed);                                 \
        results[3] = atomic_fetch_and_explicit(a, (type)~y, memory_order_acquire);                                     \
        results[4] = atomic_fetch_xor_explicit(a, x, memory_order_release);                                            \
        results[5] = atomic_exchange(a, y);                                                                            \
        type wrong = (type)(y + 1);                                                                                    \
        bool first = atomic_compare_exchange_strong(a, &wrong, x);                                                     \
        results[6] = wrong;                                                                                            \
        bool second = atomic_compare_exchange_strong(a, &wrong, x);                                                    \
        results[7] = atomic_load(a);                                                                                   \
        printf(#name ":");                                                                                             \
        for (int i = 0; i < 8; i++)                                                                                    \
            printf(" " format, results[i]);                                                                            \
        printf(" %d%d\n", first, second);                                                                              \
    }
OPERATIONS(int8_t, signed8, "%d")
OPERATIONS(uint8_t, unsigned8, "%u")
OPERATIONS(int16_t, signed16, "%d")
OPERATIONS(uint16_t, unsigned16, "%u")
OPERATIONS(int32_t, signed32, "%d")
OPERATIONS(uint32_t, unsigned32, "%u")
OPERATIONS(long long, signed64, "%lld")
OPERATIONS(unsigned long long, unsigned64, "%llu")

/* Neighbours must stay as they are. */
static struct {
    uint8_t before8;
    _Atomic uint8_t in8;
    uint8_t after8[2];
    uint16_t before16;
    _Atomic uint16_t in16;
    uint32_t after16;
} neighbours = {0x11, 0, {0x22, 0x33}, 0x4444, 0, 0x55555555};

/* A queue without locks, a stack of nodes, a spin lock, and a counter. */
enum { SIZE = 64 };
static struct {
    _Atomic uint32_t head, tail;
    uint64_t items[SIZE];
} queue;
static bool put(uint64_t item) {
    uint32_t tail = atomic_load_explicit(&queue.tail, memory_order_relaxed);
    if (tail - atomic_load_explicit(&queue.head, memory_order_acquire) == SIZE)
        return false;
    queue.items[tail % SIZE] = item;
    atomic_store_explicit(&queue.tail, tail + 1, memory_order_release);
    return true;
}
static bool take(uint64_t *item) {
    uint32_t head = atomic_load_explicit(&queue.head, memory_order_relaxed);
    if (head == atomic_load_explicit(&queue.tail, memory_order_acquire))
        return false;
    *item = queue.items[head % SIZE];
    atomic_store_explicit(&queue.head, head + 1, memory_order_release);
    return true;
}
struct node {
    struct node *next;
    int value;
};
static struct node *_Atomic top;
static void push(struct node *node) {
    node->next = atomic_load(&top);
    while (!atomic_compare_exchange_weak(&top, &node->next, node)) {
    }
}
static struct node *pop(void) {
    struct node *node = atomic_load(&top);
    while (node && !atomic_compare_exchange_weak(&top, &node, node->next)) {
    }
    return node;
}
static atomic_flag lock = ATOMIC_FLAG_INIT;
static double guarded;
APART static void guarded_add(double value) {
    while (atomic_flag_test_and_set_explicit(&lock, memory_order_acquire)) {
    }
    guarded += value;
    atomic_flag_clear_explicit(&lock, memory_order_release);
}
static _Atomic double atomic_double; /* a loop of compare and exchange */

int main(void) {
    static _Atomic int8_t s8;
    static _Atomic int16_t s16;
    static _Atomic int32_t s32;
    static _Atomic uint32_t u32;
    static _Atomic long long s64;
    static _Atomic unsigned long long u64;
    signed8(&s8, -100, 77);
    unsigned8(&neighbours.in8, 200, 99);
    signed16(&s16, -30000, 12345);
    unsigned16(&neighbours.in16, 60000, 54321);
    signed32(&s32, -2000000000, 1234567890);
    unsigned32(&u32, 4000000000u, 3999999999u);
    signed64(&s64, -9000000000000000000, 8123456789012345678);
    unsigned64(&u64, 18000000000000000000u, 17999999999999999999u);
    printf("%x %x %x %x %x\n", neighbours.before8, neighbours.after8[0], neighbours.after8[1], neighbours.before16,
           neighbours.after16);
    uint64_t sum = 0, item;
    for (uint64_t i = 0; i < 100000; i++) {
        if (!put(i * i)) {
            for (int j = 0; j < 50 && take(&item); j++)
                sum = sum * 31 + item;
            put(i);
        }
    }
    while (take(&item))
        sum = sum * 31 + item;
    printf("queue %llx\n", (unsigned long long)sum);
    static struct node nodes[1000];
    for (int i = 0; i < 1000; i++) {
        nodes[i].value = i;
        push(&nodes[i]);
        if (i % 3 == 2)
            sum ^= (uint64_t)pop()->value << (i % 50);
    }
    for (struct node *node; (node = pop());)
        sum = sum * 3 + (uint64_t)node->value;
    printf("stack %llx\n", (unsigned long long)sum);
    for (int i = 0; i < 1000; i++) {
        guarded_add(i * 0.5);
        atomic_double += i * 0.25;
        atomic_thread_fence(memory_order_seq_cst);
    }
    printf("%g %g\n", guarded, atomic_double);
    printf("notified %d\n", __builtin_wasm_memory_atomic_notify((int *)&s32, 1));
    return 0;
}
