/* UTF-16 and UTF-8. Windows takes any 16-bit units as names; what is no UTF-16 becomes what is no UTF-8 and back
 * (WTF-8), so that wasi/ refuses it as it refuses other bytes that are none. */
#include "system.h"

size_t waot_windows_to_utf8(const WCHAR *from, size_t count, char *to)
{
    char *at = to;
    for (size_t i = 0; i < count; i++) {
        uint32_t c = from[i];
        if (c >= 0xd800 && c < 0xdc00 && i + 1 < count && from[i + 1] >= 0xdc00 && from[i + 1] < 0xe000)
            c = 0x10000 + ((c - 0xd800) << 10) + (from[++i] - 0xdc00u);
        if (c < 0x80) {
            *at++ = (char)c;
            continue;
        }
        if (c < 0x800) {
            *at++ = (char)(0xc0 | c >> 6);
        } else {
            if (c < 0x10000) {
                *at++ = (char)(0xe0 | c >> 12);
            } else {
                *at++ = (char)(0xf0 | c >> 18);
                *at++ = (char)(0x80 | (c >> 12 & 0x3f));
            }
            *at++ = (char)(0x80 | (c >> 6 & 0x3f));
        }
        *at++ = (char)(0x80 | (c & 0x3f));
    }
    return (size_t)(at - to);
}

ptrdiff_t waot_windows_to_utf16(const char *from, size_t size, WCHAR *to)
{
    static const uint32_t least[4] = {0, 0x80, 0x800, 0x10000};
    WCHAR *at = to;
    for (size_t i = 0; i < size;) {
        uint32_t c = (uint8_t)from[i++];
        unsigned more = c < 0x80 ? 0 : c >= 0xc0 && c < 0xe0 ? 1 : c >= 0xe0 && c < 0xf0 ? 2 : c >= 0xf0 && c < 0xf8 ? 3 : 4;
        if (more == 4 || size - i < more)
            return -1;
        if (more > 0)
            c &= 0x3fu >> more;
        for (unsigned j = 0; j < more; j++, i++) {
            if (((uint8_t)from[i] & 0xc0) != 0x80)
                return -1;
            c = c << 6 | ((uint8_t)from[i] & 0x3f);
        }
        if (c < least[more] || c > 0x10ffff)
            return -1;
        if (c >= 0x10000) {
            *at++ = (WCHAR)(0xd800 + ((c - 0x10000) >> 10));
            c = 0xdc00 + ((c - 0x10000) & 0x3ff);
        }
        *at++ = (WCHAR)c;
    }
    return at - to;
}
