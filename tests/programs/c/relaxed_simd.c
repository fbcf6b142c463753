/* Relaxed vector instructions: on arguments whose result the specification leaves open, and on those where it does not. */
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <wasm_simd128.h>

#define APART __attribute__((noinline))

static void print(const char *what, v128_t value) {
    uint8_t bytes[16];
    wasm_v128_store(bytes, value);
    printf("%-24s", what);
    for (int i = 0; i < 16; i++)
        printf("%02x%s", bytes[i], i % 4 == 3 ? " " : "");
    printf("\n");
}

/* Hidden from the compiler, so that it does not work out the results itself. */
#define OPERATOR1(name) APART static v128_t name(v128_t a) { return wasm_##name(a); }
#define OPERATOR2(name) APART static v128_t name(v128_t a, v128_t b) { return wasm_##name(a, b); }
#define OPERATOR3(name) APART static v128_t name(v128_t a, v128_t b, v128_t c) { return wasm_##name(a, b, c); }
OPERATOR2(i8x16_relaxed_swizzle)
OPERATOR1(i32x4_relaxed_trunc_f32x4)
OPERATOR1(u32x4_relaxed_trunc_f32x4)
OPERATOR1(i32x4_relaxed_trunc_f64x2_zero)
OPERATOR1(u32x4_relaxed_trunc_f64x2_zero)
OPERATOR3(f32x4_relaxed_madd)
OPERATOR3(f32x4_relaxed_nmadd)
OPERATOR3(f64x2_relaxed_madd)
OPERATOR3(f64x2_relaxed_nmadd)
OPERATOR3(i8x16_relaxed_laneselect)
OPERATOR3(i16x8_relaxed_laneselect)
OPERATOR3(i32x4_relaxed_laneselect)
OPERATOR3(i64x2_relaxed_laneselect)
OPERATOR2(f32x4_relaxed_min)
OPERATOR2(f32x4_relaxed_max)
OPERATOR2(f64x2_relaxed_min)
OPERATOR2(f64x2_relaxed_max)
OPERATOR2(i16x8_relaxed_q15mulr)
OPERATOR2(i16x8_relaxed_dot_i8x16_i7x16)
OPERATOR3(i32x4_relaxed_dot_i8x16_i7x16_add)

static void everywhere_the_same(void) {
    v128_t text = wasm_i8x16_make('r', 'e', 'l', 'a', 'x', 'e', 'd', ' ', 's', 'w', 'i', 'z', 'z', 'l', 'e', '!');
    v128_t order = wasm_i8x16_make(15, 14, 13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 3, 2, 1, 0);
    print("swizzle", i8x16_relaxed_swizzle(text, order));
    v128_t floats = wasm_f32x4_make(1.9f, -2.9f, 2147483520.0f, -2147483648.0f);
    print("trunc", i32x4_relaxed_trunc_f32x4(floats));
    print("trunc unsigned", u32x4_relaxed_trunc_f32x4(wasm_f32x4_make(0.5f, 3e9f, 4294967040.0f, 7.99f)));
    print("trunc f64", i32x4_relaxed_trunc_f64x2_zero(wasm_f64x2_make(2147483647.9, -2147483648.9)));
    print("trunc f64 unsigned", u32x4_relaxed_trunc_f64x2_zero(wasm_f64x2_make(4294967295.5, 17.3)));
    /* Exact, so that it does not matter whether the product is rounded. */
    v128_t a = wasm_f32x4_make(1.5f, -2.25f, 1024.0f, INFINITY), b = wasm_f32x4_make(3.0f, 0.5f, -8.0f, 2.0f);
    v128_t c = wasm_f32x4_make(0.25f, 100.0f, 8193.0f, 1.0f);
    print("madd", f32x4_relaxed_madd(a, b, c));
    print("nmadd", f32x4_relaxed_nmadd(a, b, c));
    v128_t x = wasm_f64x2_make(1e10, -0.125), y = wasm_f64x2_make(3.0, 1e3), z = wasm_f64x2_make(-7.0, 0.5);
    print("madd f64", f64x2_relaxed_madd(x, y, z));
    print("nmadd f64", f64x2_relaxed_nmadd(x, y, z));
    v128_t mask = wasm_i32x4_make(-1, 0, 0, -1);
    print("laneselect 8", i8x16_relaxed_laneselect(text, order, wasm_i8x16_lt(order, wasm_i8x16_splat(5))));
    print("laneselect 16", i16x8_relaxed_laneselect(text, order, wasm_i16x8_lt(order, wasm_i16x8_splat(0x500))));
    print("laneselect 32", i32x4_relaxed_laneselect(text, order, mask));
    print("laneselect 64", i64x2_relaxed_laneselect(text, order, wasm_i64x2_make(-1, 0)));
    print("min", f32x4_relaxed_min(a, b));
    print("max", f32x4_relaxed_max(a, b));
    print("min f64", f64x2_relaxed_min(x, y));
    print("max f64", f64x2_relaxed_max(x, y));
    v128_t halves = wasm_i16x8_make(1, -1, 32767, -32767, 12345, -12345, 0x4000, -32768);
    print("q15mulr", i16x8_relaxed_q15mulr(halves, wasm_i16x8_make(32767, 32767, 32767, 3, -12345, 77, 0x4000, 32767)));
    v128_t sevens = wasm_i8x16_make(127, 127, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13);
    v128_t bytes = wasm_i8x16_make(-128, -128, 127, 126, -5, 6, 7, -8, 9, 10, -11, 12, 13, -14, 15, 16);
    print("dot", i16x8_relaxed_dot_i8x16_i7x16(bytes, sevens));
    print("dot and add", i32x4_relaxed_dot_i8x16_i7x16_add(bytes, sevens, wasm_i32x4_make(1, -2, 2147483647, 4)));
}

