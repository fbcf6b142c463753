/* Structures returned as several results (clang's experimental ABI), through direct, indirect and recursive calls. */
#include <stdint.h>
#include <stdio.h>

#define APART __attribute__((noinline))

struct pair {
    int64_t quotient, remainder;
};
struct mixed {
    int8_t byte;
    float single;
    int64_t wide;
    double real;
    uint16_t half;
    const char *text;
};
struct quaternion {
    double w, x, y, z;
};
struct many {
    int values[12];
};
struct nested {
    struct pair pair;
    struct {
        float a, b;
    } inner;
};

APART static struct pair divide(int64_t a, int64_t b) { return (struct pair){a / b, a % b}; }
APART static struct mixed mix(int n) {
    return (struct mixed){(int8_t)n, (float)n / 3, (int64_t)n << 33, (double)n / 7, (uint16_t)(n * 77), n & 1 ? "odd" : "even"};
}
APART static struct quaternion product(struct quaternion a, struct quaternion b) {
    return (struct quaternion){
        a.w * b.w - a.x * b.x - a.y * b.y - a.z * b.z, a.w * b.x + a.x * b.w + a.y * b.z - a.z * b.y,
        a.w * b.y - a.x * b.z + a.y * b.w + a.z * b.x, a.w * b.z + a.x * b.y - a.y * b.x + a.z * b.w};
}
APART static struct many spread(int n) {
    struct many many;
    for (int i = 0; i < 12; i++)
        many.values[i] = n * i + (i ^ n);
    return many;
}
APART static struct nested nest(int n) {
    return (struct nested){divide(n * 1000003ll, 17), {(float)n + 0.5f, (float)n - 0.25f}};
}
APART static struct pair fibonacci(int n) { /* F(n) and F(n + 1), by doubling */
    if (n == 0)
        return (struct pair){0, 1};
    struct pair half = fibonacci(n / 2);
    int64_t c = half.quotient * (half.remainder * 2 - half.quotient);
    int64_t d = half.quotient * half.quotient + half.remainder * half.remainder;
    return n % 2 ? (struct pair){d, c + d} : (struct pair){c, d};
}
typedef struct pair (*operation)(int64_t, int64_t);
APART static struct pair minmax(int64_t a, int64_t b) { return a < b ? (struct pair){a, b} : (struct pair){b, a}; }
APART static struct pair sum_difference(int64_t a, int64_t b) { return (struct pair){a + b, a - b}; }
static operation volatile operations[] = {divide, minmax, sum_difference};

APART static struct pair extended_gcd(int64_t a, int64_t b, int64_t *gcd) {
    if (b == 0) {
        *gcd = a;
        return (struct pair){1, 0};
    }
    struct pair below = extended_gcd(b, a % b, gcd), step = divide(a, b);
    return (struct pair){below.remainder, below.quotient - step.quotient * below.remainder};
}

int main(void) {
    for (int i = 0; i < 3; i++) {
        struct pair pair = operations[i](-1234567890123, 98765);
        printf("%lld %lld\n", (long long)pair.quotient, (long long)pair.remainder);
    }
    for (int n = -3; n < 4; n += 3) {
        struct mixed mixed = mix(n);
        printf("%d %g %lld %g %u %s\n", mixed.byte, (double)mixed.single, (long long)mixed.wide, mixed.real, mixed.half, mixed.text);
        struct nested nested = nest(n);
        printf("%lld %lld %g %g\n", (long long)nested.pair.quotient, (long long)nested.pair.remainder,
               (double)nested.inner.a, (double)nested.inner.b);
        struct many many = spread(n);
        for (int i = 0; i < 12; i++)
            printf("%d ", many.values[i]);
        printf("\n");
    }
    struct quaternion turn = {0.8, 0.36, -0.48, 0}, point = {1, 2, 3, 4};
    for (int i = 0; i < 1000; i++)
        point = product(product(turn, point), (struct quaternion){turn.w, -turn.x, -turn.y, -turn.z});
    printf("%.12g %.12g %.12g %.12g\n", point.w, point.x, point.y, point.z);
    printf("%lld\n", (long long)fibonacci(90).quotient);
    int64_t gcd;
    struct pair bezout = extended_gcd(1234567890, 987654321, &gcd);
    printf("%lld %lld %lld\n", (long long)bezout.quotient, (long long)bezout.remainder, (long long)gcd);
    return 0;
}
