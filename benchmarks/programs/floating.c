/* Floating point as programs use it: bodies in orbit, the Mandelbrot set, Fourier transforms, products of matrices in
 * single precision, a spectral norm, spheres under a light. Only operations that are exact everywhere, so no sin or exp. */
#include "bench.h"

#include <math.h>

/* ------------------------------------------------------------------------------------------------------------- n-body */

enum { BODIES = 5, ORBITS = 20000 };
struct body {
    double x, y, z, vx, vy, vz, mass;
};
static struct body bodies[BODIES];

static void place_bodies(void) {
    for (int i = 0; i < BODIES; i++) {
        double r = i * 5.5, v = i == 0 ? 0 : sqrt(39.5 / r);
        bodies[i] = (struct body){r * 0.6, r * 0.8, i * 0.1, -v * 0.8, v * 0.6, 0.01 * i, i == 0 ? 39.5 : 0.04 / i};
    }
}

static uint64_t nbody(void) {
    for (int step = 0; step < ORBITS; step++) {
        for (int i = 0; i < BODIES; i++)
            for (int j = i + 1; j < BODIES; j++) {
                struct body *a = &bodies[i], *b = &bodies[j];
                double dx = a->x - b->x, dy = a->y - b->y, dz = a->z - b->z;
                double square = dx * dx + dy * dy + dz * dz, pull = 0.001 / (square * sqrt(square));
                a->vx -= dx * b->mass * pull;
                a->vy -= dy * b->mass * pull;
                a->vz -= dz * b->mass * pull;
                b->vx += dx * a->mass * pull;
                b->vy += dy * a->mass * pull;
                b->vz += dz * a->mass * pull;
            }
        for (int i = 0; i < BODIES; i++) {
            bodies[i].x += 0.001 * bodies[i].vx;
            bodies[i].y += 0.001 * bodies[i].vy;
            bodies[i].z += 0.001 * bodies[i].vz;
        }
    }
    return bench_fold_bytes(0, bodies, sizeof bodies);
}

/* --------------------------------------------------------------------------------------------------------- Mandelbrot */

enum { PIXELS = 160, ROUNDS = 100 };

static uint64_t mandelbrot(void) {
    uint64_t sum = 0;
    for (int row = 0; row < PIXELS; row++)
        for (int column = 0; column < PIXELS; column++) {
            double cx = column * 3.0 / PIXELS - 2.25, cy = row * 2.5 / PIXELS - 1.25, x = 0, y = 0;
            int round = 0;
            for (; round < ROUNDS && x * x + y * y <= 4; round++) {
                double next = x * x - y * y + cx;
                y = 2 * x * y + cy;
                x = next;
            }
            sum = sum * 3 + (uint64_t)round;
        }
    return sum;
}

/* ------------------------------------------------------------------------------------------------ Fourier transformation */

enum { POINTS = 1 << 13, POINTS_LOG = 13 };
struct complex {
    double re, im;
};
static struct complex roots[POINTS / 2], points[POINTS];

/* Roots of unity by halving angles; the input is a saw. */
static void fill_points(void) {
    struct complex step = {-1, 0};
    roots[0] = (struct complex){1, 0};
    for (int span = POINTS / 2; span >= 1; span /= 2) { /* step turns by pi span / (POINTS / 2) */
        for (int i = span; i < POINTS / 2; i += 2 * span) {
            struct complex at = roots[i - span];
            roots[i] = (struct complex){at.re * step.re - at.im * step.im, at.re * step.im + at.im * step.re};
        }
        step = (struct complex){sqrt((1 + step.re) / 2), sqrt((1 - step.re) / 2)};
    }
    for (int i = 0; i < POINTS; i++)
        points[i] = (struct complex){i % 97 / 97.0, 0};
}

static uint64_t fft(void) {
    for (unsigned i = 0, j = 0; i < POINTS; i++) {
        if (i < j) {
            struct complex kept = points[i];
            points[i] = points[j];
            points[j] = kept;
        }
        unsigned bit = POINTS >> 1;
        for (; j & bit; bit >>= 1)
            j ^= bit;
        j |= bit;
    }
    for (int half = 1; half < POINTS; half *= 2)
        for (int start = 0; start < POINTS; start += 2 * half)
            for (int i = 0; i < half; i++) {
                struct complex root = roots[i * (POINTS / 2 / half)], a = points[start + i], b = points[start + half + i];
                struct complex turned = {b.re * root.re - b.im * root.im, b.re * root.im + b.im * root.re};
                points[start + i] = (struct complex){a.re + turned.re, a.im + turned.im};
                points[start + half + i] = (struct complex){a.re - turned.re, a.im - turned.im};
            }
    return bench_bits(points[1].re) ^ bench_bits(points[POINTS / 3].im);
}

/* ----------------------------------------------------------------------------------------- matrices in single precision */

enum { SIDE = 192, BLOCK = 32 };
static float left[SIDE][SIDE], right[SIDE][SIDE], product[SIDE][SIDE];

