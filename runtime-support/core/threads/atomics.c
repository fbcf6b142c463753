/* Atomic operators of generated code, of all widths, where some need a lock (waot/lowering/atomics.py). Numbers are as in
 * memory. Each call has constants for width and operation, so that little of this is left where it is inlined. */
#include "../../include/waot_abi.h"
#include "../wide_lock.h"

#include <stdint.h>

/* The address is aligned, which generated code has checked. */
static uint64_t waot_wide_read(const void *at, uint32_t width)
{
    switch (width) {
    case 1:
        return *(const volatile uint8_t *)at;
    case 2:
        return *(const volatile uint16_t *)at;
    case 4:
        return *(const volatile uint32_t *)at;
    default:
        return *(const volatile uint64_t *)at;
    }
}

static void waot_wide_write(void *at, uint32_t width, uint64_t value)
{
    switch (width) {
    case 1:
        *(volatile uint8_t *)at = (uint8_t)value;
        break;
    case 2:
        *(volatile uint16_t *)at = (uint16_t)value;
        break;
    case 4:
        *(volatile uint32_t *)at = (uint32_t)value;
        break;
    default:
        *(volatile uint64_t *)at = value;
    }
}

uint64_t waot_atomic_modify(void *at, uint32_t width, uint32_t operation, uint64_t value)
{
    uint32_t *lock = waot_begin_wide(at);
    uint64_t before = waot_wide_read(at, width);
    switch (operation) {
    case WAOT_ATOMIC_ADD:
        value = before + value;
        break;
    case WAOT_ATOMIC_SUB:
        value = before - value;
        break;
    case WAOT_ATOMIC_AND:
        value &= before;
        break;
    case WAOT_ATOMIC_OR:
        value |= before;
        break;
    case WAOT_ATOMIC_XOR:
        value ^= before;
        break;
    default:
        break;
    }
    if (operation != WAOT_ATOMIC_LOAD)
        waot_wide_write(at, width, value);
    waot_end_wide(lock);
    return before;
}

uint64_t waot_atomic_compare_exchange(void *at, uint32_t width, uint64_t expected, uint64_t value)
{
    uint32_t *lock = waot_begin_wide(at);
    uint64_t before = waot_wide_read(at, width);
    if (before == expected)
        waot_wide_write(at, width, value);
    waot_end_wide(lock);
    return before;
}
