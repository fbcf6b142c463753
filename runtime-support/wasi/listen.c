/* Granted addresses: the program starts with a socket that listens at each. */
#include "wasi.h"

/* A number of at most `digits` digits in `base`, and no more than `most`; moves *at past it. -1 where there is none. */
static int32_t waot_wasi_read_number(const char **at, int base, int digits, int32_t most)
{
    int32_t number = 0;
    int read = 0;
    for (;; ++*at, read++) {
        int c = **at, digit = 16;
        if (c >= '0' && c <= '9')
            digit = c - '0';
        else if ((c | 32) >= 'a' && (c | 32) <= 'f')
            digit = (c | 32) - 'a' + 10;
        if (digit >= base)
            return read == 0 ? -1 : number;
        number = number * base + digit;
        if (read == digits || number > most)
            return -1;
    }
}

static bool waot_wasi_read_version4(const char **at, uint8_t bytes[4])
{
    for (int i = 0; i < 4; i++) {
        if (i > 0 && *(*at)++ != '.')
            return false;
        if ((*at)[0] == '0' && (*at)[1] >= '0' && (*at)[1] <= '9') /* octal to some */
            return false;
        int32_t number = waot_wasi_read_number(at, 10, 3, 255);
        if (number < 0)
            return false;
        bytes[i] = (uint8_t)number;
    }
    return true;
}

/* RFC 4291, 2.2: eight groups, `::` once for one or more of zeros, the last two perhaps as an IPv4 address. */
static bool waot_wasi_read_version6(const char **at, uint8_t bytes[16])
{
    int groups = 0, gap = -1;
    if ((*at)[0] == ':' && (*at)[1] != ':')
        return false;
    while (**at != ']') {
        if (**at == ':') {
            ++*at;
            if (**at == ':') {
                if (gap >= 0)
                    return false;
                gap = groups;
                if (*++*at == ':')
                    return false;
                continue;
            }
            if (**at == ']')
                return false;
        }
        const char *start = *at, *dot = start;
        while (*dot >= '0' && *dot <= '9')
            dot++;
        if (groups <= 6 && *dot == '.') {
            if (!waot_wasi_read_version4(at, bytes + 2 * groups) || **at != ']')
                return false;
            groups += 2;
            break;
        }
        int32_t number = waot_wasi_read_number(at, 16, 4, 0xffff);
        if (number < 0 || groups == 8 || (**at != ':' && **at != ']'))
            return false;
        bytes[2 * groups] = (uint8_t)(number >> 8);
        bytes[2 * groups + 1] = (uint8_t)number;
        groups++;
    }
    if (gap < 0)
        return groups == 8;
    if (groups == 8)
        return false;
    int moved = 2 * (groups - gap);
    __builtin_memmove(bytes + 16 - moved, bytes + 2 * gap, (size_t)moved);
    __builtin_memset(bytes + 2 * gap, 0, (size_t)(16 - 2 * groups));
    return true;
}

/* ADDR:PORT, with an IPv6 address in brackets. */
static bool waot_wasi_read_address(const char *at, struct waot_os_address *address)
{
    *address = (struct waot_os_address){.version6 = *at == '['};
    if (address->version6) {
        at++;
        if (!waot_wasi_read_version6(&at, address->bytes) || *at++ != ']')
            return false;
    } else if (!waot_wasi_read_version4(&at, address->bytes)) {
        return false;
    }
    if (*at++ != ':')
        return false;
    int32_t port = waot_wasi_read_number(&at, 10, 5, UINT16_MAX);
    address->port = (uint16_t)port;
    return port > 0 && *at == '\0';
}

/* A socket that listens at `text`, which the system hands over as number `number` where it hands over any. */
static void waot_wasi_grant_socket(const char *text, uint32_t number, uint32_t handed_over)
{
    struct waot_os_address address;
    if (!waot_wasi_read_address(text, &address))
        waot_wasi_refuse("cannot listen at", text, "use ADDR:PORT with a numeric address, IPv6 in brackets");
    int64_t handle = number < handed_over ? waot_os_take_over(number) : waot_os_listen(&address);
    if (handle < 0)
        waot_wasi_refuse_result("cannot listen at", text, handle);
    struct waot_wasi_descriptor descriptor = {.handle = (waot_os_handle)handle, .kind = WAOT_WASI_FILE};
    waot_wasi_preopen(&descriptor, text);
}

void waot_wasi_grant_sockets(void)
{
    uint32_t number = 0, handed_over = 0;
    char *item;
    struct waot_wasi_record record = {NULL, NULL};
    /* Whoever may add addresses may bring the sockets too. */
    if (WAOT_MAY(RUN_TIME) && !waot_wasi_is_sealed())
        handed_over = waot_os_handed_over();
    while (waot_wasi_next_record(&record))
        if (record.head->kind == WAOT_RECORD_LISTEN)
            waot_wasi_grant_socket((const char *)record.payload, number++, handed_over);
    while (WAOT_MAY(RUN_TIME) && waot_wasi_next_item(WAOT_WASI_VARIABLE_LISTEN, &item))
        waot_wasi_grant_socket(item, number++, handed_over);
}
