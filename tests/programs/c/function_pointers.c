/* Dispatch tables, callbacks with a context, function pointers in structs, returned, compared and of many types. */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef int64_t (*operation)(int64_t, int64_t);
static int64_t add(int64_t a, int64_t b) { return a + b; }
static int64_t subtract(int64_t a, int64_t b) { return a - b; }
static int64_t multiply(int64_t a, int64_t b) { return a * b; }
static int64_t larger(int64_t a, int64_t b) { return a > b ? a : b; }
static const struct {
    char symbol;
    operation apply;
} operations[] = {{'+', add}, {'-', subtract}, {'*', multiply}, {'^', larger}};

static operation find(char symbol) {
    for (size_t i = 0; i < sizeof operations / sizeof *operations; i++)
        if (operations[i].symbol == symbol)
            return operations[i].apply;
    return NULL;
}

/* Objects by hand: a table of methods for each class. */
struct shape;
struct methods {
    const char *name;
    double (*area)(const struct shape *);
    void (*scale)(struct shape *, float);
};
struct shape {
    const struct methods *methods;
    float a, b;
};
static double circle_area(const struct shape *s) { return 3.0 * (double)s->a * (double)s->a; }
static double box_area(const struct shape *s) { return (double)s->a * (double)s->b; }
static void circle_scale(struct shape *s, float by) { s->a *= by; }
static void box_scale(struct shape *s, float by) {
    s->a *= by;
    s->b *= by;
}
static const struct methods circle = {"circle", circle_area, circle_scale}, box = {"box", box_area, box_scale};

static void each(const int *values, int count, void (*visit)(int, void *), void *context) {
    for (int i = 0; i < count; i++)
        visit(values[i], context);
}
static void sum_visitor(int v, void *context) { *(int64_t *)context += v; }
static void max_visitor(int v, void *context) {
    if (v > *(int *)context)
        *(int *)context = v;
}

/* One function of each shape that a call through a table may take. */
static float many(int a, int64_t b, float c, double d, int e, int64_t f, float g, double h, int i, int j, int k,
                  double l, double m, double n, double o, double p, double q, double r) {
    return (float)((double)(a + b) + (double)c + d + (double)(e + f) + (double)g + h + i * 100 + j * 1000 + k * 10000 +
                   l + m + n + o + p + q + r);
}
static void nothing(void) { puts("nothing"); }
static double only_double(double v) { return v * 2; }

static void at_exit_one(void) { puts("first registered, last run"); }
static void at_exit_two(void) { puts("last registered, first run"); }

int main(void) {
    for (const char *p = "+-*^?"; *p; p++) {
        operation apply = find(*p);
        if (apply)
            printf("7 %c 5 = %lld\n", *p, (long long)apply(7, 5));
        else
            printf("no operation %c\n", *p);
    }
    struct shape shapes[] = {{&circle, 2, 0}, {&box, 3, 4}, {&circle, 1, 0}};
    for (int i = 0; i < 3; i++) {
        double before = shapes[i].methods->area(&shapes[i]);
        shapes[i].methods->scale(&shapes[i], 1.5f);
        printf("%s %g %g\n", shapes[i].methods->name, before, shapes[i].methods->area(&shapes[i]));
    }
    int values[] = {3, 1, 4, 1, 5, 9, 2, 6};
    int64_t total = 0;
    int greatest = 0;
    each(values, 8, sum_visitor, &total);
    each(values, 8, max_visitor, &greatest);
    printf("%lld %d\n", (long long)total, greatest);
    float (*volatile call_many)(int, int64_t, float, double, int, int64_t, float, double, int, int, int, double, double,
                                double, double, double, double, double) = many;
    printf("%g\n", (double)call_many(1, 2, 3, 4, 5, 6, 7, 8, 1, 2, 3, .5, .25, 1, 2, 3, 4, 5));
    void (*volatile call_nothing)(void) = nothing;
    double (*volatile call_double)(double) = only_double;
    call_nothing();
    printf("%g %d %d\n", call_double(1.25), call_nothing == nothing, find('+') == find('-'));
    uint64_t accumulator = 1;
    for (unsigned i = 0; i < 100000; i++)
        accumulator = (uint64_t)operations[(accumulator >> 7 ^ i) & 3].apply((int64_t)accumulator, (int64_t)i * 3 + 1);
    printf("%llx\n", (unsigned long long)accumulator);
    atexit(at_exit_one);
    atexit(at_exit_two);
    return 0;
}
