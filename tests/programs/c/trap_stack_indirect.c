/* The same by way of a function that is called through the table, with a large frame of locals. */
#include <stdint.h>
#include <stdio.h>

typedef double (*step)(double, double, double, double, double, double, double, double, double, double);
static volatile step next;

static double fall(double a, double b, double c, double d, double e, double f, double g, double h, double i, double j) {
    return next(b + 1, c * 2, d, e, f, g, h, i, j, a) * a + b * c + d * e + f * g + h * i - j;
}

int main(int argc, char **argv) {
    (void)argv;
    next = fall;
    puts("before");
    fflush(stdout);
    printf("%g\n", next(argc, 2, 3, 4, 5, 6, 7, 8, 9, 10));
    return 0;
}
