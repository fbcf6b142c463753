#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

struct point { int x, y; double z; };

__attribute__((noinline)) static int64_t total(const char *kinds, ...) {
    va_list list;
    va_start(list, kinds);
    int64_t sum = 0;
    for (; *kinds; kinds++) {
        switch (*kinds) {
        case 'i': sum += va_arg(list, int); break;
        case 'l': sum += va_arg(list, int64_t); break;
        case 'd': sum += (int64_t)(va_arg(list, double) * 1000); break;
        case 's': sum += (int64_t)strlen(va_arg(list, char *)); break;
        case 'p': {
            struct point p = va_arg(list, struct point);
            sum += p.x + p.y + (int64_t)(p.z * 10);
            break;
        }
        case 'f': sum += va_arg(list, int (*)(int))(5); break;
        }
    }
    va_end(list);
    return sum;
}

static int format(char *buffer, size_t size, const char *text, ...) {
    va_list list, again;
    va_start(list, text);
    va_copy(again, list);
    int needed = vsnprintf(NULL, 0, text, again);
    va_end(again);
    vsnprintf(buffer, size, text, list);
    va_end(list);
    return needed;
}

static int triple(int v) { return v * 3; }

int main(void) {
    printf("%lld\n", (long long)total(""));
    printf("%lld\n", (long long)total("iii", 1, 2, 3));
    printf("%lld\n", (long long)total("ilids", 1, INT64_C(1) << 40, -5, 2.5, "four"));
    printf("%lld\n", (long long)total("pfp", (struct point){1, 2, 3.5}, triple, (struct point){10, 20, 30.5}));
    printf("%lld\n", (long long)total("iiiiiiiiiiiiiiiiddddddddddddlll", 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15,
                                      16, 1., 2., 3., 4., 5., 6., 7., 8., 9., 10., 11., 12., INT64_MAX / 2, (int64_t)-1, (int64_t)1));
    char buffer[40];
    int needed = format(buffer, sizeof buffer, "%s/%05d/%c/%.3f/%lld", "text", 42, 'z', 2.0 / 3, -1LL);
    printf("%d '%s'\n", needed, buffer);
    return 0;
}
