#include <math.h>
#include <stdio.h>

__attribute__((noinline)) static int whole(volatile double *v) { return __builtin_wasm_trunc_s_i32_f64(*v); }

int main(void) {
    double v = -2147483648.9;
    printf("%d\n", whole(&v));
    fflush(stdout);
    v = NAN;
    printf("%d\n", whole(&v));
    return 0;
}
