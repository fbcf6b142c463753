/* Random allocation, reallocation and release with a check of every byte, and a binary tree of small nodes. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static uint32_t state = 12345;
static uint32_t next(void) {
    state ^= state << 13;
    state ^= state >> 17;
    state ^= state << 5;
    return state;
}

struct block {
    unsigned char *bytes;
    size_t size;
    unsigned char seed;
};

static void fill(struct block *b) {
    for (size_t i = 0; i < b->size; i++)
        b->bytes[i] = (unsigned char)(b->seed + i * 7);
}

static int intact(const struct block *b, size_t size) {
    for (size_t i = 0; i < size; i++)
        if (b->bytes[i] != (unsigned char)(b->seed + i * 7))
            return 0;
    return 1;
}

struct node {
    struct node *left, *right;
    int key;
};

static struct node *insert(struct node *n, int key) {
    if (!n) {
        n = calloc(1, sizeof *n);
        if (!n)
            abort();
        n->key = key;
    } else if (key < n->key) {
        n->left = insert(n->left, key);
    } else if (key > n->key) {
        n->right = insert(n->right, key);
    }
    return n;
}

static int depth(const struct node *n) {
    if (!n)
        return 0;
    int left = depth(n->left), right = depth(n->right);
    return 1 + (left > right ? left : right);
}

static int release(struct node *n) {
    if (!n)
        return 0;
    int count = release(n->left) + release(n->right) + 1;
    free(n);
    return count;
}

int main(void) {
    enum { BLOCKS = 500, STEPS = 20000 };
    static struct block blocks[BLOCKS];
    unsigned corrupt = 0, misaligned = 0;
    uint64_t allocated = 0;
    for (int step = 0; step < STEPS; step++) {
        struct block *b = &blocks[next() % BLOCKS];
        if (!b->bytes) {
            b->size = next() % 100 < 3 ? next() % 200000 : next() % 700;
            b->seed = (unsigned char)next();
            b->bytes = malloc(b->size + 1);
            misaligned += ((uintptr_t)b->bytes & 7) != 0;
            allocated += b->size;
            fill(b);
        } else if (next() % 3 == 0) {
            size_t size = next() % 3000, kept = size < b->size ? size : b->size;
            b->bytes = realloc(b->bytes, size + 1);
            corrupt += !intact(b, kept);
            b->size = size;
            fill(b);
        } else {
            corrupt += !intact(b, b->size);
            free(b->bytes);
            b->bytes = NULL;
        }
    }
    for (int i = 0; i < BLOCKS; i++)
        if (blocks[i].bytes) {
            corrupt += !intact(&blocks[i], blocks[i].size);
            free(blocks[i].bytes);
        }
    printf("allocated %llu bytes, corrupt %u, misaligned %u\n", (unsigned long long)allocated, corrupt, misaligned);
    struct node *root = NULL;
    for (int i = 0; i < 50000; i++)
        root = insert(root, (int)(next() % 100000));
    printf("depth %d\n", depth(root));
    printf("nodes %d\n", release(root));
    void *aligned = aligned_alloc(4096, 8192);
    printf("aligned %d\n", ((uintptr_t)aligned & 4095) == 0);
    free(aligned);
    volatile size_t enormous = 0xf0000000u;
    void *volatile refused = malloc(enormous);
    printf("enormous %s\n", refused ? "given" : "refused");
    return corrupt != 0;
}