/* Where the specification allows several results: with --relaxed-simd=deterministic there is one. */
static inline void open(void) {
    v128_t text = wasm_i8x16_make('r', 'e', 'l', 'a', 'x', 'e', 'd', ' ', 's', 'w', 'i', 'z', 'z', 'l', 'e', '!');
    v128_t far = wasm_i8x16_make(16, 17, 31, 32, 100, 127, -128, -1, 0, 15, 64, 80, 112, -16, -112, 3);
    print("swizzle", i8x16_relaxed_swizzle(text, far));
    v128_t floats = wasm_f32x4_make(NAN, 3e9f, -1e20f, INFINITY);
    print("trunc", i32x4_relaxed_trunc_f32x4(floats));
    print("trunc unsigned", u32x4_relaxed_trunc_f32x4(wasm_f32x4_make(NAN, -1.0f, 5e9f, -INFINITY)));
    print("trunc f64", i32x4_relaxed_trunc_f64x2_zero(wasm_f64x2_make(NAN, 1e300)));
    print("trunc f64 unsigned", u32x4_relaxed_trunc_f64x2_zero(wasm_f64x2_make(-1.0, 1e300)));
    v128_t bits = wasm_i32x4_make(0x12345678, 0x7fffffff, 0x01010101, 0x55aa55aa);
    v128_t other = wasm_i32x4_make(0x0f1e2d3c, 0x33cc33cc, 0x7e817e81, 0x18181818);
    print("laneselect 8", i8x16_relaxed_laneselect(text, other, bits));
    print("laneselect 16", i16x8_relaxed_laneselect(text, other, bits));
    print("laneselect 32", i32x4_relaxed_laneselect(text, other, bits));
    print("laneselect 64", i64x2_relaxed_laneselect(text, other, bits));
    v128_t zeros = wasm_f32x4_make(0.0f, -0.0f, 1.0f, -0.0f), more = wasm_f32x4_make(-0.0f, 0.0f, 1.0f, -0.0f);
    print("min", f32x4_relaxed_min(zeros, more));
    print("max", f32x4_relaxed_max(zeros, more));
    print("min f64", f64x2_relaxed_min(wasm_f64x2_make(0.0, -0.0), wasm_f64x2_make(-0.0, 0.0)));
    print("max f64", f64x2_relaxed_max(wasm_f64x2_make(0.0, -0.0), wasm_f64x2_make(-0.0, 0.0)));
    v128_t lowest = wasm_i16x8_splat(-32768);
    print("q15mulr", i16x8_relaxed_q15mulr(lowest, lowest));
    v128_t bytes = wasm_i8x16_make(-128, -128, 127, 126, -5, 6, 7, -8, 9, 10, -11, 12, 13, -14, 15, 16);
    print("dot", i16x8_relaxed_dot_i8x16_i7x16(bytes, text));
    print("dot", i16x8_relaxed_dot_i8x16_i7x16(bytes, wasm_i8x16_splat(-127)));
    print("dot and add", i32x4_relaxed_dot_i8x16_i7x16_add(bytes, wasm_i8x16_splat(-1), bits));
}

/* A product of matrices and one of quantised vectors, as libraries for machine learning have them. */
enum { N = 64 };
static float left[N][N], right[N][N], product[N][N];
APART static void multiply(void) {
    for (int i = 0; i < N; i++) {
        for (int j = 0; j < N; j += 4) {
            v128_t sum = wasm_f32x4_splat(0);
            for (int k = 0; k < N; k++)
                sum = wasm_f32x4_relaxed_madd(wasm_v128_load32_splat(&left[i][k]), wasm_v128_load(&right[k][j]), sum);
            wasm_v128_store(&product[i][j], sum);
        }
    }
}
APART static int32_t quantised(const int8_t *weights, const int8_t *inputs, int count) {
    v128_t sum = wasm_i32x4_splat(0);
    for (int i = 0; i < count; i += 16)
        sum = wasm_i32x4_relaxed_dot_i8x16_i7x16_add(wasm_v128_load(weights + i), wasm_v128_load(inputs + i), sum);
    return wasm_i32x4_extract_lane(sum, 0) + wasm_i32x4_extract_lane(sum, 1) + wasm_i32x4_extract_lane(sum, 2) +
           wasm_i32x4_extract_lane(sum, 3);
}

int main(void) {
    everywhere_the_same();
#ifdef OPEN
    open();
#endif
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++)
            left[i][j] = (float)(i * 3 + j) / 8, right[i][j] = (float)((i ^ j) - 20); /* exact in all sums */
    multiply();
    double trace = 0;
    for (int i = 0; i < N; i++)
        trace += (double)product[i][i] + (double)product[i][N - 1 - i] * 3;
    printf("matrix %.17g\n", trace);
    static int8_t weights[4096], inputs[4096];
    int32_t expected = 0;
    for (int i = 0; i < 4096; i++) {
        weights[i] = (int8_t)(i * 89 + 7);
        inputs[i] = (int8_t)(i * 31 & 63); /* pairs of products stay within 16 bits */
        expected += weights[i] * inputs[i];
    }
    printf("quantised %d %d\n", quantised(weights, inputs, 4096), expected);
    return 0;
}
