/* Raw deflate, RFC 1951, of data whose size is known.
 *
 * Bits come from a word that is filled 8 bytes at a time. A code is looked up by its first WAOT_INFLATE_BITS bits; the
 * few that are longer are found by counting, length by length (section 3.2.2). What is read behind the input are zeros,
 * and found out at the end, because they never end: the output is bounded.
 */
#include "embed.h"

enum {
    WAOT_INFLATE_BITS = 10,
    WAOT_INFLATE_LONGEST = 15,
    WAOT_INFLATE_LITERALS = 288,
    WAOT_INFLATE_DISTANCES = 32,
    WAOT_INFLATE_END = 256, /* the literal that ends a block */
};

struct waot_inflate_codes {
    uint16_t fast[1 << WAOT_INFLATE_BITS]; /* symbol << 4 | length, or 0 */
    uint16_t symbols[WAOT_INFLATE_LITERALS]; /* in the order of their codes */
    uint16_t counts[WAOT_INFLATE_LONGEST + 1]; /* codes by length */
};

struct waot_inflate {
    const uint8_t *from, *end;
    uint64_t bits;
    uint32_t count;   /* valid bits */
    uint32_t missing; /* zeros taken for bytes behind the end */
    uint8_t *start, *to, *limit;
    struct waot_inflate_codes literals, distances;
};

/* At least 56 bits, which is more than any step takes: a length and a distance with their extra bits are 48. */
static inline void waot_inflate_fill(struct waot_inflate *state)
{
    if (state->end - state->from >= 8) {
        uint64_t word = waot_guest_load_u64(state->from);
        state->bits |= word << state->count;
        state->from += (63 - state->count) >> 3;
        state->count |= 56;
        return;
    }
    while (state->count < 56) {
        if (state->from < state->end)
            state->bits |= (uint64_t)*state->from++ << state->count;
        else
            state->missing++;
        state->count += 8;
    }
}

/* At most 15; there must be as many. */
static inline uint32_t waot_inflate_take(struct waot_inflate *state, uint32_t count)
{
    uint32_t value = (uint32_t)state->bits & ((1u << count) - 1);
    state->bits >>= count;
    state->count -= count;
    return value;
}

/* The bits of a code in the order in which they are sent, first one lowest. */
static uint32_t waot_inflate_reverse(uint32_t code, uint32_t length)
{
    uint32_t reversed = 0;
    for (; length > 0; length--, code >>= 1)
        reversed = reversed << 1 | (code & 1);
    return reversed;
}

/* Codes from their lengths; false where there are more than can be told apart. Fewer are allowed: what is not a code
 * is found when it comes. */
static bool waot_inflate_build(struct waot_inflate_codes *codes, const uint8_t *lengths, size_t count)
{
    __builtin_memset(codes, 0, sizeof *codes);
    for (size_t i = 0; i < count; i++)
        codes->counts[lengths[i]]++;
    codes->counts[0] = 0;
    uint32_t next[WAOT_INFLATE_LONGEST + 2] = {0}, place[WAOT_INFLATE_LONGEST + 2] = {0};
    for (uint32_t length = 1; length <= WAOT_INFLATE_LONGEST; length++) {
        uint32_t end = next[length] + codes->counts[length];
        if (end > 1u << length)
            return false;
        next[length + 1] = end << 1;
        place[length + 1] = place[length] + codes->counts[length];
    }
    for (uint32_t i = 0; i < count; i++) {
        uint32_t length = lengths[i];
        if (length == 0)
            continue;
        codes->symbols[place[length]++] = (uint16_t)i;
        uint32_t code = next[length]++;
        if (length <= WAOT_INFLATE_BITS)
            for (uint32_t at = waot_inflate_reverse(code, length); at < 1u << WAOT_INFLATE_BITS; at += 1u << length)
                codes->fast[at] = (uint16_t)(i << 4 | length);
    }
    return true;
}

