/* Conversions between integers and floats at their limits: saturating (nontrapping-fptoint), demotion, bit casts. */
#include <inttypes.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

static const double doubles[] = {0.0, -0.0, 0.9999999, -0.9999999, 1.5, -1.5, 127.9, 2147483647.0, 2147483647.9,
                                 2147483648.0, -2147483648.0, -2147483648.9, -2147483649.0, 4294967295.0, 4294967295.9,
                                 4294967296.0, 9223372036854774784.0, 9223372036854775808.0, -9223372036854775808.0,
                                 -9223372036854777856.0, 18446744073709549568.0, 18446744073709551616.0, 1e300, -1e300,
                                 INFINITY, -INFINITY, NAN};
static const int64_t integers[] = {0, 1, -1, INT32_MAX, INT32_MIN, INT64_MAX, INT64_MIN, (INT64_C(1) << 53) + 1,
                                   -(INT64_C(1) << 53) - 1, INT64_C(0x7fffffffffffff00), 16777217, -16777219,
                                   INT64_C(0x4000004000000001)};

int main(void) {
    for (size_t i = 0; i < sizeof doubles / sizeof *doubles; i++) {
        volatile double d = doubles[i];
        volatile float f = (float)doubles[i];
        if (isnan(d))
            printf("nan:");
        else
            printf("%a (float %a):", d, (double)f);
        printf(" %d %u %" PRId64 " %" PRIu64, __builtin_wasm_trunc_saturate_s_i32_f64(d),
               (unsigned)__builtin_wasm_trunc_saturate_u_i32_f64(d), (int64_t)__builtin_wasm_trunc_saturate_s_i64_f64(d),
               (uint64_t)__builtin_wasm_trunc_saturate_u_i64_f64(d));
        printf(" | %d %u %" PRId64 " %" PRIu64 "\n", __builtin_wasm_trunc_saturate_s_i32_f32(f),
               (unsigned)__builtin_wasm_trunc_saturate_u_i32_f32(f), (int64_t)__builtin_wasm_trunc_saturate_s_i64_f32(f),
               (uint64_t)__builtin_wasm_trunc_saturate_u_i64_f32(f));
    }
    for (size_t i = 0; i < sizeof integers / sizeof *integers; i++) {
        volatile int64_t v = integers[i];
        volatile uint64_t u = (uint64_t)v;
        volatile int32_t s = (int32_t)v;
        volatile uint32_t t = (uint32_t)v;
        printf("%" PRId64 ": %a %a %a %a", v, (double)v, (double)u, (double)s, (double)t);
        printf(" | %a %a %a %a\n", (double)(float)v, (double)(float)u, (double)(float)s, (double)(float)t);
    }
    uint64_t bits = UINT64_C(0x7ff4000000000001);
    double signalling;
    memcpy(&signalling, &bits, sizeof bits);
    uint64_t back;
    memcpy(&back, &signalling, sizeof back);
    printf("payload kept by copying: %d\n", back == bits);
    uint32_t single_bits = 0xffa00001;
    volatile float single;
    memcpy((void *)&single, &single_bits, 4);
    float negated = -single, absolute = fabsf(single);
    uint32_t n, a;
    memcpy(&n, &negated, 4);
    memcpy(&a, &absolute, 4);
    printf("neg and abs touch only the sign: %08x %08x\n", n, a);
    return 0;
}
