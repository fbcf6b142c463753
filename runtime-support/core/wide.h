/* What LLVM calls where registers have 32 bits: division of 64-bit integers, and conversions between these and floats.
 *
 * Part of builtins.c, and under its conditions. Conversions round once, to nearest; from floats they cut off, and what is
 * out of range gives any result, as LLVM's fptosi and fptoui do. Nothing here divides 64 bits itself.
 */
#ifndef WAOT_WIDE_H
#define WAOT_WIDE_H

#include "machine.h"

#include <stdint.h>

#define WAOT_LOW(n) ((uint32_t)(n))
#define WAOT_HIGH(n) ((uint32_t)((uint64_t)(n) >> 32))
#define WAOT_JOIN(high, low) ((uint64_t)(high) << 32 | (low))

/* ---------------------------------------------------------------- division */

/* (high:low) / by, where high < by; what is left goes to *rest. */
static inline uint32_t waot_divide_wide(uint32_t high, uint32_t low, uint32_t by, uint32_t *rest)
{
#if WAOT_DIVIDES_64_BY_32
    uint32_t quotient, remainder;
    __asm__("divl %4" : "=a"(quotient), "=d"(remainder) : "0"(low), "1"(high), "rm"(by) : "cc");
    *rest = remainder;
    return quotient;
#else
    /* Knuth's algorithm D with digits of 16 bits: each digit of the quotient is guessed from the divisor's upper half, and
     * is then at most two too large. */
    unsigned shift = (unsigned)__builtin_clz(by);
    by <<= shift;
    uint64_t value = WAOT_JOIN(high, low) << shift;
    uint32_t upper = by >> 16, lower = by & 0xffff, left = WAOT_HIGH(value), quotient = 0;
    for (int half = 16; half >= 0; half -= 16) {
        uint32_t next = WAOT_LOW(value) >> half & 0xffff;
        uint32_t digit = left / upper, over = left % upper;
        while (digit > 0xffff || digit * lower > (over << 16 | next)) {
            digit--;
            over += upper;
            if (over > 0xffff)
                break;
        }
        left = (left << 16 | next) - digit * by; /* modulo 2^32, in which the difference lies */
        quotient = quotient << 16 | digit;
    }
    *rest = left >> shift;
    return quotient;
#endif
}

static uint64_t waot_divide(uint64_t value, uint64_t by, uint64_t *rest)
{
    if (!WAOT_HIGH(by)) {
        uint32_t divisor = WAOT_LOW(by), left = WAOT_HIGH(value), high = 0;
        if (left >= divisor) {
            high = left / divisor;
            left -= high * divisor;
        }
        uint32_t low = waot_divide_wide(left, WAOT_LOW(value), divisor, &left);
        *rest = left;
        return WAOT_JOIN(high, low);
    }
    if (value < by) {
        *rest = value;
        return 0;
    }
    /* The quotient has 32 bits at most. That of the upper halves, of which the divisor's is made to fill its word, is right
     * or one too large. */
    unsigned shift = (unsigned)__builtin_clz(WAOT_HIGH(by));
    uint32_t divisor = WAOT_HIGH(by << shift), unused;
    uint64_t half = value >> 1;
    uint32_t guess = waot_divide_wide(WAOT_HIGH(half), WAOT_LOW(half), divisor, &unused);
    uint64_t quotient = shift ? WAOT_JOIN(0, guess) << shift >> 31 : guess >> 31;
    if (quotient)
        quotient--;
    uint64_t left = value - quotient * by;
    if (left >= by) {
        left -= by;
        quotient++;
    }
    *rest = left;
    return quotient;
}

/* Towards zero; the remainder has the sign of `value`. */
static int64_t waot_divide_signed(int64_t value, int64_t by, int64_t *rest)
{
    uint64_t left;
    uint64_t size = value < 0 ? 0 - (uint64_t)value : (uint64_t)value;
    uint64_t quotient = waot_divide(size, by < 0 ? 0 - (uint64_t)by : (uint64_t)by, &left);
    *rest = (int64_t)(value < 0 ? 0 - left : left);
    return (int64_t)((value ^ by) < 0 ? 0 - quotient : quotient);
}

uint64_t __udivdi3(uint64_t value, uint64_t by);
uint64_t __umoddi3(uint64_t value, uint64_t by);
int64_t __divdi3(int64_t value, int64_t by);
int64_t __moddi3(int64_t value, int64_t by);

