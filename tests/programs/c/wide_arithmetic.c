/* 128-bit integers in the instructions of the wide-arithmetic proposal: i64.add128, i64.sub128, i64.mul_wide_s and _u. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

typedef unsigned __int128 u128;
typedef __int128 s128;
#define APART __attribute__((noinline))

static void print(const char *what, u128 value) {
    printf("%s %016llx%016llx\n", what, (unsigned long long)(value >> 64), (unsigned long long)value);
}

APART static u128 add(u128 a, u128 b) { return a + b; }
APART static u128 subtract(u128 a, u128 b) { return a - b; }
APART static u128 multiply(uint64_t a, uint64_t b) { return (u128)a * b; }
APART static s128 multiply_signed(int64_t a, int64_t b) { return (s128)a * b; }
APART static u128 multiply_wide(u128 a, u128 b) { return a * b; }
APART static uint64_t high(uint64_t a, uint64_t b) { return (uint64_t)((u128)a * b >> 64); }
APART static int64_t high_signed(int64_t a, int64_t b) { return (int64_t)((s128)a * b >> 64); }
APART static int sum_overflows(uint64_t a, uint64_t b, uint64_t *sum) { return __builtin_add_overflow(a, b, sum); }
APART static int product_overflows(int64_t a, int64_t b, int64_t *product) { return __builtin_mul_overflow(a, b, product); }

/* Numbers of many 64-bit digits, the least significant first. */
enum { DIGITS = 64 };
struct big {
    uint64_t digits[DIGITS];
};
APART static void big_add(struct big *a, const struct big *b) {
    u128 carry = 0;
    for (int i = 0; i < DIGITS; i++) {
        carry += (u128)a->digits[i] + b->digits[i];
        a->digits[i] = (uint64_t)carry;
        carry >>= 64;
    }
}
APART static void big_subtract(struct big *a, const struct big *b) {
    s128 borrow = 0;
    for (int i = 0; i < DIGITS; i++) {
        borrow += (s128)(u128)a->digits[i] - (s128)(u128)b->digits[i];
        a->digits[i] = (uint64_t)borrow;
        borrow >>= 64;
    }
}
APART static void big_scale(struct big *a, uint64_t factor) {
    uint64_t carry = 0;
    for (int i = 0; i < DIGITS; i++) {
        u128 product = (u128)a->digits[i] * factor + carry;
        a->digits[i] = (uint64_t)product;
        carry = (uint64_t)(product >> 64);
    }
}
APART static void big_multiply(struct big *result, const struct big *a, const struct big *b) {
    memset(result, 0, sizeof *result);
    for (int i = 0; i < DIGITS; i++) {
        uint64_t carry = 0;
        for (int j = 0; i + j < DIGITS; j++) {
            u128 sum = (u128)a->digits[i] * b->digits[j] + result->digits[i + j] + carry;
            result->digits[i + j] = (uint64_t)sum;
            carry = (uint64_t)(sum >> 64);
        }
    }
}
static void big_print(const char *what, const struct big *a) {
    int top = DIGITS - 1;
    while (top > 0 && a->digits[top] == 0)
        top--;
    printf("%s ", what);
    for (; top >= 0; top--)
        printf("%016llx", (unsigned long long)a->digits[top]);
    printf("\n");
}

/* Modular arithmetic as in primality tests. */
APART static uint64_t power(uint64_t base, uint64_t exponent, uint64_t modulus) {
    uint64_t result = 1;
    for (; exponent; exponent >>= 1) {
        if (exponent & 1)
            result = (uint64_t)((u128)result * base % modulus);
        base = (uint64_t)((u128)base * base % modulus);
    }
    return result;
}
/* A random generator with 128 bits of state. */
static u128 state = 42;
APART static uint64_t next(void) {
    state = state * (((u128)0x2360ed051fc65da4 << 64) | 0x4385df649fccf645) +
            (((u128)0x5851f42d4c957f2d << 64) | 0x14057b7ef767814f);
    uint64_t folded = (uint64_t)(state >> 64) ^ (uint64_t)state;
    unsigned turn = (unsigned)(state >> 122);
    return folded >> turn | folded << (-turn & 63);
}

int main(void) {
    static const uint64_t values[] = {0, 1, 2, 0x7fffffffffffffff, 0x8000000000000000, 0x8000000000000001,
                                      0xffffffffffffffff, 0xfffffffffffffffe, 0x123456789abcdef, 0xfedcba9876543210};
    enum { COUNT = sizeof values / sizeof values[0] };
    for (int i = 0; i < COUNT; i++) {
        for (int j = 0; j < COUNT; j++) {
            uint64_t a = values[i], b = values[j], sum;
            int64_t product;
            print("product", multiply(a, b));
            print("signed ", (u128)multiply_signed((int64_t)a, (int64_t)b));
            printf("high    %llx %llx\n", (unsigned long long)high(a, b), (unsigned long long)high_signed((int64_t)a, (int64_t)b));
            u128 x = (u128)a << 64 | b, y = (u128)b << 64 | values[(i + j) % COUNT];
            print("sum    ", add(x, y));
            print("less   ", subtract(x, y));
            print("times  ", multiply_wide(x, y));
            int carry = sum_overflows(a, b, &sum), overflow = product_overflows((int64_t)a, (int64_t)b, &product);
            printf("carry %d overflow %d %llx %llx\n", carry, overflow, (unsigned long long)sum, (unsigned long long)product);
        }
    }
    struct big factorial = {{1}}, fibonacci = {{0}}, before = {{1}}, square;
    for (uint64_t i = 1; i <= 400; i++)
        big_scale(&factorial, i);
    big_print("400!", &factorial);
    for (int i = 0; i < 5000; i++) {
        struct big sum = fibonacci;
        big_add(&sum, &before);
        before = fibonacci;
        fibonacci = sum;
    }
    big_print("fibonacci", &fibonacci);
    big_multiply(&square, &factorial, &fibonacci);
    big_print("their product", &square);
    big_subtract(&fibonacci, &factorial);
    big_print("their difference", &fibonacci);
    printf("%llx\n", (unsigned long long)power(3, 0xffffffffffffffc4, 0xffffffffffffffc5));
    printf("%llx\n", (unsigned long long)power(7, 0xfffffffffffffffe, 0xffffffffffffffff));
    uint64_t sum = 0;
    for (int i = 0; i < 1000000; i++)
        sum = (sum << 7 | sum >> 57) + next();
    printf("random %llx\n", (unsigned long long)sum);
    return 0;
}
