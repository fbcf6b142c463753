/* Kernels of linear algebra, statistics, dynamic programming and stencils, in double precision. As in programs that
 * call a library of them, the arrays come as pointers of which nothing is known, and indices are ints. */
#include "bench.h"

#include <math.h>

enum { N = 240, LENGTH = 2000, EDGE = 40, STEPS = 20, SIZE = EDGE * EDGE * EDGE };
typedef double row[N];
typedef double plane[EDGE][EDGE];

static row *matrix_a, *matrix_b, *matrix_c;
static double *vector_x, *vector_y, *vector_z;

#define PARAMETERS                                                                                                     \
    __attribute__((unused)) row *a, __attribute__((unused)) row *b, __attribute__((unused)) row *c,                    \
        __attribute__((unused)) double *x, __attribute__((unused)) double *y, __attribute__((unused)) double *z
#define KERNEL(name)                                                                                                   \
    static APART void name(PARAMETERS);                                                                                \
    static uint64_t run_##name(void) {                                                                                 \
        name(matrix_a, matrix_b, matrix_c, vector_x, vector_y, vector_z);                                              \
        return 0;                                                                                                      \
    }                                                                                                                  \
    static APART void name(PARAMETERS)

/* ----------------------------------------------------------------------------------------- products of matrices, vectors */

KERNEL(gemm) { /* c = 1.5 a b + 1.2 c */
    for (int i = 0; i < N; i++) {
        for (int j = 0; j < N; j++)
            c[i][j] *= 1.2;
        for (int k = 0; k < N; k++)
            for (int j = 0; j < N; j++)
                c[i][j] += 1.5 * a[i][k] * b[k][j];
    }
}

static APART void multiply_transposed(row *result, row *left, row *right) {
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            result[i][j] = 0;
            for (int k = 0; k < N; k++)
                result[i][j] += left[i][k] * right[k][j];
        }
}

KERNEL(two_mm) { /* a = (a b) c, with columns of the right one walked down */
    row *product = (row *)((double *)c + SIZE);
    multiply_transposed(product, a, b);
    multiply_transposed(a, product, c);
}

KERNEL(syrk) { /* the lower half of c = a aT + c */
    for (int i = 0; i < N; i++)
        for (int k = 0; k < N; k++)
            for (int j = 0; j <= i; j++)
                c[i][j] += a[i][k] * a[j][k];
}

KERNEL(trmm) { /* b = aT b, a lower triangular */
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++) {
            for (int k = i + 1; k < N; k++)
                b[i][j] += a[k][i] * b[k][j];
            b[i][j] *= 1.5;
        }
}

KERNEL(atax) { /* y = aT (a x), and x is y once more, of a length that stays */
    for (int step = 0; step < STEPS; step++) {
        for (int j = 0; j < N; j++)
            y[j] = 0;
        for (int i = 0; i < N; i++) {
            double sum = 0;
            for (int j = 0; j < N; j++)
                sum += a[i][j] * x[j];
            for (int j = 0; j < N; j++)
                y[j] += a[i][j] * sum;
        }
        for (int j = 0; j < N; j++)
            x[j] = y[j] / (N * N * 2.0);
    }
}

KERNEL(gemver) { /* c += x yT, then z = c x and x = cT z */
    for (int step = 0; step < STEPS; step++) {
        for (int i = 0; i < N; i++)
            for (int j = 0; j < N; j++)
                c[i][j] += x[i] * y[j];
        for (int i = 0; i < N; i++)
            for (int j = 0; j < N; j++)
                z[i] += c[i][j] * x[j] / N;
        for (int i = 0; i < N; i++)
            for (int j = 0; j < N; j++)
                x[i] += c[j][i] * z[j] / N;
    }
}

/* ----------------------------------------------------------------------------------------------------------- solvers */

KERNEL(cholesky) {
    for (int i = 0; i < N; i++) {
        for (int j = 0; j < i; j++) {
            for (int k = 0; k < j; k++)
                a[i][j] -= a[i][k] * a[j][k];
            a[i][j] /= a[j][j];
        }
        for (int k = 0; k < i; k++)
            a[i][i] -= a[i][k] * a[i][k];
        a[i][i] = sqrt(a[i][i]);
    }
}

KERNEL(lu) {
    for (int i = 0; i < N; i++) {
        for (int j = 0; j < i; j++) {
            for (int k = 0; k < j; k++)
                a[i][j] -= a[i][k] * a[k][j];
            a[i][j] /= a[j][j];
        }
        for (int j = i; j < N; j++)
            for (int k = 0; k < i; k++)
                a[i][j] -= a[i][k] * a[k][j];
    }
}

KERNEL(trisolv) { /* a c = b, a lower triangular, for each row of b as the right side */
    for (int side = 0; side < N; side++)
        for (int i = 0; i < N; i++) {
            c[side][i] = b[side][i];
            for (int j = 0; j < i; j++)
                c[side][i] -= a[i][j] * c[side][j];
            c[side][i] /= a[i][i];
        }
}

