#ifndef WAOT_ROUNDING_H
#define WAOT_ROUNDING_H

/* Rounding, IEEE 754-2019 section 5.9, in the one rounding mode that there is: to nearest, ties to even.
 *
 * Adding and subtracting 2^52 (2^23) to a value below it leaves the nearest integer. NaN becomes quiet by x + x, and
 * the sign survives where the result is zero. */
#define WAOT_ROUNDING(type, suffix, limit)                                                    \
    type rint##suffix(type x);                                                                \
    type nearbyint##suffix(type x);                                                           \
    type roundeven##suffix(type x);                                                           \
    type floor##suffix(type x);                                                               \
    type ceil##suffix(type x);                                                                \
    type trunc##suffix(type x);                                                               \
    type rint##suffix(type x)                                                                 \
    {                                                                                         \
        type magnitude = __builtin_fabs##suffix(x);                                           \
        if (magnitude != magnitude)                                                           \
            return x + x;                                                                     \
        if (magnitude >= (limit))                                                             \
            return x;                                                                         \
        return __builtin_copysign##suffix(magnitude + (limit) - (limit), x);                  \
    }                                                                                         \
    type nearbyint##suffix(type x)                                                            \
    {                                                                                         \
        return rint##suffix(x);                                                               \
    }                                                                                         \
    type roundeven##suffix(type x)                                                            \
    {                                                                                         \
        return rint##suffix(x);                                                               \
    }                                                                                         \
    type floor##suffix(type x)                                                                \
    {                                                                                         \
        type nearest = rint##suffix(x);                                                       \
        return nearest > x ? nearest - 1 : nearest;                                           \
    }                                                                                         \
    type ceil##suffix(type x)                                                                 \
    {                                                                                         \
        type nearest = rint##suffix(x);                                                       \
        return nearest < x ? __builtin_copysign##suffix(nearest + 1, x) : nearest;            \
    }                                                                                         \
    type trunc##suffix(type x)                                                                \
    {                                                                                         \
        return __builtin_copysign##suffix(floor##suffix(__builtin_fabs##suffix(x)), x);       \
    }
WAOT_ROUNDING(double, , 0x1p52)
WAOT_ROUNDING(float, f, 0x1p23f)

#endif
