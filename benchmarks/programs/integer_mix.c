/* An integer mix: linked lists (build, reverse, merge sort, search), matrices of 16-bit integers, a state machine over
 * text, and a CRC that ties every result together, so that nothing can be left out. Checks itself.
 */
#include "bench.h"

#define MIX_EXPECTED 0x20b7bcceu /* of mix_run(100), on any machine */

enum { NODES = 400, SIZE = 24, TEXT = 1024 };

struct node {
    struct node *next;
    int16_t key;
    uint16_t payload;
};

static struct node nodes[NODES];
static int16_t left[SIZE][SIZE], right[SIZE][SIZE];
static int32_t product[SIZE][SIZE];
static char text[TEXT];

static uint32_t random_state;
static uint32_t next_random(void) {
    random_state = random_state * 1664525u + 1013904223u;
    return random_state >> 8;
}

static uint16_t crc16(uint16_t crc, uint32_t value, int bits) {
    for (int i = 0; i < bits; i++) {
        unsigned carry = (crc ^ value) & 1;
        crc >>= 1;
        value >>= 1;
        if (carry)
            crc ^= 0xa001;
    }
    return crc;
}

/* ------------------------------------------------------------------------------------------------------- linked lists */

typedef int (*order)(const struct node *, const struct node *);
static int by_key(const struct node *a, const struct node *b) { return a->key - b->key; }
static int by_payload(const struct node *a, const struct node *b) { return (int)a->payload - (int)b->payload; }

static struct node *build(uint32_t seed) {
    random_state = seed;
    for (int i = 0; i < NODES; i++) {
        nodes[i].next = i + 1 < NODES ? &nodes[i + 1] : 0;
        nodes[i].key = (int16_t)(next_random() & 0x7ff);
        nodes[i].payload = (uint16_t)(next_random() ^ (uint32_t)i);
    }
    return nodes;
}

static struct node *reverse(struct node *list) {
    struct node *result = 0;
    while (list) {
        struct node *next = list->next;
        list->next = result;
        result = list;
        list = next;
    }
    return result;
}

static struct node *merge(struct node *a, struct node *b, order compare) {
    struct node head, *tail = &head;
    while (a && b) {
        struct node **least = compare(a, b) <= 0 ? &a : &b;
        tail = tail->next = *least;
        *least = (*least)->next;
    }
    tail->next = a ? a : b;
    return head.next;
}

/* Bottom up: bins[i] holds a sorted list of 2^i nodes, or none. */
static struct node *sort(struct node *list, order compare) {
    struct node *bins[16] = {0};
    while (list) {
        struct node *carried = list;
        list = list->next;
        carried->next = 0;
        int i = 0;
        for (; bins[i]; i++) {
            carried = merge(bins[i], carried, compare);
            bins[i] = 0;
        }
        bins[i] = carried;
    }
    struct node *result = 0;
    for (int i = 0; i < 16; i++)
        if (bins[i])
            result = result ? merge(bins[i], result, compare) : bins[i];
    return result;
}

static const struct node *find(const struct node *list, int key) {
    while (list && list->key != key)
        list = list->next;
    return list;
}

static uint16_t lists(uint32_t seed) {
    struct node *list = reverse(build(seed));
    uint16_t crc = 0;
    unsigned found = 0;
    for (int key = 0; key < 64; key++) {
        const struct node *hit = find(list, key * 29 & 0x7ff);
        if (hit) {
            found++;
            crc = crc16(crc, hit->payload, 16);
        }
    }
    list = sort(list, by_key);
    for (const struct node *n = list; n; n = n->next)
        crc = crc16(crc, (uint16_t)n->key, 8);
    list = sort(list, by_payload);
    for (const struct node *n = list; n; n = n->next)
        crc = (uint16_t)(crc * 3 + n->payload);
    return crc16(crc, found, 16);
}

/* ----------------------------------------------------------------------------------------------------------- matrices */