KERNEL(durbin) { /* y solves the Toeplitz system of x */
    double alpha = -x[0], beta = 1;
    y[0] = -x[0];
    for (int k = 1; k < LENGTH; k++) {
        beta *= 1 - alpha * alpha;
        double sum = 0;
        for (int i = 0; i < k; i++)
            sum += x[k - i - 1] * y[i];
        alpha = -(x[k] + sum) / beta;
        for (int i = 0; i < k; i++)
            z[i] = y[i] + alpha * y[k - i - 1];
        for (int i = 0; i < k; i++)
            y[i] = z[i];
        y[k] = alpha;
    }
}

KERNEL(gramschmidt) { /* b = c a, with orthonormal columns in c and a triangular */
    for (int k = 0; k < N; k++) {
        double norm = 0;
        for (int i = 0; i < N; i++)
            norm += b[i][k] * b[i][k];
        a[k][k] = sqrt(norm);
        for (int i = 0; i < N; i++)
            c[i][k] = b[i][k] / a[k][k];
        for (int j = k + 1; j < N; j++) {
            a[k][j] = 0;
            for (int i = 0; i < N; i++)
                a[k][j] += c[i][k] * b[i][j];
            for (int i = 0; i < N; i++)
                b[i][j] -= c[i][k] * a[k][j];
        }
    }
}

KERNEL(correlation) { /* a: how the columns of c go together */
    for (int j = 0; j < N; j++) {
        x[j] = 0;
        for (int i = 0; i < N; i++)
            x[j] += c[i][j];
        x[j] /= N;
        y[j] = 0;
        for (int i = 0; i < N; i++)
            y[j] += (c[i][j] - x[j]) * (c[i][j] - x[j]);
        y[j] = sqrt(y[j] / N);
        y[j] = y[j] <= 0.1 ? 1 : y[j];
    }
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++)
            c[i][j] = (c[i][j] - x[j]) / (sqrt((double)N) * y[j]);
    for (int i = 0; i < N - 1; i++) {
        a[i][i] = 1;
        for (int j = i + 1; j < N; j++) {
            a[i][j] = 0;
            for (int k = 0; k < N; k++)
                a[i][j] += c[k][i] * c[k][j];
            a[j][i] = a[i][j];
        }
    }
}

/* ------------------------------------------------------------------------------------------------ dynamic programming */

KERNEL(floyd_warshall) { /* the shortest ways, in integers */
    int(*way)[N] = (int(*)[N])c;
    for (int i = 0; i < N; i++)
        for (int j = 0; j < N; j++)
            way[i][j] = i * j % 7 + (i * 13 + j * 7) % 101 * 9 + 1;
    for (int k = 0; k < N; k++)
        for (int i = 0; i < N; i++)
            for (int j = 0; j < N; j++)
                way[i][j] = way[i][j] < way[i][k] + way[k][j] ? way[i][j] : way[i][k] + way[k][j];
}

KERNEL(nussinov) { /* how a strand folds on itself best */
    int(*table)[N] = (int(*)[N])c;
    unsigned char base[N];
    for (int i = 0; i < N; i++) {
        base[i] = (unsigned char)(i * i % 11 & 3);
        for (int j = 0; j < N; j++)
            table[i][j] = 0;
    }
    for (int i = N - 1; i >= 0; i--)
        for (int j = i + 1; j < N; j++) {
            int best = table[i][j - 1];
            if (i + 1 < N && table[i + 1][j] > best)
                best = table[i + 1][j];
            if (i + 1 < j && table[i + 1][j - 1] + (base[i] + base[j] == 3) > best)
                best = table[i + 1][j - 1] + (base[i] + base[j] == 3);
            for (int k = i + 1; k < j; k++)
                best = table[i][k] + table[k + 1][j] > best ? table[i][k] + table[k + 1][j] : best;
            table[i][j] = best;
        }
}

/* ---------------------------------------------------------------------------------------------------------- stencils */

KERNEL(jacobi_1d) {
    for (int step = 0; step < 50 * STEPS; step++) {
        for (int i = 1; i < LENGTH - 1; i++)
            y[i] = 0.33333 * (x[i - 1] + x[i] + x[i + 1]);
        for (int i = 1; i < LENGTH - 1; i++)
            x[i] = 0.33333 * (y[i - 1] + y[i] + y[i + 1]);
    }
}

KERNEL(jacobi_2d) {
    for (int step = 0; step < STEPS; step++) {
        for (int i = 1; i < N - 1; i++)
            for (int j = 1; j < N - 1; j++)
                b[i][j] = 0.2 * (a[i][j] + a[i][j - 1] + a[i][j + 1] + a[i + 1][j] + a[i - 1][j]);
        for (int i = 1; i < N - 1; i++)
            for (int j = 1; j < N - 1; j++)
                a[i][j] = 0.2 * (b[i][j] + b[i][j - 1] + b[i][j + 1] + b[i + 1][j] + b[i - 1][j]);
    }
}

KERNEL(seidel_2d) {
    for (int step = 0; step < STEPS; step++)
        for (int i = 1; i < N - 1; i++)
            for (int j = 1; j < N - 1; j++)
                a[i][j] = (a[i - 1][j - 1] + a[i - 1][j] + a[i - 1][j + 1] + a[i][j - 1] + a[i][j] + a[i][j + 1] +
                           a[i + 1][j - 1] + a[i + 1][j] + a[i + 1][j + 1]) /
                          9;
}