static void fill_matrices(void) {
    uint32_t state = 7;
    for (int i = 0; i < SIDE; i++)
        for (int j = 0; j < SIDE; j++) {
            left[i][j] = (float)(bench_random(&state) & 255) / 16;
            right[i][j] = (float)(bench_random(&state) & 255) / 16 - 8;
            product[i][j] = 0;
        }
}

static uint64_t matrix(void) {
    for (int ii = 0; ii < SIDE; ii += BLOCK)
        for (int kk = 0; kk < SIDE; kk += BLOCK)
            for (int i = ii; i < ii + BLOCK; i++)
                for (int k = kk; k < kk + BLOCK; k++)
                    for (int j = 0; j < SIDE; j++)
                        product[i][j] += left[i][k] * right[k][j];
    return bench_bits(product[1][2]) ^ bench_bits(product[SIDE - 1][SIDE - 3]) << 1;
}

/* ------------------------------------------------------------------------------------------------------ spectral norm */

enum { ORDER = 200 };
static double from[ORDER], between[ORDER], to[ORDER];

static double entry(int i, int j) { return 1.0 / ((i + j) * (i + j + 1) / 2 + i + 1); }

static APART void times(const double *in, double *out, int transposed) {
    for (int i = 0; i < ORDER; i++) {
        double sum = 0;
        for (int j = 0; j < ORDER; j++)
            sum += (transposed ? entry(j, i) : entry(i, j)) * in[j];
        out[i] = sum;
    }
}

static uint64_t spectral(void) {
    for (int i = 0; i < ORDER; i++)
        from[i] = 1;
    for (int round = 0; round < 5; round++) {
        times(from, between, 0);
        times(between, to, 1);
        times(to, between, 0);
        times(between, from, 1);
    }
    double product_ = 0, square = 0;
    for (int i = 0; i < ORDER; i++) {
        product_ += from[i] * to[i];
        square += to[i] * to[i];
    }
    return bench_bits(sqrt(product_ / square));
}

/* ------------------------------------------------------------------------------------------------ spheres under a light */

enum { SPHERES = 12, IMAGE = 128 };
typedef struct {
    float x, y, z;
} vector;
static struct {
    vector centre;
    float radius;
} spheres[SPHERES];

static vector minus(vector a, vector b) { return (vector){a.x - b.x, a.y - b.y, a.z - b.z}; }
static vector along(vector start, vector way, float far) {
    return (vector){start.x + way.x * far, start.y + way.y * far, start.z + way.z * far};
}
static float dot(vector a, vector b) { return a.x * b.x + a.y * b.y + a.z * b.z; }
static vector unit(vector a) {
    float length = sqrtf(dot(a, a));
    return (vector){a.x / length, a.y / length, a.z / length};
}

/* The sphere that is met first, or -1, and how far away. */
static int meet(vector start, vector way, float *far) {
    int met = -1;
    *far = 1e9f;
    for (int i = 0; i < SPHERES; i++) {
        vector towards = minus(spheres[i].centre, start);
        float middle = dot(towards, way);
        float square = spheres[i].radius * spheres[i].radius - dot(towards, towards) + middle * middle;
        if (square < 0)
            continue;
        float near_ = middle - sqrtf(square);
        if (near_ > 0.001f && near_ < *far) {
            *far = near_;
            met = i;
        }
    }
    return met;
}

static float trace(vector start, vector way, int depth) {
    static const vector light = {0.48f, 0.64f, -0.6f};
    float far;
    int met = meet(start, way, &far);
    if (met < 0)
        return 0.2f + 0.1f * way.y;
    vector point = along(start, way, far), normal = unit(minus(point, spheres[met].centre));
    float ignored, bright = dot(normal, light), shade = 0.1f;
    if (bright > 0 && meet(point, light, &ignored) < 0)
        shade += 0.7f * bright;
    if (depth < 3)
        shade += 0.3f * trace(point, along(way, normal, -2 * dot(way, normal)), depth + 1);
    return shade;
}

static uint64_t spheres_lit(void) {
    uint32_t state = 3;
    for (int i = 0; i < SPHERES; i++) {
        spheres[i].centre = (vector){(float)(bench_random(&state) % 64) / 8 - 4, (float)(bench_random(&state) % 64) / 8 - 4,
                                     8 + (float)(bench_random(&state) % 64) / 8};
        spheres[i].radius = 0.5f + (float)(bench_random(&state) % 8) / 6;
    }
    uint64_t sum = 0;
    for (int y = 0; y < IMAGE; y++)
        for (int x = 0; x < IMAGE; x++) {
            vector way = unit((vector){(float)(x - IMAGE / 2) / IMAGE, (float)(IMAGE / 2 - y) / IMAGE, 1});
            sum = sum * 5 + (uint64_t)(trace((vector){0, 0, 0}, way, 0) * 255);
        }
    return sum;
}

int main(int argc, char **argv) {
    static const struct kernel kernels[] = {
        {"n-body", nbody, place_bodies, NULL},
        {"mandelbrot", mandelbrot, NULL, NULL},
        {"fft", fft, fill_points, NULL},
        {"matrix", matrix, fill_matrices, NULL},
        {"spectral", spectral, NULL, NULL},
        {"spheres", spheres_lit, NULL, NULL},
        {0},
    };
    return bench_main(argc, argv, kernels);
}
