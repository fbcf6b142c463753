/* Structs by value: small, large, nested, with bit fields and unions, as parameters, results and array elements. */
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct pair { int a, b; };
struct single { double v; };
struct big { int64_t values[20]; char tag; };
struct mixed { char c; double d; short s; float f; int64_t l; };
struct flags { unsigned a : 3, b : 5, c : 1; int d : 7; uint64_t e : 40; };
union view { uint64_t whole; uint8_t bytes[8]; float floats[2]; };
struct matrix { float m[3][3]; };

__attribute__((noinline)) static struct pair swap(struct pair p) { return (struct pair){p.b, p.a}; }
__attribute__((noinline)) static struct single twice(struct single s) { s.v *= 2; return s; }
__attribute__((noinline)) static struct big shift(struct big b, int by) {
    struct big r = b;
    for (int i = 0; i < 20; i++)
        r.values[i] = b.values[(i + by) % 20] + i;
    r.tag++;
    b.tag = 'x'; /* the caller's copy must not change */
    return r;
}
__attribute__((noinline)) static struct mixed combine(struct mixed a, struct mixed b) {
    return (struct mixed){(char)(a.c + b.c), a.d + b.d, (short)(a.s + b.s), a.f + b.f, a.l + b.l};
}
__attribute__((noinline)) static struct matrix multiply(struct matrix a, struct matrix b) {
    struct matrix r = {{{0}}};
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++)
            for (int k = 0; k < 3; k++)
                r.m[i][j] += a.m[i][k] * b.m[k][j];
    return r;
}
static struct big recurse(struct big b, int n) { return n == 0 ? b : recurse(shift(b, n), n - 1); }

int main(void) {
    struct pair p = swap(swap(swap((struct pair){1, 2})));
    printf("%d %d %g\n", p.a, p.b, twice(twice((struct single){1.5})).v);
    struct big b = {.tag = 'a'};
    for (int i = 0; i < 20; i++)
        b.values[i] = i * i;
    struct big r = recurse(b, 10);
    int64_t hash = 0;
    for (int i = 0; i < 20; i++)
        hash = hash * 33 + r.values[i];
    printf("%lld %c %c\n", (long long)hash, r.tag, b.tag);
    struct mixed m = combine((struct mixed){1, 2.5, 3, 4.5f, 5}, (struct mixed){10, 20.25, -30, 40.75f, -500000000000});
    printf("%d %g %d %g %lld\n", m.c, m.d, m.s, (double)m.f, (long long)m.l);
    struct flags f = {.a = 7, .b = 17, .c = 1, .d = -5, .e = 0xffffffffff};
    f.a++;
    f.d -= 60;
    f.e += 2;
    printf("%u %u %u %d %llu\n", f.a, f.b, f.c, f.d, (unsigned long long)f.e);
    union view v = {.whole = 0x400921fb54442d18};
    for (int i = 0; i < 8; i++)
        printf("%02x", v.bytes[i]);
    printf(" %a %a\n", (double)v.floats[0], (double)v.floats[1]);
    struct matrix x = {{{1, 2, 3}, {4, 5, 6}, {7, 8, 10}}}, y = x;
    for (int i = 0; i < 5; i++)
        y = multiply(y, x);
    printf("%a %a %a\n", (double)y.m[0][0], (double)y.m[1][2], (double)y.m[2][1]);
    struct mixed array[4];
    memset(array, 0, sizeof array);
    array[2] = m;
    array[3] = array[2];
    printf("%d %zu %zu %zu\n", memcmp(&array[3].l, &m.l, 8), offsetof(struct mixed, l), sizeof(struct mixed), sizeof(struct flags));
    return 0;
}
