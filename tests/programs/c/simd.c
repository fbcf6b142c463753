/* Fixed-width SIMD through wasm_simd128.h: every family of operations, hashed, and a few kernels. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <wasm_simd128.h>

static uint64_t hash = UINT64_C(14695981039346656037);
static void mix(v128_t v) {
    uint8_t bytes[16];
    wasm_v128_store(bytes, v);
    for (int i = 0; i < 16; i++)
        hash = (hash ^ bytes[i]) * UINT64_C(1099511628211);
}
/* NaNs differ in sign and payload from machine to machine: make them all the same. */
static void mix_f32(v128_t v) { mix(wasm_v128_bitselect(wasm_f32x4_splat(7), v, wasm_f32x4_ne(v, v))); }
static void mix_f64(v128_t v) { mix(wasm_v128_bitselect(wasm_f64x2_splat(7), v, wasm_f64x2_ne(v, v))); }
static void line(const char *what) { printf("%s %016llx\n", what, (unsigned long long)hash); }

#define EACH(list, call) list(call)
#define SHAPE_OPS(shape)                                                                                          \
    mix(wasm_##shape##_add(a, b)), mix(wasm_##shape##_sub(a, b)), mix(wasm_##shape##_eq(a, b)),                   \
        mix(wasm_##shape##_ne(a, b)), mix(wasm_##shape##_abs(a)), mix(wasm_##shape##_neg(a));
#define INT_OPS(shape)                                                                                            \
    SHAPE_OPS(shape) mix(wasm_##shape##_lt(a, b)), mix(wasm_##shape##_gt(a, b)), mix(wasm_##shape##_le(a, b)),    \
        mix(wasm_##shape##_ge(a, b));                                                                             \
    for (uint32_t s = 0; s < 70; s += 3)                                                                          \
        mix(wasm_##shape##_shl(a, s)), mix(wasm_##shape##_shr(a, s));                                             \
    mix(wasm_i32x4_splat((int)wasm_##shape##_bitmask(a))), mix(wasm_i32x4_splat(wasm_##shape##_all_true(a)));
#define UNSIGNED_OPS(shape)                                                                                       \
    mix(wasm_##shape##_lt(a, b)), mix(wasm_##shape##_gt(a, b)), mix(wasm_##shape##_le(a, b)),                     \
        mix(wasm_##shape##_ge(a, b)), mix(wasm_##shape##_min(a, b)), mix(wasm_##shape##_max(a, b));               \
    for (uint32_t s = 0; s < 70; s += 3)                                                                          \
        mix(wasm_##shape##_shr(a, s));

__attribute__((noinline)) static void integers(v128_t a, v128_t b) {
    INT_OPS(i8x16) INT_OPS(i16x8) INT_OPS(i32x4) INT_OPS(i64x2)
    UNSIGNED_OPS(u8x16) UNSIGNED_OPS(u16x8) UNSIGNED_OPS(u32x4)
    mix(wasm_i8x16_min(a, b)), mix(wasm_i8x16_max(a, b)), mix(wasm_i16x8_min(a, b)), mix(wasm_i16x8_max(a, b));
    mix(wasm_i32x4_min(a, b)), mix(wasm_i32x4_max(a, b));
    mix(wasm_i8x16_add_sat(a, b)), mix(wasm_u8x16_add_sat(a, b)), mix(wasm_i8x16_sub_sat(a, b)), mix(wasm_u8x16_sub_sat(a, b));
    mix(wasm_i16x8_add_sat(a, b)), mix(wasm_u16x8_add_sat(a, b)), mix(wasm_i16x8_sub_sat(a, b)), mix(wasm_u16x8_sub_sat(a, b));
    mix(wasm_u8x16_avgr(a, b)), mix(wasm_u16x8_avgr(a, b)), mix(wasm_i8x16_popcnt(a));
    mix(wasm_i16x8_mul(a, b)), mix(wasm_i32x4_mul(a, b)), mix(wasm_i64x2_mul(a, b)), mix(wasm_i32x4_dot_i16x8(a, b));
    mix(wasm_i16x8_q15mulr_sat(a, b));
    mix(wasm_i8x16_narrow_i16x8(a, b)), mix(wasm_u8x16_narrow_i16x8(a, b)), mix(wasm_i16x8_narrow_i32x4(a, b)), mix(wasm_u16x8_narrow_i32x4(a, b));
    mix(wasm_i16x8_extend_low_i8x16(a)), mix(wasm_i16x8_extend_high_i8x16(a)), mix(wasm_u16x8_extend_low_u8x16(a)), mix(wasm_u16x8_extend_high_u8x16(a));
    mix(wasm_i32x4_extend_low_i16x8(a)), mix(wasm_i32x4_extend_high_i16x8(a)), mix(wasm_u32x4_extend_low_u16x8(a)), mix(wasm_u32x4_extend_high_u16x8(a));
    mix(wasm_i64x2_extend_low_i32x4(a)), mix(wasm_i64x2_extend_high_i32x4(a)), mix(wasm_u64x2_extend_low_u32x4(a)), mix(wasm_u64x2_extend_high_u32x4(a));
    mix(wasm_i16x8_extmul_low_i8x16(a, b)), mix(wasm_u16x8_extmul_high_u8x16(a, b)), mix(wasm_i32x4_extmul_low_i16x8(a, b)), mix(wasm_u32x4_extmul_high_u16x8(a, b));
    mix(wasm_i64x2_extmul_low_i32x4(a, b)), mix(wasm_u64x2_extmul_high_u32x4(a, b));
    mix(wasm_i16x8_extadd_pairwise_i8x16(a)), mix(wasm_u16x8_extadd_pairwise_u8x16(a)), mix(wasm_i32x4_extadd_pairwise_i16x8(a)), mix(wasm_u32x4_extadd_pairwise_u16x8(a));
    mix(wasm_v128_and(a, b)), mix(wasm_v128_or(a, b)), mix(wasm_v128_xor(a, b)), mix(wasm_v128_not(a)), mix(wasm_v128_andnot(a, b));
    mix(wasm_v128_bitselect(a, b, wasm_i8x16_shl(a, 1))), mix(wasm_i32x4_splat(wasm_v128_any_true(a)));
    mix(wasm_i8x16_swizzle(a, b)), mix(wasm_i8x16_swizzle(a, wasm_v128_and(b, wasm_i8x16_splat(15))));
    mix(wasm_i8x16_shuffle(a, b, 0, 17, 2, 19, 4, 21, 6, 23, 8, 25, 10, 27, 12, 29, 14, 31));
    mix(wasm_i32x4_shuffle(a, b, 3, 6, 1, 4)), mix(wasm_i64x2_shuffle(a, b, 1, 2));
    mix(wasm_i32x4_splat(wasm_i8x16_extract_lane(a, 5) + wasm_u8x16_extract_lane(a, 11) + wasm_i16x8_extract_lane(a, 3) + wasm_u16x8_extract_lane(a, 7)));
    mix(wasm_i8x16_replace_lane(a, 9, 77)), mix(wasm_i16x8_replace_lane(a, 5, -7)), mix(wasm_i32x4_replace_lane(a, 1, 99)), mix(wasm_i64x2_replace_lane(a, 0, wasm_i64x2_extract_lane(b, 1)));
}

#define FLOAT_OPS(shape, mixer)                                                                                   \
    mixer(wasm_##shape##_add(a, b)), mixer(wasm_##shape##_sub(a, b)), mixer(wasm_##shape##_mul(a, b)),            \
        mixer(wasm_##shape##_div(a, b)), mixer(wasm_##shape##_min(a, b)), mixer(wasm_##shape##_max(a, b)),        \
        mixer(wasm_##shape##_pmin(a, b)), mixer(wasm_##shape##_pmax(a, b)), mixer(wasm_##shape##_sqrt(a)),        \
        mixer(wasm_##shape##_abs(a)), mixer(wasm_##shape##_neg(a)), mixer(wasm_##shape##_ceil(a)),                \
        mixer(wasm_##shape##_floor(a)), mixer(wasm_##shape##_trunc(a)), mixer(wasm_##shape##_nearest(a));         \
    mix(wasm_##shape##_eq(a, b)), mix(wasm_##shape##_ne(a, b)), mix(wasm_##shape##_lt(a, b)),                     \
        mix(wasm_##shape##_gt(a, b)), mix(wasm_##shape##_le(a, b)), mix(wasm_##shape##_ge(a, b));

__attribute__((noinline)) static void singles(v128_t a, v128_t b) {
    FLOAT_OPS(f32x4, mix_f32)
    mix(wasm_i32x4_trunc_sat_f32x4(a)), mix(wasm_u32x4_trunc_sat_f32x4(a));
    mix_f64(wasm_f64x2_promote_low_f32x4(a));
    mix_f32(wasm_f32x4_convert_i32x4(a)), mix_f32(wasm_f32x4_convert_u32x4(a));
}
__attribute__((noinline)) static void doubles(v128_t a, v128_t b) {
    FLOAT_OPS(f64x2, mix_f64)
    mix(wasm_i32x4_trunc_sat_f64x2_zero(a)), mix(wasm_u32x4_trunc_sat_f64x2_zero(a));
    mix_f32(wasm_f32x4_demote_f64x2_zero(a));
    mix_f64(wasm_f64x2_convert_low_i32x4(a)), mix_f64(wasm_f64x2_convert_low_u32x4(a));
}

static void memory(void) {
    static uint8_t area[64];
    for (int i = 0; i < 64; i++)
        area[i] = (uint8_t)(i * 37 + 11);
    for (int i = 0; i < 8; i++) {
        const uint8_t *p = area + i * 3;
        mix(wasm_v128_load(p)), mix(wasm_v128_load8_splat(p)), mix(wasm_v128_load16_splat(p)), mix(wasm_v128_load32_splat(p)), mix(wasm_v128_load64_splat(p));
        mix(wasm_i16x8_load8x8(p)), mix(wasm_u16x8_load8x8(p)), mix(wasm_i32x4_load16x4(p)), mix(wasm_u32x4_load16x4(p)), mix(wasm_i64x2_load32x2(p)), mix(wasm_u64x2_load32x2(p));
        mix(wasm_v128_load32_zero(p)), mix(wasm_v128_load64_zero(p));
        v128_t v = wasm_v128_load(p);
        mix(wasm_v128_load8_lane(p + 1, v, 13)), mix(wasm_v128_load16_lane(p + 1, v, 6)), mix(wasm_v128_load32_lane(p + 1, v, 2)), mix(wasm_v128_load64_lane(p + 1, v, 1));
        wasm_v128_store8_lane(area + 41, v, 3);
        wasm_v128_store16_lane(area + 43, v, 5);
        wasm_v128_store32_lane(area + 47, v, 1);
        wasm_v128_store64_lane(area + 53, v, 0);
        mix(wasm_v128_load(area + 40)), mix(wasm_v128_load(area + 48));
    }
}

int main(void) {
    static const uint32_t seeds[] = {0, 1, 0xffffffff, 0x80000000, 0x7fffffff, 0x80008000, 0x7fff7fff, 0x80808080, 0x12345678, 0xdeadbeef};
    for (int i = 0; i < 10; i++)
        for (int j = 0; j < 10; j++)
            integers(wasm_u32x4_make(seeds[i], seeds[j], seeds[(i + j) % 10], seeds[i] * 2654435761u),
                     wasm_u32x4_make(seeds[j], seeds[i] ^ seeds[j], seeds[(i * j) % 10], seeds[j] * 40503u));
    line("integers");
    static const float floats[] = {0.0f, -0.0f, 1.0f, -1.5f, 2.5f, 0x1p-149f, 3e38f, -3e38f, 2147483648.0f, 4294967296.0f, -2147483904.0f, INFINITY, -INFINITY, NAN};
    for (int i = 0; i < 14; i++)
        for (int j = 0; j < 14; j++) {
            singles(wasm_f32x4_make(floats[i], floats[j], floats[(i + j) % 14], 0.1f), wasm_f32x4_make(floats[j], floats[i], floats[(i * j) % 14], 0.3f));
            doubles(wasm_f64x2_make((double)floats[i], (double)floats[j] * 1e-3), wasm_f64x2_make((double)floats[j], (double)floats[i] / 3));
        }
    line("floats");
    memory();
    line("memory");

    static float x[1024], y[1024];
    for (int i = 0; i < 1024; i++) {
        x[i] = (float)i / 8;
        y[i] = (float)(1024 - i) / 16;
    }
    v128_t sum = wasm_f32x4_const_splat(0);
    for (int i = 0; i < 1024; i += 4)
        sum = wasm_f32x4_add(sum, wasm_f32x4_mul(wasm_v128_load(x + i), wasm_v128_load(y + i)));
    printf("dot %a\n", (double)(wasm_f32x4_extract_lane(sum, 0) + wasm_f32x4_extract_lane(sum, 1) + wasm_f32x4_extract_lane(sum, 2) + wasm_f32x4_extract_lane(sum, 3)));
    /* The compiler's own vectorisation. */
    static int32_t a[1000], b[1000];
    static uint8_t bytes[1000];
    for (int i = 0; i < 1000; i++) {
        a[i] = i * 7919 - 400000;
        b[i] = a[i] > 0 ? a[i] / 2 : a[i] << 1;
        bytes[i] = (uint8_t)(b[i] >> 3);
    }
    int64_t total = 0;
    unsigned histogram = 0;
    for (int i = 0; i < 1000; i++) {
        total += (int64_t)a[i] * b[i];
        histogram += bytes[i] > 127;
    }
    printf("vectorised %lld %u\n", (long long)total, histogram);
    return 0;
}
