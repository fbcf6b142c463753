/* qsort and bsearch over several element sizes and comparators, and a merge sort to agree with. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct record {
    char name[12];
    double weight;
    int id;
};

static int comparisons;

static int by_int(const void *a, const void *b) {
    comparisons++;
    int x = *(const int *)a, y = *(const int *)b;
    return (x > y) - (x < y);
}
static int by_weight(const void *a, const void *b) {
    const struct record *x = a, *y = b;
    return x->weight < y->weight ? -1 : x->weight > y->weight ? 1 : x->id - y->id;
}
static int by_name(const void *a, const void *b) {
    return strcmp(((const struct record *)a)->name, ((const struct record *)b)->name);
}
static int by_byte_descending(const void *a, const void *b) {
    return *(const unsigned char *)b - *(const unsigned char *)a;
}
static int by_string(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }
static int by_int64(const void *a, const void *b) {
    int64_t x = *(const int64_t *)a, y = *(const int64_t *)b;
    return x < y ? -1 : x > y;
}

static void merge_sort(int *values, int *scratch, int count) {
    if (count < 2)
        return;
    int half = count / 2;
    merge_sort(values, scratch, half);
    merge_sort(values + half, scratch, count - half);
    memcpy(scratch, values, (size_t)count * sizeof *values);
    for (int i = 0, j = half, k = 0; k < count; k++)
        values[k] = j == count || (i < half && scratch[i] <= scratch[j]) ? scratch[i++] : scratch[j++];
}

int main(void) {
    enum { N = 20000 };
    static int values[N], merged[N], scratch[N];
    uint32_t seed = 1;
    for (int i = 0; i < N; i++) {
        seed = seed * 1664525u + 1013904223u;
        values[i] = merged[i] = (int)(seed >> 4) - (1 << 27);
    }
    qsort(values, N, sizeof *values, by_int);
    merge_sort(merged, scratch, N);
    printf("agree %d comparisons %d\n", memcmp(values, merged, sizeof values) == 0, comparisons);
    int found = 0;
    for (int i = 0; i < N; i += 7) {
        int *at = bsearch(&merged[i], values, N, sizeof *values, by_int);
        found += at && *at == merged[i];
    }
    int missing = 1 << 30;
    printf("found %d missing %p\n", found, bsearch(&missing, values, N, sizeof *values, by_int));

    struct record records[50];
    for (int i = 0; i < 50; i++) {
        snprintf(records[i].name, sizeof records[i].name, "item%03d", i * 37 % 50);
        records[i].weight = (i * 7919 % 13) / 4.0;
        records[i].id = i;
    }
    qsort(records, 50, sizeof *records, by_weight);
    for (int i = 0; i < 50; i += 10)
        printf("%s %.2f %d\n", records[i].name, records[i].weight, records[i].id);
    qsort(records, 50, sizeof *records, by_name);
    struct record key = {.name = "item017"};
    struct record *hit = bsearch(&key, records, 50, sizeof *records, by_name);
    printf("%s %d\n", hit->name, hit->id);

    unsigned char bytes[] = "the five boxing wizards jump quickly";
    qsort(bytes, sizeof bytes - 1, 1, by_byte_descending);
    printf("'%s'\n", (char *)bytes);
    const char *names[] = {"pear", "apple", "fig", "banana", "cherry", "date", "elderberry"};
    qsort(names, 7, sizeof *names, by_string);
    for (int i = 0; i < 7; i++)
        printf("%s ", names[i]);
    int64_t wide[] = {INT64_MAX, 0, -1, INT64_MIN, 1, INT64_C(1) << 40, -(INT64_C(1) << 40)};
    qsort(wide, 7, sizeof *wide, by_int64);
    for (int i = 0; i < 7; i++)
        printf("%lld ", (long long)wide[i]);
    puts("");
    return 0;
}
