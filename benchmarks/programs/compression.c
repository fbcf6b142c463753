/* Compression of made-up text by references to what came before (four-byte hashes, greedy) with an order-0 Huffman code
 * behind it, and the way back. Checks that it comes back as it was. */
#include "bench.h"

enum { SIZE = 1 << 18, HASHES = 1 << 14, WINDOW = 1 << 16, SHORTEST = 4 };
static unsigned char text[SIZE], packed[SIZE * 2], unpacked[SIZE];
static unsigned char coded[SIZE * 2];
static size_t packed_size, coded_size;

static void write_text(void) {
    static const char *const words[] = {"memory ", "the ",   "of ",   "table",  " function", "a ",   "index", "ing ",
                                        "store, ", "load ",  "block", ". The ", "branch",    "es ",  "is ",   "not ",
                                        "value",   "stack ", "trap",  "; if ",  "module ",   "in a ", "42",   "\n"};
    uint32_t state = 17;
    for (size_t used = 0; used < SIZE;) {
        uint32_t chosen = bench_random(&state);
        const char *word = words[(chosen & 255) * (chosen >> 8 & 255) / 65 % 24];
        while (*word && used < SIZE)
            text[used++] = (unsigned char)*word++;
        if ((chosen >> 16 & 15) == 0 && used < SIZE)
            text[used++] = (unsigned char)('0' + (chosen >> 20) % 10);
    }
}

static unsigned char *put_length(unsigned char *out, size_t length) {
    for (; length >= 255; length -= 255)
        *out++ = 255;
    *out++ = (unsigned char)length;
    return out;
}

/* Sequences of: a length and so many bytes; a length less SHORTEST and a distance of two bytes. A distance of 0 ends. */
static uint64_t pack(void) {
    static uint32_t latest[HASHES];
    memset(latest, 0, sizeof latest);
    unsigned char *out = packed;
    size_t from = 0, at = 1;
    while (at + SHORTEST < SIZE) {
        uint32_t word, there;
        memcpy(&word, text + at, 4);
        uint32_t slot = word * 2654435761u >> 18;
        size_t earlier = latest[slot];
        latest[slot] = (uint32_t)at;
        memcpy(&there, text + earlier, 4);
        if (there != word || at - earlier >= WINDOW) {
            at++;
            continue;
        }
        size_t length = SHORTEST;
        while (at + length < SIZE && text[earlier + length] == text[at + length])
            length++;
        out = put_length(out, at - from);
        memcpy(out, text + from, at - from);
        out = put_length(out + (at - from), length - SHORTEST);
        *out++ = (unsigned char)(at - earlier);
        *out++ = (unsigned char)((at - earlier) >> 8);
        from = at += length;
    }
    out = put_length(out, SIZE - from);
    memcpy(out, text + from, SIZE - from);
    out = put_length(out + (SIZE - from), 0);
    *out++ = 0;
    *out++ = 0;
    packed_size = (size_t)(out - packed);
    return packed_size;
}

static size_t get_length(const unsigned char **in) {
    size_t length = 0;
    unsigned char byte;
    do
        length += byte = *(*in)++;
    while (byte == 255);
    return length;
}

static uint64_t unpack(void) {
    const unsigned char *in = packed;
    unsigned char *out = unpacked;
    for (;;) {
        size_t length = get_length(&in);
        memcpy(out, in, length);
        in += length;
        out += length;
        length = get_length(&in) + SHORTEST;
        size_t distance = in[0] | (size_t)in[1] << 8;
        in += 2;
        if (distance == 0)
            break;
        for (const unsigned char *end = out + length; out < end; out++)
            *out = out[-(ptrdiff_t)distance];
    }
    if (out != unpacked + SIZE || memcmp(text, unpacked, SIZE) != 0)
        abort();
    return bench_fold_bytes(0, unpacked + SIZE - 4096, 4096);
}

/* ----------------------------------------------------------------------------------------------------------- Huffman */

struct node {
    uint32_t weight;
    int16_t less, more; /* nodes, or -1 and a byte */
};
static struct node nodes[511];
static uint32_t code_bits[256];
static unsigned char code_length[256];

static void name_codes(int at, uint32_t bits, unsigned char length) {
    if (nodes[at].less < 0) {
        code_bits[nodes[at].more] = bits;
        code_length[nodes[at].more] = length;
        return;
    }
    name_codes(nodes[at].less, bits, (unsigned char)(length + 1));
    name_codes(nodes[at].more, bits | 1u << length, (unsigned char)(length + 1));
}

static int make_tree(void) {
    int alive[256], count = 256, made = 256;
    for (int i = 0; i < 256; i++) {
        nodes[i] = (struct node){1, -1, (int16_t)i};
        alive[i] = i;
    }
    for (size_t i = 0; i < SIZE; i++)
        nodes[text[i]].weight += 16;
    for (; count > 1; count--) {
        for (int chosen = 0; chosen < 2; chosen++) { /* the two lightest to the end */
            int least = 0;
            for (int i = 1; i < count - chosen; i++)
                if (nodes[alive[i]].weight < nodes[alive[least]].weight)
                    least = i;
            int kept = alive[least];
            alive[least] = alive[count - 1 - chosen];
            alive[count - 1 - chosen] = kept;
        }
        int less = alive[count - 1], more = alive[count - 2];
        nodes[made] = (struct node){nodes[less].weight + nodes[more].weight, (int16_t)less, (int16_t)more};
        alive[count - 2] = made++;
    }
    return alive[0];
}

static uint64_t huffman(void) {
    int root = make_tree();
    name_codes(root, 0, 0);
    unsigned char *out = coded;
    uint64_t waiting = 0;
    int bits = 0;
    for (size_t i = 0; i < SIZE; i++) {
        waiting |= (uint64_t)code_bits[text[i]] << bits;
        bits += code_length[text[i]];
        for (; bits >= 8; bits -= 8, waiting >>= 8)
            *out++ = (unsigned char)waiting;
    }
    *out++ = (unsigned char)waiting;
    coded_size = (size_t)(out - coded);
    size_t bit = 0;
    for (size_t i = 0; i < SIZE; i++) {
        int at = root;
        for (; nodes[at].less >= 0; bit++)
            at = coded[bit >> 3] >> (bit & 7) & 1 ? nodes[at].more : nodes[at].less;
        if (nodes[at].more != text[i])
            abort();
    }
    return coded_size;
}

int main(int argc, char **argv) {
    static const struct kernel kernels[] = {
        {"lz-pack", pack, NULL, NULL},
        {"lz-unpack", unpack, NULL, NULL},
        {"huffman", huffman, NULL, NULL},
        {0},
    };
    write_text();
    pack();
    return bench_main(argc, argv, kernels);
}