uint64_t __udivdi3(uint64_t value, uint64_t by)
{
    uint64_t rest;
    return waot_divide(value, by, &rest);
}

uint64_t __umoddi3(uint64_t value, uint64_t by)
{
    uint64_t rest;
    waot_divide(value, by, &rest);
    return rest;
}

int64_t __divdi3(int64_t value, int64_t by)
{
    int64_t rest;
    return waot_divide_signed(value, by, &rest);
}

int64_t __moddi3(int64_t value, int64_t by)
{
    int64_t rest;
    waot_divide_signed(value, by, &rest);
    return rest;
}

/* ---------------------------------------------------------------- shifts, where the code is to be small */

uint64_t __ashldi3(uint64_t value, int count);
uint64_t __lshrdi3(uint64_t value, int count);
int64_t __ashrdi3(int64_t value, int count);

uint64_t __ashldi3(uint64_t value, int count)
{
    if (count & 32)
        return WAOT_JOIN(WAOT_LOW(value) << (count & 31), 0);
    if (!count)
        return value;
    return WAOT_JOIN(WAOT_HIGH(value) << count | WAOT_LOW(value) >> (32 - count), WAOT_LOW(value) << count);
}

uint64_t __lshrdi3(uint64_t value, int count)
{
    if (count & 32)
        return WAOT_HIGH(value) >> (count & 31);
    if (!count)
        return value;
    return WAOT_JOIN(WAOT_HIGH(value) >> count, WAOT_LOW(value) >> count | WAOT_HIGH(value) << (32 - count));
}

int64_t __ashrdi3(int64_t value, int count)
{
    uint64_t shifted = __lshrdi3((uint64_t)value, count);
    if (value < 0 && count)
        shifted |= __ashldi3(UINT64_MAX, 64 - count);
    return (int64_t)shifted;
}

/* ---------------------------------------------------------------- integers to floats */

#define WAOT_2_32 0x1p32

/* Both halves and the product are exact, so the sum is all that rounds. */
static double waot_unsigned_to_double(uint64_t value)
{
    return (double)WAOT_HIGH(value) * WAOT_2_32 + (double)WAOT_LOW(value);
}

static double waot_signed_to_double(int64_t value)
{
    return (double)(int32_t)WAOT_HIGH(value) * WAOT_2_32 + (double)WAOT_LOW(value);
}

/* By way of a double, which would round a second time: so what it has no room for becomes one bit, low enough to be
 * told from a half of what a float's last bit counts. */
static float waot_unsigned_to_float(uint64_t value)
{
    if (value >> 53)
        value = (value & ~UINT64_C(0x7ff)) | (uint64_t)((value & 0x7ff) != 0) << 11;
    return (float)waot_unsigned_to_double(value);
}

static float waot_signed_to_float(int64_t value)
{
    return value < 0 ? -waot_unsigned_to_float(0 - (uint64_t)value) : waot_unsigned_to_float((uint64_t)value);
}

/* ---------------------------------------------------------------- floats to integers */

static uint64_t waot_double_to_unsigned(double value)
{
    uint32_t high = (uint32_t)(value * (1 / WAOT_2_32));
    return WAOT_JOIN(high, (uint32_t)(value - (double)high * WAOT_2_32));
}

static int64_t waot_double_to_signed(double value)
{
    uint64_t size = waot_double_to_unsigned(__builtin_fabs(value));
    return (int64_t)(value < 0 ? 0 - size : size);
}

#define WAOT_CONVERSION(name, result, type, function) \
    WAOT_BASE_CALL result name(type value);           \
    WAOT_BASE_CALL result name(type value)            \
    {                                                 \
        return function(value);                       \
    }

#if WAOT_ARM_RUN_TIME_ABI

WAOT_CONVERSION(__aeabi_ul2d, double, uint64_t, waot_unsigned_to_double)
WAOT_CONVERSION(__aeabi_l2d, double, int64_t, waot_signed_to_double)
WAOT_CONVERSION(__aeabi_ul2f, float, uint64_t, waot_unsigned_to_float)
WAOT_CONVERSION(__aeabi_l2f, float, int64_t, waot_signed_to_float)
WAOT_CONVERSION(__aeabi_d2ulz, uint64_t, double, waot_double_to_unsigned)
WAOT_CONVERSION(__aeabi_d2lz, int64_t, double, waot_double_to_signed)
WAOT_CONVERSION(__aeabi_f2ulz, uint64_t, float, waot_double_to_unsigned)
WAOT_CONVERSION(__aeabi_f2lz, int64_t, float, waot_double_to_signed)

