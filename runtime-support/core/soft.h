/* Division of floats, and floats to doubles, where the processor has neither. LLVM calls them, as it does wide.h's
 * functions, by names of the run-time ABI. The rest of such arithmetic is zig's (waot/linker/runtime.py), whose division
 * makes zero or a wrong last bit of results below the smallest normal number, and whose conversion leaves signalling NaNs
 * as they are.
 *
 * IEEE 754-2019, section 5.4.1, rounded to nearest, ties to even. A NaN that comes in goes out, quiet.
 */
#ifndef WAOT_SOFT_H
#define WAOT_SOFT_H

#include "machine.h"

#include <stdint.h>

/* Makes a finite number but zero one with its first digit at the bit `digits`; its exponent, biased. Without a sign. */
#define WAOT_SOFT_NORMALIZING(type, word, digits)                                                       \
    static int waot_normalize_##type(word *value)                                                       \
    {                                                                                                   \
        const word one = (word)1 << (digits);                                                           \
        int exponent = (int)(*value >> (digits));                                                       \
        if (exponent) {                                                                                 \
            *value = (*value & (one - 1)) | one;                                                        \
            return exponent;                                                                            \
        }                                                                                               \
        for (exponent = 1; *value < one; exponent--)                                                    \
            *value <<= 1;                                                                               \
        return exponent;                                                                                \
    }
WAOT_SOFT_NORMALIZING(double, uint64_t, 52)
WAOT_SOFT_NORMALIZING(float, uint32_t, 23)

/* `word` has the bits of a `type`: the sign, exponents up to `largest`, and `digits` bits of fraction. */
#define WAOT_SOFT_DIVISION(name, type, word, digits, largest)                                           \
    static word waot_divide_bits_##type(word a, word b)                                                 \
    {                                                                                                   \
        const word one = (word)1 << (digits), infinity = (word)(largest) << (digits);                   \
        const word negative = (word)1 << (8 * sizeof(word) - 1), sign = (a ^ b) & negative;             \
        word x = a & ~negative, y = b & ~negative;                                                      \
        if (x > infinity || y > infinity)                                                               \
            return (x > infinity ? a : b) | one >> 1;                                                   \
        if (x == infinity || !y)                                                                        \
            return (x == infinity ? y == infinity : !x) ? infinity | one >> 1 : sign | infinity;        \
        if (y == infinity || !x)                                                                        \
            return sign;                                                                                \
        int exponent = waot_normalize_##type(&x) - waot_normalize_##type(&y) + (largest) / 2;           \
        if (x < y) {                                                                                    \
            x <<= 1;                                                                                    \
            exponent--;                                                                                 \
        }                                                                                               \
        if (exponent >= (largest))                                                                      \
            return sign | infinity;                                                                     \
        /* From 1 to 2, with a digit more than is kept. What is left over tells a half from more. */    \
        word quotient = 0;                                                                              \
        for (int i = 0; i < (digits) + 2; i++, x <<= 1) {                                               \
            quotient <<= 1;                                                                             \
            if (x >= y) {                                                                               \
                x -= y;                                                                                 \
                quotient |= 1;                                                                          \
            }                                                                                           \
        }                                                                                               \
        int drop = exponent > 0 ? 1 : exponent < -(digits) ? (digits) + 3 : 2 - exponent;               \
        word kept = quotient >> drop, dropped = quotient & (((word)1 << drop) - 1);                     \
        word half = (word)1 << (drop - 1);                                                              \
        /* The first digit is one more in the exponent, and so is the carry of rounding up. */          \
        word result = kept + (exponent > 0 ? (word)(exponent - 1) << (digits) : 0);                     \
        return sign | (result + (dropped > half || (dropped == half && (x || (kept & 1)))));            \
    }                                                                                                   \
    WAOT_BASE_CALL type name(type a, type b);                                                           \
    WAOT_BASE_CALL type name(type a, type b)                                                            \
    {                                                                                                   \
        union {                                                                                         \
            type value;                                                                                 \
            word bits;                                                                                  \
        } x = {a}, y = {b};                                                                             \
        x.bits = waot_divide_bits_##type(x.bits, y.bits);                                               \
        return x.value;                                                                                 \
    }

static uint64_t waot_widen_bits(uint32_t value)
{
    uint64_t sign = (uint64_t)(value >> 31) << 63;
    uint32_t size = value & 0x7fffffffu;
    if (size > 0x7f800000u)
        return sign | UINT64_C(0x7ff8000000000000) | (uint64_t)(size & 0x7fffffu) << 29;
    if (size == 0x7f800000u)
        return sign | UINT64_C(0x7ff0000000000000);
    if (!size)
        return sign;
    int exponent = waot_normalize_float(&size);
    return sign | (uint64_t)(exponent + 1023 - 127) << 52 | (uint64_t)(size & 0x7fffffu) << 29;
}

#define WAOT_SOFT_WIDENING(name)                                              \
    WAOT_BASE_CALL double name(float value);                                  \
    WAOT_BASE_CALL double name(float value)                                   \
    {                                                                         \
        union {                                                               \
            float value;                                                      \
            uint32_t bits;                                                    \
        } from = {value};                                                     \
        union {                                                               \
            uint64_t bits;                                                    \
            double value;                                                     \
        } to = {waot_widen_bits(from.bits)};                                  \
        return to.value;                                                      \
    }

#if WAOT_ARM_RUN_TIME_ABI
WAOT_SOFT_DIVISION(__aeabi_ddiv, double, uint64_t, 52, 2047)
WAOT_SOFT_WIDENING(__aeabi_f2d)
#else
WAOT_SOFT_DIVISION(__divdf3, double, uint64_t, 52, 2047)
WAOT_SOFT_WIDENING(__extendsfdf2)
#endif

#if WAOT_SOFT_FLOATS
WAOT_SOFT_DIVISION(__divsf3, float, uint32_t, 23, 255)
#endif

#endif
