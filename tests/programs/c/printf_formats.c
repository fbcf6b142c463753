/* Every kind of printf conversion, with flags, widths and precisions, plus snprintf's truncation. */
#include <float.h>
#include <inttypes.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <wchar.h>

static void integers(void) {
    const int values[] = {0, 1, -1, 42, -12345, INT_MAX, INT_MIN};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        int v = values[i];
        printf("[%d] [%i] [%5d] [%-8d] [%08d] [%+d] [% d] [%.6d] [%10.4d]\n", v, v, v, v, v, v, v, v, v);
        printf("[%u] [%o] [%#o] [%x] [%#x] [%X] [%#010X]\n", (unsigned)v, (unsigned)v, (unsigned)v, (unsigned)v,
               (unsigned)v, (unsigned)v, (unsigned)v);
    }
    printf("[%hhd] [%hd] [%ld] [%lld] [%jd] [%zd] [%td]\n", (char)-5, (short)-300, LONG_MIN, LLONG_MIN, INTMAX_MAX,
           (size_t)123, (ptrdiff_t)-77);
    printf("[%" PRIu64 "] [%" PRIx64 "] [%20" PRId64 "] [%-20" PRId64 "|]\n", UINT64_MAX, UINT64_C(0xdeadbeefcafef00d),
           INT64_MAX, INT64_MIN);
    printf("[%*d] [%-*d] [%.*d]\n", 7, 12, 7, 12, 5, 12);
}

static void floats(void) {
    const double values[] = {0.0, -0.0, 1.0, -1.5, 3.141592653589793, 1e10, 1e-10, 123456789.123456789,
                             DBL_MAX, DBL_MIN, DBL_EPSILON, 5e-324, 0.1, 2.5, 3.5, 1.0 / 3.0};
    for (size_t i = 0; i < sizeof values / sizeof *values; i++) {
        double v = values[i];
        printf("[%f] [%.0f] [%.3f] [%12.2f] [%-12.2f] [%+012.4f]\n", v, v, v, v, v, v);
        printf("[%e] [%.10e] [%E] [%g] [%G] [%#g] [%.17g]\n", v, v, v, v, v, v, v);
        printf("[%a] [%A] [%.3a]\n", v, v, v);
    }
    printf("[%f] [%e] [%G] [%5.1f]\n", 1.0 / 0.0, -1.0 / 0.0, 1.0 / 0.0, 1.0 / 0.0);
    printf("[%Lf] [%Lg] [%La]\n", 1.25L, 1e300L, 0.5L);
}

static void text(void) {
    printf("[%s] [%10s] [%-10s] [%.3s] [%10.3s] [%c] [%5c] [%-5c] [%%]\n", "string", "right", "left", "truncated",
           "both", 'x', 'y', 'z');
    printf("[%p]\n", (void *)0x1234);
    printf("[%2$s %1$s]\n", "second", "first");
    int count = -1;
    printf("counted%n\n", &count);
    printf("%d characters\n", count);
    char buffer[8];
    int length = snprintf(buffer, sizeof buffer, "%s-%d", "truncate", 99);
    printf("[%s] %d %zu\n", buffer, length, strlen(buffer));
    printf("%d\n", snprintf(NULL, 0, "%d", 123456));
    putchar('A');
    putc('\n', stdout);
    fputs("fputs\n", stdout);
    fwrite("fwrite\n", 1, 7, stdout);
    printf("[%ls] [%lc]\n", L"wide", (wint_t)L'w');
}

int main(void) {
    integers();
    floats();
    text();
    fprintf(stderr, "%s to standard error: %d\n", "one line", 7);
    return 0;
}
