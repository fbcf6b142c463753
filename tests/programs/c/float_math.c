/* All of math.h in exact hexadecimal, so that no rounding, contraction or constant folding goes unseen. The sign
 * and payload of a NaN are the machine's to choose in WebAssembly and are not printed. */
#include <complex.h>
#include <float.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static void show(const char *name, double v) {
    if (isnan(v))
        printf(" %s=nan", name);
    else
        printf(" %s=%a", name, v);
}

static const double values[] = {0.0,  -0.0, 0.5,  -0.5,  1.0,     -1.0,    1.5,      2.5,      -2.5,   3.5,   0.1,
                                10.0, 1e10, 1e-9, 1e300, -1e300,  0.49999999999999994, 4503599627370497.5, 709.5,
                                DBL_MAX, DBL_MIN, 5e-324, INFINITY, -INFINITY, NAN, 3.141592653589793, -123.456};
enum { COUNT = sizeof values / sizeof *values };

#define UNARY(F) F(sqrt) F(cbrt) F(sin) F(cos) F(tan) F(asin) F(acos) F(atan) F(sinh) F(cosh) F(tanh) F(asinh) \
    F(acosh) F(atanh) F(exp) F(exp2) F(expm1) F(log) F(log2) F(log10) F(log1p) F(logb) F(fabs) F(floor) F(ceil) \
    F(trunc) F(round) F(rint) F(nearbyint) F(erf) F(erfc) F(tgamma) F(lgamma)
#define BINARY(F) F(pow) F(fmod) F(remainder) F(atan2) F(hypot) F(copysign) F(nextafter) F(fdim) F(fmin) F(fmax)

static void unary(double x) {
    printf("%a:", x != x ? 0.0 : x);
#define CALL(f) show(#f, f(x));
    UNARY(CALL)
#undef CALL
    int exponent = 0;
    double whole;
    show("frexp", frexp(x, &exponent));
    if (isfinite(x))
        printf(" exponent=%d", exponent);
    show("modf", modf(x, &whole));
    show("whole", whole);
    show("ldexp", ldexp(x, 7));
    show("scalbn", scalbn(x, -30));
    if (fabs(x) < 1e9)
        printf(" lrint=%ld lround=%ld llround=%lld", lrint(x), lround(x), llround(x));
    printf(" class=%d%d%d%d\n", isfinite(x) != 0, isinf(x) != 0, isnan(x) != 0, isnormal(x) != 0);
}

static void single(float x) {
    printf("float %a:", x != x ? 0.0 : (double)x);
#define CALL(name) show(#name, (double)name##f(x));
    CALL(sqrt) CALL(sin) CALL(cos) CALL(tan) CALL(exp) CALL(log) CALL(floor) CALL(ceil) CALL(trunc) CALL(rint)
    CALL(round) CALL(cbrt) CALL(atan) CALL(tanh)
#undef CALL
    show("pow", (double)powf(x, 1.25f));
    show("fma", (double)fmaf(x, x, -x));
    puts("");
}

/* Would differ if a compiler fused the multiplication and the addition, or kept excess precision. */
static double polynomial(double x) {
    double sum = 0;
    for (int i = 1; i < 20; i++)
        sum = sum * x + 1.0 / i;
    return sum;
}

int main(void) {
    for (int i = 0; i < COUNT; i++)
        unary(values[i]);
    for (int i = 0; i < COUNT; i++) {
        for (int j = 0; j < COUNT; j++) {
            double x = values[i], y = values[j];
            uint64_t hash = 0;
#define CALL(f)                                     \
    do {                                            \
        double v = f(x, y);                         \
        uint64_t bits;                              \
        memcpy(&bits, &v, sizeof bits);             \
        hash = hash * 1000003 + (isnan(v) ? 1 : bits); \
    } while (0);
            BINARY(CALL)
            CALL(x + y; (void)) CALL(x * y; (void)) CALL(x / y; (void)) CALL(x - y; (void))
#undef CALL
            printf("%016llx%c", (unsigned long long)hash, j + 1 == COUNT ? '\n' : ' ');
        }
    }
    for (int i = 0; i < COUNT; i++)
        single((float)values[i]);
    show("fma", fma(0x1.0000000000001p0, 0x1.0000000000001p0, -1.0));
    show("polynomial", polynomial(0.7));
    show("polynomial", polynomial(-1.3));
    double complex z = cexp(I * 1.25) * (2.0 + 3.0 * I);
    show("creal", creal(z));
    show("cimag", cimag(csqrt(z)));
    volatile double x = 1e16, one = 1.0;
    show("ordered", (x + one) + one);
    show("reordered", x + (one + one));
    volatile float small = 16777216.0f;
    show("float ordered", (double)((small + 1.0f) + 1.0f));
    volatile double tiny = DBL_MIN;
    show("subnormal", tiny / 3.0);
    puts("");
    return 0;
}