static uint16_t matrices(uint32_t seed) {
    random_state = seed;
    for (int i = 0; i < SIZE; i++)
        for (int j = 0; j < SIZE; j++) {
            left[i][j] = (int16_t)(next_random() & 0xff);
            right[i][j] = (int16_t)((next_random() & 0x1ff) - 256);
        }
    uint16_t crc = 0;
    for (int round = 0; round < 2; round++) {
        for (int i = 0; i < SIZE; i++)
            for (int j = 0; j < SIZE; j++) {
                int32_t sum = 0;
                for (int k = 0; k < SIZE; k++)
                    sum += left[i][k] * right[k][j];
                product[i][j] = sum;
            }
        int32_t sum = 0, clipped = 0;
        for (int i = 0; i < SIZE; i++)
            for (int j = 0; j < SIZE; j++) {
                int32_t field = (product[i][j] >> 2 & 15) * (product[i][j] >> 5 & 127);
                sum += field;
                if (product[i][j] > 4000) {
                    clipped++;
                    sum -= 10;
                }
                left[i][j] = (int16_t)(left[i][j] + field + round);
            }
        crc = crc16(crc, (uint32_t)sum, 32);
        crc = crc16(crc, (uint32_t)clipped, 16);
    }
    return crc;
}

/* ------------------------------------------------------------------------------------------------------ state machine */

enum state { START, SIGN, INTEGER, POINT, FRACTION, EXPONENT, EXPONENT_SIGN, SCIENTIFIC, WORD, INVALID, STATES };

static enum state step(enum state state, char c) {
    int digit = c >= '0' && c <= '9', letter = (c | 32) >= 'a' && (c | 32) <= 'z';
    switch (state) {
    case START: return digit ? INTEGER : c == '+' || c == '-' ? SIGN : c == '.' ? POINT : letter ? WORD : INVALID;
    case SIGN: return digit ? INTEGER : c == '.' ? POINT : INVALID;
    case INTEGER: return digit ? INTEGER : c == '.' ? FRACTION : (c | 32) == 'e' ? EXPONENT : INVALID;
    case POINT: return digit ? FRACTION : INVALID;
    case FRACTION: return digit ? FRACTION : (c | 32) == 'e' ? EXPONENT : INVALID;
    case EXPONENT: return digit ? SCIENTIFIC : c == '+' || c == '-' ? EXPONENT_SIGN : INVALID;
    case EXPONENT_SIGN: return digit ? SCIENTIFIC : INVALID;
    case SCIENTIFIC: return digit ? SCIENTIFIC : INVALID;
    case WORD: return letter || digit || c == '_' ? WORD : INVALID;
    default: return INVALID;
    }
}

static uint16_t machine(uint32_t seed) {
    static const char *const pieces[] = {"12", "-7.5", "+3e4", "word", "x_9", ".25", "1.5e-3", "bad$", "--1", "0.0.1", "9E+", "e"};
    uint32_t finals[STATES] = {0}, transitions[STATES] = {0};
    random_state = seed;
    int used = 0;
    while (used < TEXT - 10) {
        for (const char *p = pieces[next_random() % 12]; *p; p++)
            text[used++] = *p;
        text[used++] = ',';
    }
    text[used] = 0;
    uint16_t crc = 0;
    for (int round = 0; round < 2; round++) {
        enum state state = START;
        for (const char *p = text; *p; p++) {
            if (*p == ',') {
                finals[state]++;
                state = START;
            } else {
                enum state next = step(state, *p);
                transitions[next] += next != state;
                state = next;
            }
        }
        for (int i = (int)(seed & 7); i < used; i += 17) /* damage some of it, and once more */
            if (text[i] != ',')
                text[i] ^= 1;
    }
    for (int i = 0; i < STATES; i++)
        crc = crc16(crc16(crc, finals[i], 16), transitions[i], 16);
    return crc;
}

/* ------------------------------------------------------------------------------------------------------------ the mix */

static uint32_t mix_run(uint32_t rounds) {
    uint32_t hash = 0;
    for (uint32_t i = 1; i <= rounds; i++) {
        uint16_t a = lists(i), b = matrices(i * 3 + (a & 1)), c = machine(i * 5 + (b & 1));
        hash = (hash << 5 | hash >> 27) + ((uint32_t)crc16(a, b, 16) << 16 | crc16(b, c, 16));
    }
    return hash;
}

static uint64_t mix(void) {
    if (mix_run(100) != MIX_EXPECTED)
        abort();
    return mix_run(1000);
}

int main(int argc, char **argv) {
    static const struct kernel kernels[] = {{"mix", mix, NULL, NULL}, {0}};
    return bench_main(argc, argv, kernels);
}