uint64_t __aeabi_llsl(uint64_t value, int count);
uint64_t __aeabi_llsr(uint64_t value, int count);
int64_t __aeabi_lasr(int64_t value, int count);

uint64_t __aeabi_llsl(uint64_t value, int count)
{
    return __ashldi3(value, count);
}

uint64_t __aeabi_llsr(uint64_t value, int count)
{
    return __lshrdi3(value, count);
}

int64_t __aeabi_lasr(int64_t value, int count)
{
    return __ashrdi3(value, count);
}

/* Division of 32 bits too is a call: by shifts, from where both numbers begin. Quotient and remainder come back in two
 * registers. */
static inline uint64_t waot_divide_short(uint32_t value, uint32_t by)
{
    uint32_t quotient = 0;
    if (value >= by)
        for (int shift = __builtin_clz(by) - __builtin_clz(value); shift >= 0; shift--) {
            quotient <<= 1;
            if (value >= by << shift) {
                value -= by << shift;
                quotient++;
            }
        }
    return WAOT_JOIN(value, quotient);
}

static inline uint64_t waot_divide_short_signed(int32_t value, int32_t by)
{
    uint64_t both = waot_divide_short(value < 0 ? 0 - (uint32_t)value : (uint32_t)value,
                                      by < 0 ? 0 - (uint32_t)by : (uint32_t)by);
    uint32_t quotient = WAOT_LOW(both), rest = WAOT_HIGH(both);
    return WAOT_JOIN(value < 0 ? 0 - rest : rest, (value ^ by) < 0 ? 0 - quotient : quotient);
}

uint64_t __aeabi_uidivmod(uint32_t value, uint32_t by);
uint64_t __aeabi_idivmod(int32_t value, int32_t by);
uint32_t __aeabi_uidiv(uint32_t value, uint32_t by);
int32_t __aeabi_idiv(int32_t value, int32_t by);

uint64_t __aeabi_uidivmod(uint32_t value, uint32_t by)
{
    return waot_divide_short(value, by);
}

uint64_t __aeabi_idivmod(int32_t value, int32_t by)
{
    return waot_divide_short_signed(value, by);
}

uint32_t __aeabi_uidiv(uint32_t value, uint32_t by)
{
    return WAOT_LOW(waot_divide_short(value, by));
}

int32_t __aeabi_idiv(int32_t value, int32_t by)
{
    return (int32_t)WAOT_LOW(waot_divide_short_signed(value, by));
}

/* Quotient and remainder in four registers, which C has no words for. */
uint64_t waot_arm_divide(uint64_t value, uint64_t by, uint64_t *rest);
int64_t waot_arm_divide_signed(int64_t value, int64_t by, int64_t *rest);

__attribute__((used)) uint64_t waot_arm_divide(uint64_t value, uint64_t by, uint64_t *rest)
{
    return waot_divide(value, by, rest);
}

__attribute__((used)) int64_t waot_arm_divide_signed(int64_t value, int64_t by, int64_t *rest)
{
    return waot_divide_signed(value, by, rest);
}

#define WAOT_FOUR_REGISTERS(name, function)         \
    void name(void);                                \
    __attribute__((naked)) void name(void)          \
    {                                               \
        __asm__("push {r4, lr}\n\t"                 \
                "sub sp, sp, #16\n\t"               \
                "add r4, sp, #8\n\t"                \
                "str r4, [sp]\n\t"                  \
                "bl " function "\n\t"               \
                "ldr r2, [sp, #8]\n\t"              \
                "ldr r3, [sp, #12]\n\t"             \
                "add sp, sp, #16\n\t"               \
                "pop {r4, pc}");                    \
    }
WAOT_FOUR_REGISTERS(__aeabi_uldivmod, "waot_arm_divide")
WAOT_FOUR_REGISTERS(__aeabi_ldivmod, "waot_arm_divide_signed")

#else

