/* Sorting: our own quicksort, heapsort and radix sort of integers, and the C library's qsort of records. */
#include "bench.h"

enum { COUNT = 100000 };

static uint32_t numbers[COUNT], other[COUNT];
struct record {
    uint32_t key, number;
};
static struct record records[COUNT];

static void shuffle(void) {
    uint32_t state = 11;
    for (uint32_t i = 0; i < COUNT; i++) {
        numbers[i] = bench_random(&state);
        records[i] = (struct record){bench_random(&state) % 5000, i};
    }
}

static uint64_t check(void) {
    uint64_t hash = bench_fold_bytes(0, numbers, sizeof numbers);
    return bench_fold_bytes(hash, records, sizeof records);
}

static void quick(uint32_t *low, uint32_t *high) { /* both ends belong to it */
    while (high - low > 16) {
        uint32_t a = *low, b = low[(high - low) / 2], c = *high;
        uint32_t pivot = a < b ? (b < c ? b : a < c ? c : a) : (a < c ? a : b < c ? c : b);
        uint32_t *i = low, *j = high;
        while (i <= j) {
            while (*i < pivot)
                i++;
            while (*j > pivot)
                j--;
            if (i <= j) {
                uint32_t kept = *i;
                *i++ = *j;
                *j-- = kept;
            }
        }
        if (j - low < high - i) {
            quick(low, j);
            low = i;
        } else {
            quick(i, high);
            high = j;
        }
    }
    for (uint32_t *at = low + 1; at <= high; at++) {
        uint32_t value = *at, *hole = at;
        for (; hole > low && hole[-1] > value; hole--)
            *hole = hole[-1];
        *hole = value;
    }
}

static uint64_t quicksort(void) {
    quick(numbers, numbers + COUNT - 1);
    return numbers[COUNT / 2];
}

static void sink(uint32_t *heap, size_t at, size_t size) {
    uint32_t value = heap[at];
    for (size_t child; (child = 2 * at + 1) < size; at = child) {
        if (child + 1 < size && heap[child + 1] > heap[child])
            child++;
        if (heap[child] <= value)
            break;
        heap[at] = heap[child];
    }
    heap[at] = value;
}

static uint64_t heapsort_(void) {
    for (size_t at = COUNT / 2; at-- > 0;)
        sink(numbers, at, COUNT);
    for (size_t size = COUNT - 1; size > 0; size--) {
        uint32_t most = numbers[0];
        numbers[0] = numbers[size];
        numbers[size] = most;
        sink(numbers, 0, size);
    }
    return numbers[COUNT / 2];
}

static uint64_t radixsort(void) {
    uint32_t *in = numbers, *out = other;
    for (int shift = 0; shift < 32; shift += 8) {
        size_t starts[256] = {0}, sum = 0;
        for (size_t i = 0; i < COUNT; i++)
            starts[in[i] >> shift & 255]++;
        for (int digit = 0; digit < 256; digit++) {
            size_t count = starts[digit];
            starts[digit] = sum;
            sum += count;
        }
        for (size_t i = 0; i < COUNT; i++)
            out[starts[in[i] >> shift & 255]++] = in[i];
        uint32_t *kept = in;
        in = out;
        out = kept;
    }
    return numbers[COUNT / 2];
}

static int by_key(const void *left, const void *right) {
    const struct record *a = left, *b = right;
    if (a->key != b->key)
        return a->key < b->key ? -1 : 1;
    return (a->number > b->number) - (a->number < b->number);
}

static uint64_t library(void) {
    qsort(records, COUNT, sizeof *records, by_key);
    return records[COUNT / 2].number;
}

int main(int argc, char **argv) {
    static const struct kernel kernels[] = {
        {"quicksort", quicksort, shuffle, check},
        {"heapsort", heapsort_, shuffle, check},
        {"radixsort", radixsort, shuffle, check},
        {"qsort", library, shuffle, check},
        {0},
    };
    return bench_main(argc, argv, kernels);
}