/* The next symbol, or -1 for bits that are no code. */
static inline int32_t waot_inflate_symbol(struct waot_inflate *state, const struct waot_inflate_codes *codes)
{
    uint32_t found = codes->fast[state->bits & ((1u << WAOT_INFLATE_BITS) - 1)];
    if (found != 0) {
        state->bits >>= found & 15;
        state->count -= found & 15;
        return (int32_t)(found >> 4);
    }
    uint32_t code = 0, first = 0, place = 0;
    for (uint32_t length = 1; length <= WAOT_INFLATE_LONGEST; length++) {
        code |= (uint32_t)(state->bits >> (length - 1)) & 1;
        uint32_t count = codes->counts[length];
        if (code < first + count) {
            state->bits >>= length;
            state->count -= length;
            return codes->symbols[place + (code - first)];
        }
        place += count;
        first = (first + count) << 1;
        code <<= 1;
    }
    return -1;
}

/* Section 3.2.4. */
static bool waot_inflate_stored(struct waot_inflate *state)
{
    waot_inflate_take(state, state->count & 7);
    /* Whole bytes that were read ahead go back. */
    uint32_t ahead = state->count >> 3;
    if (state->missing > ahead)
        return false;
    state->from -= ahead - state->missing;
    state->bits = state->count = state->missing = 0;
    if (state->end - state->from < 4)
        return false;
    uint32_t size = waot_guest_load_u16(state->from), check = waot_guest_load_u16(state->from + 2);
    state->from += 4;
    if ((size ^ check) != 0xffff || size > (size_t)(state->end - state->from) ||
        size > (size_t)(state->limit - state->to))
        return false;
    __builtin_memcpy(state->to, state->from, size);
    state->from += size;
    state->to += size;
    return true;
}

/* `size` bytes from `distance` bytes before, which may be what this very copy writes. */
static bool waot_inflate_copy(struct waot_inflate *state, size_t distance, size_t size)
{
    if (distance > (size_t)(state->to - state->start) || size > (size_t)(state->limit - state->to))
        return false;
    uint8_t *to = state->to;
    const uint8_t *from = to - distance;
    state->to += size;
    if (distance >= 8 && state->limit - state->to >= 8) { /* may write past its end, and be written over */
        for (; to < state->to; to += 8, from += 8)
            __builtin_memcpy(to, from, 8);
        return true;
    }
    while (to < state->to)
        *to++ = *from++;
    return true;
}

/* Section 3.2.5: literals and copies until the end of the block. */
static bool waot_inflate_compressed(struct waot_inflate *state)
{
    static const uint16_t sizes[] = {3,  4,  5,  6,  7,  8,  9,  10, 11,  13,  15,  17,  19,  23, 27,
                                     31, 35, 43, 51, 59, 67, 83, 99, 115, 131, 163, 195, 227, 258};
    static const uint8_t more_size[] = {0, 0, 0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3, 4, 4, 4, 4, 5, 5, 5, 5, 0};
    static const uint16_t distances[] = {1,   2,   3,   4,   5,   7,    9,    13,   17,   25,   33,   49,   65,    97,    129,
                                         193, 257, 385, 513, 769, 1025, 1537, 2049, 3073, 4097, 6145, 8193, 12289, 16385, 24577};
    static const uint8_t more_distance[] = {0, 0, 0, 0, 1, 1, 2, 2, 3, 3, 4, 4, 5, 5, 6, 6, 7, 7, 8, 8, 9, 9, 10, 10, 11, 11, 12, 12, 13, 13};
    for (;;) {
        waot_inflate_fill(state);
        int32_t symbol = waot_inflate_symbol(state, &state->literals);
        if (symbol < WAOT_INFLATE_END) {
            if (symbol < 0 || state->to == state->limit)
                return false;
            *state->to++ = (uint8_t)symbol;
            continue;
        }
        if (symbol == WAOT_INFLATE_END)
            return true;
        uint32_t index = (uint32_t)symbol - WAOT_INFLATE_END - 1;
        if (index >= sizeof more_size)
            return false;
        size_t size = sizes[index] + waot_inflate_take(state, more_size[index]);
        symbol = waot_inflate_symbol(state, &state->distances);
        if (symbol < 0 || symbol >= (int32_t)sizeof more_distance)
            return false;
        size_t distance = distances[symbol] + waot_inflate_take(state, more_distance[symbol]);
        if (!waot_inflate_copy(state, distance, size))
            return false;
    }
}

