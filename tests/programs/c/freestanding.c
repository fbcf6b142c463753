/* Without a library, for memories that the library has no room for: 64-bit ones, and ones with pages of a byte. */
#include <stddef.h>
#include <stdint.h>

#ifndef PAGE_SIZE
#define PAGE_SIZE 65536
#endif

#define APART __attribute__((noinline))
#define WASI(name) __attribute__((import_module("wasi_snapshot_preview1"), import_name(#name)))
WASI(fd_write) int fd_write(int fd, uint32_t iovs, uint32_t count, uint32_t written);
WASI(fd_read) int fd_read(int fd, uint32_t iovs, uint32_t count, uint32_t read);
WASI(proc_exit) _Noreturn void proc_exit(int status);

void *memset(void *start, int value, size_t size)
{
    for (unsigned char *at = start; size--;)
        *at++ = (unsigned char)value;
    return start;
}

void *memmove(void *to, const void *from, size_t size)
{
    unsigned char *a = to;
    const unsigned char *b = from;
    if (a < b)
        for (; size; size--)
            *a++ = *b++;
    else
        while (size--)
            a[size] = b[size];
    return to;
}

struct iovec {
    uint32_t start, size;
};

static void print(const char *what, uint64_t value)
{
    char line[100];
    size_t length = 0;
    for (; what[length]; length++)
        line[length] = what[length];
    line[length++] = ' ';
    for (int shift = 60; shift >= 0; shift -= 4)
        line[length++] = "0123456789abcdef"[value >> shift & 15];
    line[length++] = '\n';
    uint32_t written;
    struct iovec iovec = {(uint32_t)(uintptr_t)line, (uint32_t)length};
    fd_write(1, (uint32_t)(uintptr_t)&iovec, 1, (uint32_t)(uintptr_t)&written);
}

static int64_t hexadecimal(void)
{
    char text[17];
    uint32_t length = 0;
    struct iovec iovec = {(uint32_t)(uintptr_t)text, sizeof text};
    fd_read(0, (uint32_t)(uintptr_t)&iovec, 1, (uint32_t)(uintptr_t)&length);
    uint64_t value = 0;
    for (uint32_t i = 0; i < length; i++)
        value = value * 16 + (uint64_t)(text[i] <= '9' ? text[i] - '0' : text[i] - 'a' + 10);
    return (int64_t)value;
}

typedef uint64_t (*function)(uint64_t);
APART static uint64_t square(uint64_t x) { return x * x; }
APART static uint64_t negate(uint64_t x) { return -x; }
static function volatile functions[] = {square, negate};
static const char *const words[] = {"zero", "one", "two", "three"};
static uint64_t table[1000];
static struct node {
    struct node *next;
    uint64_t value;
} nodes[1000], *list;

APART static uint64_t at(const uint64_t *from, int64_t index) { return from[index]; }

void _start(void)
{
    print("size of a pointer", sizeof(void *));
    for (size_t i = 0; i < 1000; i++)
        table[i] = i * 0x9e3779b97f4a7c15;
    uint64_t sum = 0;
    for (size_t i = 0; i < 1000; i++)
        sum = sum * 31 + table[(i * 7) % 1000];
    print("sum", sum);
    for (int64_t i = 0; i < 1000; i++)
        sum = sum * 31 + at(table + 999, -i);
    print("backwards", sum);
    for (uint64_t i = 0; i < 1000; i++) {
        nodes[i] = (struct node){list, i};
        list = &nodes[i];
    }
    for (struct node *node = list; node; node = node->next)
        sum = sum * 31 + node->value;
    print("list", sum);
    for (uint64_t i = 0; i < 4; i++)
        print(words[i], i);
    print("square", functions[0](12));
    print("negate", functions[1](12));
    print("grow", __builtin_wasm_memory_grow(0, 3));
    print("too much", __builtin_wasm_memory_grow(0, (size_t)-1 / PAGE_SIZE));
    size_t pages = __builtin_wasm_memory_size(0);
    print("pages", pages);
    volatile unsigned char *end = (volatile unsigned char *)(pages * PAGE_SIZE);
    end[-1] = 77;
    print("last byte", end[-1]);
    memset((void *)(end - 1000), 5, 1000);
    memmove((void *)(end - 500), table, 400);
    memmove((void *)(end - 490), (void *)(end - 500), 400);
    for (ptrdiff_t i = 1; i <= 1000; i++)
        sum = sum * 31 + end[-i];
    print("sum", sum);
    end[(ptrdiff_t)hexadecimal()] = 1; /* from the memory's end on */
    proc_exit(3);
}
