#include <stdint.h>
#include <stdio.h>

__attribute__((noinline)) static uint64_t whole(volatile float *v) {
    return (uint64_t)__builtin_wasm_trunc_u_i64_f32(*v);
}

int main(void) {
    float v = 18446742974197923840.0f; /* the largest below 2^64 */
    printf("%llu\n", (unsigned long long)whole(&v));
    v = -0.99f;
    printf("%llu\n", (unsigned long long)whole(&v));
    fflush(stdout);
    v = 18446744073709551616.0f;
    printf("%llu\n", (unsigned long long)whole(&v));
    return 0;
}
