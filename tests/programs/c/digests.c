/* SHA-256, CRC-32, Adler-32 and FNV over generated data and standard input. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static const uint32_t round_constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5, 0xd807aa98, 0x12835b01,
    0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174, 0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc,
    0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da, 0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147,
    0x06ca6351, 0x14292967, 0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070, 0x19a4c116, 0x1e376c08,
    0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3, 0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208,
    0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

struct sha256 {
    uint32_t state[8];
    uint64_t length;
    uint8_t block[64];
};

static uint32_t rotate(uint32_t v, int by) { return v >> by | v << (32 - by); }

static void compress(struct sha256 *s) {
    uint32_t w[64], v[8];
    for (int i = 0; i < 16; i++)
        w[i] = (uint32_t)s->block[i * 4] << 24 | (uint32_t)s->block[i * 4 + 1] << 16 | (uint32_t)s->block[i * 4 + 2] << 8 |
               s->block[i * 4 + 3];
    for (int i = 16; i < 64; i++) {
        uint32_t a = rotate(w[i - 15], 7) ^ rotate(w[i - 15], 18) ^ w[i - 15] >> 3;
        uint32_t b = rotate(w[i - 2], 17) ^ rotate(w[i - 2], 19) ^ w[i - 2] >> 10;
        w[i] = w[i - 16] + a + w[i - 7] + b;
    }
    memcpy(v, s->state, sizeof v);
    for (int i = 0; i < 64; i++) {
        uint32_t e = v[4], a = v[0];
        uint32_t t = v[7] + (rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25)) + ((e & v[5]) ^ (~e & v[6])) + round_constants[i] + w[i];
        uint32_t u = (rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22)) + ((a & v[1]) ^ (a & v[2]) ^ (v[1] & v[2]));
        memmove(v + 1, v, 7 * sizeof *v);
        v[4] += t;
        v[0] = t + u;
    }
    for (int i = 0; i < 8; i++)
        s->state[i] += v[i];
}

static void start(struct sha256 *s) {
    static const uint32_t initial[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
    memcpy(s->state, initial, sizeof initial);
    s->length = 0;
}
static void update(struct sha256 *s, const uint8_t *bytes, size_t count) {
    while (count--) {
        s->block[s->length++ % 64] = *bytes++;
        if (s->length % 64 == 0)
            compress(s);
    }
}
static void finish(struct sha256 *s, const char *label) {
    uint64_t bits = s->length * 8;
    update(s, (const uint8_t *)"\x80", 1);
    while (s->length % 64 != 56)
        update(s, (const uint8_t *)"", 1);
    for (int i = 7; i >= 0; i--)
        update(s, &(uint8_t){(uint8_t)(bits >> (i * 8))}, 1);
    printf("%s ", label);
    for (int i = 0; i < 8; i++)
        printf("%08x", s->state[i]);
    puts("");
}

static uint32_t crc_table[256];
static uint32_t crc32(uint32_t crc, const uint8_t *bytes, size_t count) {
    crc = ~crc;
    while (count--)
        crc = crc_table[(crc ^ *bytes++) & 255] ^ crc >> 8;
    return ~crc;
}

int main(void) {
    for (uint32_t i = 0; i < 256; i++) {
        uint32_t c = i;
        for (int k = 0; k < 8; k++)
            c = c & 1 ? 0xedb88320 ^ c >> 1 : c >> 1;
        crc_table[i] = c;
    }
    struct sha256 s;
    start(&s);
    finish(&s, "empty");
    start(&s);
    update(&s, (const uint8_t *)"abc", 3);
    finish(&s, "abc");
    printf("crc %08x\n", crc32(0, (const uint8_t *)"123456789", 9));
    static uint8_t data[1 << 20];
    uint32_t seed = 7, a = 1, b = 0;
    uint64_t fnv = UINT64_C(14695981039346656037);
    for (size_t i = 0; i < sizeof data; i++) {
        seed = seed * 1103515245 + 12345;
        data[i] = (uint8_t)(seed >> 16);
        a = (a + data[i]) % 65521;
        b = (b + a) % 65521;
        fnv = (fnv ^ data[i]) * UINT64_C(1099511628211);
    }
    start(&s);
    update(&s, data, sizeof data);
    finish(&s, "megabyte");
    printf("crc %08x adler %04x%04x fnv %016llx\n", crc32(0, data, sizeof data), b, a, (unsigned long long)fnv);
    start(&s);
    size_t length;
    uint32_t crc = 0;
    while ((length = fread(data, 1, 1000, stdin)) > 0) {
        update(&s, data, length);
        crc = crc32(crc, data, length);
    }
    finish(&s, "stdin");
    printf("crc %08x, %llu bytes\n", crc, (unsigned long long)s.length);
    return 0;
}