/* Section 3.2.7: the codes of a block, themselves in code. */
static bool waot_inflate_read_codes(struct waot_inflate *state)
{
    static const uint8_t order[] = {16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15};
    uint8_t lengths[WAOT_INFLATE_LITERALS + WAOT_INFLATE_DISTANCES] = {0};
    waot_inflate_fill(state);
    uint32_t literals = waot_inflate_take(state, 5) + 257, distances = waot_inflate_take(state, 5) + 1;
    uint32_t used = waot_inflate_take(state, 4) + 4;
    if (literals > WAOT_INFLATE_LITERALS)
        return false;
    for (uint32_t i = 0; i < used; i++) {
        waot_inflate_fill(state);
        lengths[order[i]] = (uint8_t)waot_inflate_take(state, 3);
    }
    if (!waot_inflate_build(&state->literals, lengths, sizeof order))
        return false;
    __builtin_memset(lengths, 0, sizeof order);
    for (uint32_t i = 0; i < literals + distances;) {
        waot_inflate_fill(state);
        int32_t symbol = waot_inflate_symbol(state, &state->literals);
        uint32_t repeat = 1;
        uint8_t length = (uint8_t)symbol;
        if (symbol < 0 || (symbol == 16 && i == 0))
            return false;
        if (symbol == 16) {
            length = lengths[i - 1];
            repeat = 3 + waot_inflate_take(state, 2);
        } else if (symbol == 17) {
            length = 0;
            repeat = 3 + waot_inflate_take(state, 3);
        } else if (symbol == 18) {
            length = 0;
            repeat = 11 + waot_inflate_take(state, 7);
        }
        if (repeat > literals + distances - i)
            return false;
        __builtin_memset(lengths + i, length, repeat);
        i += repeat;
    }
    return waot_inflate_build(&state->literals, lengths, literals) &&
           waot_inflate_build(&state->distances, lengths + literals, distances);
}

/* Section 3.2.6. */
static bool waot_inflate_fixed_codes(struct waot_inflate *state)
{
    uint8_t lengths[WAOT_INFLATE_LITERALS];
    __builtin_memset(lengths, 8, 144);
    __builtin_memset(lengths + 144, 9, 112);
    __builtin_memset(lengths + 256, 7, 24);
    __builtin_memset(lengths + 280, 8, 8);
    bool built = waot_inflate_build(&state->literals, lengths, WAOT_INFLATE_LITERALS);
    __builtin_memset(lengths, 5, WAOT_INFLATE_DISTANCES);
    return built && waot_inflate_build(&state->distances, lengths, WAOT_INFLATE_DISTANCES);
}

bool waot_inflate(const uint8_t *from, size_t from_size, uint8_t *to, size_t to_size)
{
    struct waot_inflate state;
    state.from = from;
    state.end = from + from_size;
    state.bits = 0;
    state.count = state.missing = 0;
    state.start = state.to = to;
    state.limit = to + to_size;
    bool last = false, good = true;
    while (good && !last) {
        waot_inflate_fill(&state);
        last = waot_inflate_take(&state, 1) != 0;
        uint32_t type = waot_inflate_take(&state, 2);
        if (type == 0)
            good = waot_inflate_stored(&state);
        else if (type == 1)
            good = waot_inflate_fixed_codes(&state) && waot_inflate_compressed(&state);
        else
            good = type == 2 && waot_inflate_read_codes(&state) && waot_inflate_compressed(&state);
        if (state.missing > state.count >> 3) /* bits were taken that are not there */
            good = false;
    }
    return good && state.to == state.limit;
}
