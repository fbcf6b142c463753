/* The C library's allocator: blocks of mixed sizes that live for a while, trees that are built and torn down, and an array
 * that grows. */
#include "bench.h"

enum { LIVE = 2000, CHANGES = 100000 };

static uint64_t mixed(void) {
    static struct {
        unsigned char *start;
        uint32_t size;
    } blocks[LIVE];
    uint32_t state = 41;
    uint64_t sum = 0;
    for (int i = 0; i < CHANGES; i++) {
        uint32_t chosen = bench_random(&state), at = chosen % LIVE, kind = chosen >> 16 & 15;
        if (blocks[at].start != NULL) {
            sum = sum * 7 + blocks[at].start[blocks[at].size - 1];
            free(blocks[at].start);
        }
        uint32_t size = 1 + (chosen >> 20) % (kind < 12 ? 64 : kind < 15 ? 512 : 4000);
        blocks[at].start = malloc(size);
        blocks[at].size = size;
        blocks[at].start[0] = blocks[at].start[size - 1] = (unsigned char)i;
    }
    for (int i = 0; i < LIVE; i++) {
        free(blocks[i].start);
        blocks[i].start = NULL;
    }
    return sum;
}

struct tree {
    struct tree *left, *right;
};

static struct tree *grow(int depth) {
    struct tree *tree = malloc(sizeof *tree);
    tree->left = depth > 0 ? grow(depth - 1) : NULL;
    tree->right = depth > 0 ? grow(depth - 1) : NULL;
    return tree;
}

static uint64_t fell(struct tree *tree) {
    uint64_t count = 1;
    if (tree->left != NULL)
        count += fell(tree->left) + fell(tree->right);
    free(tree);
    return count;
}

static uint64_t trees(void) {
    struct tree *kept = grow(12);
    uint64_t count = 0;
    for (int i = 0; i < 64; i++)
        count += fell(grow(8 + i % 4));
    return count + fell(kept);
}

static uint64_t growing(void) {
    uint64_t sum = 0;
    for (int round = 0; round < 50; round++) {
        uint32_t *numbers = NULL;
        size_t room = 0;
        for (size_t used = 0; used < 10000; used++) {
            if (used == room)
                numbers = realloc(numbers, (room = room * 3 / 2 + 8) * sizeof *numbers);
            numbers[used] = (uint32_t)(used * used);
        }
        sum += numbers[round * 100];
        free(numbers);
    }
    return sum;
}

int main(int argc, char **argv) {
    static const struct kernel kernels[] = {
        {"malloc-mixed", mixed, NULL, NULL},
        {"malloc-trees", trees, NULL, NULL},
        {"realloc", growing, NULL, NULL},
        {0},
    };
    return bench_main(argc, argv, kernels);
}
