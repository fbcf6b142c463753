/* Digests and checksums of a megabyte: SHA-256, CRC-32 by a table, four lanes of 64-bit multiplications, a sum in the
 * manner of Adler. The first two check themselves against values that are known. */
#include "bench.h"

enum { SIZE = 1 << 20 };
static unsigned char data[SIZE];

static void fill(void) {
    uint32_t state = 5;
    for (size_t i = 0; i < SIZE; i++)
        data[i] = (unsigned char)(bench_random(&state) >> 11);
}

static uint32_t turn(uint32_t value, int bits) { return value >> bits | value << (32 - bits); }
static uint32_t big_endian(const unsigned char *at) {
    return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* The first 32 bits of the fractional parts of the roots of the first primes: cube roots, or square roots. */
static uint32_t fraction_of_root(int prime, int cube) {
    /* The largest root with root^2 or root^3 at most prime * 2^64 or 2^96: whole part and 32 bits of fraction. */
    unsigned __int128 root = 0;
    for (int bit = 36; bit >= 0; bit--) {
        unsigned __int128 attempt = root | (unsigned __int128)1 << bit;
        unsigned __int128 power = cube ? attempt * attempt * attempt : attempt * attempt;
        if (power <= (unsigned __int128)prime << (cube ? 96 : 64))
            root = attempt;
    }
    return (uint32_t)root;
}

static uint32_t round_constants[64], start[8];
static void make_constants(void) {
    int count = 0;
    for (int number = 2; count < 64; number++) {
        int prime = 1;
        for (int i = 2; i * i <= number; i++)
            prime &= number % i != 0;
        if (!prime)
            continue;
        if (count < 8)
            start[count] = fraction_of_root(number, 0);
        round_constants[count++] = fraction_of_root(number, 1);
    }
}

static void block(uint32_t state[8], const unsigned char *at) {
    uint32_t w[64], s[8];
    for (int i = 0; i < 16; i++)
        w[i] = big_endian(at + 4 * i);
    for (int i = 16; i < 64; i++) {
        uint32_t a = w[i - 15], b = w[i - 2];
        w[i] = w[i - 16] + w[i - 7] + (turn(a, 7) ^ turn(a, 18) ^ a >> 3) + (turn(b, 17) ^ turn(b, 19) ^ b >> 10);
    }
    memcpy(s, state, sizeof s);
    for (int i = 0; i < 64; i++) {
        uint32_t choice = (s[4] & s[5]) ^ (~s[4] & s[6]), most = (s[0] & s[1]) ^ (s[0] & s[2]) ^ (s[1] & s[2]);
        uint32_t one = s[7] + (turn(s[4], 6) ^ turn(s[4], 11) ^ turn(s[4], 25)) + choice + round_constants[i] + w[i];
        uint32_t two = (turn(s[0], 2) ^ turn(s[0], 13) ^ turn(s[0], 22)) + most;
        for (int j = 7; j > 0; j--)
            s[j] = s[j - 1];
        s[4] += one;
        s[0] = one + two;
    }
    for (int i = 0; i < 8; i++)
        state[i] += s[i];
}

/* `size` below 2^29. */
static void digest(const unsigned char *at, size_t size, uint32_t state[8]) {
    unsigned char last[128] = {0};
    memcpy(state, start, sizeof start);
    size_t left = size;
    for (; left >= 64; left -= 64, at += 64)
        block(state, at);
    memcpy(last, at, left);
    last[left] = 0x80;
    size_t end = left < 56 ? 64 : 128;
    for (int i = 0; i < 4; i++)
        last[end - 1 - (size_t)i] = (unsigned char)(size * 8 >> 8 * i);
    for (size_t done = 0; done < end; done += 64)
        block(state, last + done);
}

static uint64_t sha256(void) {
    uint32_t state[8];
    digest((const unsigned char *)"abc", 3, state);
    if (state[0] != 0xba7816bfu || state[7] != 0xf20015adu)
        abort();
    digest(data, SIZE, state);
    return (uint64_t)state[0] << 32 | state[7];
}

static uint32_t crc_table[256];
static void make_table(void) {
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t value = byte;
        for (int bit = 0; bit < 8; bit++)
            value = value & 1 ? value >> 1 ^ 0xedb88320u : value >> 1;
        crc_table[byte] = value;
    }
}

static uint32_t crc(const unsigned char *at, size_t size) {
    uint32_t value = 0xffffffffu;
    for (size_t i = 0; i < size; i++)
        value = value >> 8 ^ crc_table[(value ^ at[i]) & 255];
    return ~value;
}

static uint64_t crc32(void) {
    if (crc((const unsigned char *)"123456789", 9) != 0xcbf43926u)
        abort();
    return crc(data, SIZE);
}

static uint64_t lanes64(void) {
    uint64_t lane[4] = {1, 2, 3, 4}, hash = 0;
    for (const unsigned char *at = data; at < data + SIZE; at += 32)
        for (int i = 0; i < 4; i++) {
            uint64_t word;
            memcpy(&word, at + 8 * i, 8);
            lane[i] += word * 0xc2b2ae3d27d4eb4fu;
            lane[i] = (lane[i] << 31 | lane[i] >> 33) * 0x9e3779b185ebca87u;
        }
    for (int i = 0; i < 4; i++)
        hash = (hash ^ lane[i]) * 0x165667b19e3779f9u;
    return hash ^ hash >> 32;
}

static uint64_t sums(void) {
    uint32_t a = 1, b = 0;
    for (size_t i = 0; i < SIZE; i += 4096) {
        for (size_t j = 0; j < 4096; j++) {
            a += data[i + j];
            b += a;
        }
        a %= 65521;
        b %= 65521;
    }
    return (uint64_t)b << 16 | a;
}

int main(int argc, char **argv) {
    static const struct kernel kernels[] = {
        {"sha256", sha256, NULL, NULL},
        {"crc32", crc32, NULL, NULL},
        {"hash64", lanes64, NULL, NULL},
        {"adler", sums, NULL, NULL},
        {0},
    };
    fill();
    make_constants();
    make_table();
    return bench_main(argc, argv, kernels);
}