KERNEL(fdtd_2d) { /* an electric field, a in one direction and b in the other, and a magnetic one in c */
    for (int step = 0; step < STEPS; step++) {
        for (int j = 0; j < N; j++)
            b[0][j] = step;
        for (int i = 1; i < N; i++)
            for (int j = 0; j < N; j++)
                b[i][j] -= 0.5 * (c[i][j] - c[i - 1][j]);
        for (int i = 0; i < N; i++)
            for (int j = 1; j < N; j++)
                a[i][j] -= 0.5 * (c[i][j] - c[i][j - 1]);
        for (int i = 0; i < N - 1; i++)
            for (int j = 0; j < N - 1; j++)
                c[i][j] -= 0.7 * (a[i][j + 1] - a[i][j] + b[i + 1][j] - b[i][j]);
    }
}

static APART void heat_step(plane *from, plane *to) {
    for (int i = 1; i < EDGE - 1; i++)
        for (int j = 1; j < EDGE - 1; j++)
            for (int k = 1; k < EDGE - 1; k++)
                to[i][j][k] = 0.125 * (from[i + 1][j][k] - 2 * from[i][j][k] + from[i - 1][j][k]) +
                              0.125 * (from[i][j + 1][k] - 2 * from[i][j][k] + from[i][j - 1][k]) +
                              0.125 * (from[i][j][k + 1] - 2 * from[i][j][k] + from[i][j][k - 1]) + from[i][j][k];
}

KERNEL(heat_3d) {
    for (int step = 0; step < STEPS; step++) {
        heat_step((plane *)b, (plane *)c);
        heat_step((plane *)c, (plane *)b);
    }
}

/* ------------------------------------------------------------------------------------------------------------ the data */

static void prepare(void) {
    if (matrix_a == NULL) {
        matrix_a = malloc(SIZE * sizeof(double));
        matrix_b = malloc(SIZE * sizeof(double));
        matrix_c = malloc(2 * SIZE * sizeof(double));
        vector_x = malloc(LENGTH * sizeof(double));
        vector_y = malloc(LENGTH * sizeof(double));
        vector_z = malloc(LENGTH * sizeof(double));
    }
    uint32_t state = 1;
    for (int i = 0; i < SIZE; i++) {
        ((double *)matrix_b)[i] = (bench_random(&state) >> 8) * 0x1p-24;
        ((double *)matrix_c)[i] = (bench_random(&state) >> 8) * 0x1p-24;
    }
    memset((double *)matrix_c + SIZE, 0, SIZE * sizeof(double));
    for (int i = 0; i < N; i++) { /* a is symmetric and definite, so that it has all factors */
        for (int j = 0; j < i; j++)
            matrix_a[i][j] = matrix_a[j][i] = matrix_b[i][j];
        matrix_a[i][i] = N;
    }
    for (int i = 0; i < LENGTH; i++) {
        vector_x[i] = 0.4 / (i + 1) * matrix_b[i % N][i / N];
        vector_y[i] = matrix_c[i % N][i / N];
        vector_z[i] = 0;
    }
}

static uint64_t check(void) {
    uint64_t hash = bench_fold_bytes(0, matrix_a, N * sizeof(row));
    hash = bench_fold_bytes(hash, matrix_b, SIZE * sizeof(double));
    hash = bench_fold_bytes(hash, matrix_c, 2 * SIZE * sizeof(double));
    hash = bench_fold_bytes(hash, vector_x, LENGTH * sizeof(double));
    hash = bench_fold_bytes(hash, vector_y, LENGTH * sizeof(double));
    return bench_fold_bytes(hash, vector_z, LENGTH * sizeof(double));
}

int main(int argc, char **argv) {
    static const struct kernel kernels[] = {
        {"gemm", run_gemm, prepare, check},
        {"2mm", run_two_mm, prepare, check},
        {"syrk", run_syrk, prepare, check},
        {"trmm", run_trmm, prepare, check},
        {"atax", run_atax, prepare, check},
        {"gemver", run_gemver, prepare, check},
        {"cholesky", run_cholesky, prepare, check},
        {"lu", run_lu, prepare, check},
        {"trisolv", run_trisolv, prepare, check},
        {"durbin", run_durbin, prepare, check},
        {"gramschmidt", run_gramschmidt, prepare, check},
        {"correlation", run_correlation, prepare, check},
        {"floyd-warshall", run_floyd_warshall, prepare, check},
        {"nussinov", run_nussinov, prepare, check},
        {"jacobi-1d", run_jacobi_1d, prepare, check},
        {"jacobi-2d", run_jacobi_2d, prepare, check},
        {"seidel-2d", run_seidel_2d, prepare, check},
        {"fdtd-2d", run_fdtd_2d, prepare, check},
        {"heat-3d", run_heat_3d, prepare, check},
        {0},
    };
    return bench_main(argc, argv, kernels);
}