WAOT_CONVERSION(__floatundidf, double, uint64_t, waot_unsigned_to_double)
WAOT_CONVERSION(__floatdidf, double, int64_t, waot_signed_to_double)
WAOT_CONVERSION(__floatundisf, float, uint64_t, waot_unsigned_to_float)
WAOT_CONVERSION(__floatdisf, float, int64_t, waot_signed_to_float)
WAOT_CONVERSION(__fixunsdfdi, uint64_t, double, waot_double_to_unsigned)
WAOT_CONVERSION(__fixdfdi, int64_t, double, waot_double_to_signed)
WAOT_CONVERSION(__fixunssfdi, uint64_t, float, waot_double_to_unsigned)
WAOT_CONVERSION(__fixsfdi, int64_t, float, waot_double_to_signed)

#endif

/* ---------------------------------------------------------------- atomic access to 64 bits
 *
 * Called where the processor has no instruction for it. */

uint64_t __atomic_load_8(const volatile void *at, int order);
void __atomic_store_8(volatile void *at, uint64_t value, int order);
uint64_t __atomic_exchange_8(volatile void *at, uint64_t value, int order);
_Bool __atomic_compare_exchange_8(volatile void *at, void *expected, uint64_t value, int success, int failure);

#if WAOT_ATOMICS_64_ARE_CALLS

#include "wide_lock.h"

uint32_t waot_wide_locks[WAOT_WIDE_LOCKS];

#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Watomic-alignment"

uint64_t __atomic_load_8(const volatile void *at, int order)
{
    (void)order;
    uint32_t *lock = waot_begin_wide(at);
    uint64_t value = *(const volatile uint64_t *)at;
    waot_end_wide(lock);
    return value;
}

void __atomic_store_8(volatile void *at, uint64_t value, int order)
{
    __atomic_exchange_8(at, value, order);
}

uint64_t __atomic_exchange_8(volatile void *at, uint64_t value, int order)
{
    (void)order;
    uint32_t *lock = waot_begin_wide(at);
    uint64_t before = *(volatile uint64_t *)at;
    *(volatile uint64_t *)at = value;
    waot_end_wide(lock);
    return before;
}

_Bool __atomic_compare_exchange_8(volatile void *at, void *expected, uint64_t value, int success, int failure)
{
    (void)success, (void)failure;
    uint32_t *lock = waot_begin_wide(at);
    uint64_t before = *(volatile uint64_t *)at, wanted = *(uint64_t *)expected;
    if (before == wanted)
        *(volatile uint64_t *)at = value;
    waot_end_wide(lock);
    if (before != wanted)
        *(uint64_t *)expected = before;
    return before == wanted;
}

#define WAOT_FETCH(name, operation)                                 \
    uint64_t name(volatile void *at, uint64_t value, int order);    \
    uint64_t name(volatile void *at, uint64_t value, int order)     \
    {                                                               \
        (void)order;                                                \
        uint32_t *lock = waot_begin_wide(at);                       \
        uint64_t before = *(volatile uint64_t *)at;                 \
        *(volatile uint64_t *)at = before operation value;          \
        waot_end_wide(lock);                                        \
        return before;                                              \
    }
WAOT_FETCH(__atomic_fetch_add_8, +)
WAOT_FETCH(__atomic_fetch_sub_8, -)
WAOT_FETCH(__atomic_fetch_and_8, &)
WAOT_FETCH(__atomic_fetch_or_8, |)
WAOT_FETCH(__atomic_fetch_xor_8, ^)

#pragma clang diagnostic pop
#endif

/* ---------------------------------------------------------------- atomic access to 32 bits: what core/memory.c makes
 *
 * Likewise, for the smallest of processors, which have no threads: what these do in steps nobody sees. zig's functions of
 * these names call themselves there. */

uint32_t __atomic_load_4(const volatile void *at, int order);
_Bool __atomic_compare_exchange_4(volatile void *at, void *expected, uint32_t value, int success, int failure);

#if WAOT_ATOMICS_32_ARE_CALLS

uint32_t __atomic_load_4(const volatile void *at, int order)
{
    (void)order;
    return *(const volatile uint32_t *)at;
}

_Bool __atomic_compare_exchange_4(volatile void *at, void *expected, uint32_t value, int success, int failure)
{
    (void)success, (void)failure;
    uint32_t before = *(volatile uint32_t *)at;
    if (before == *(uint32_t *)expected) {
        *(volatile uint32_t *)at = value;
        return 1;
    }
    *(uint32_t *)expected = before;
    return 0;
}

#endif

#endif
