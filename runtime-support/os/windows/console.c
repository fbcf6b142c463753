/* Consoles, whose own text is UTF-16: what programs write is UTF-8, which may end amid a character, and what is typed goes
 * on to them as UTF-8. The ends of lines stay as they are: CR LF where the console has that. */
#include "system.h"

/* Bytes of the character that begins with that byte; 1 where none does. */
static size_t waot_windows_character(uint8_t first)
{
    return first >= 0xf0 && first < 0xf8 ? 4 : first >= 0xe0 && first < 0xf0 ? 3 : first >= 0xc2 && first < 0xe0 ? 2 : 1;
}

static bool waot_windows_write_units(HANDLE handle, const WCHAR *units, size_t count)
{
    while (count > 0) {
        DWORD written = 0;
        if (!WriteConsoleW(handle, units, (DWORD)count, &written, NULL) || written == 0)
            return false;
        units += written;
        count -= written;
    }
    return true;
}

int64_t waot_windows_console_write(struct waot_windows_file *file, const uint8_t *bytes, size_t size)
{
    WCHAR units[WAOT_WINDOWS_CONSOLE_UNITS];
    size_t count = 0, at = 0;
    while (at < size) {
        /* One character, with what is held of it. */
        if (file->held_size == 0)
            file->held[file->held_size++] = bytes[at++];
        size_t whole = waot_windows_character(file->held[0]);
        bool broken = false;
        while (file->held_size < whole && at < size && !broken) {
            broken = (bytes[at] & 0xc0) != 0x80;
            if (!broken)
                file->held[file->held_size++] = bytes[at++];
        }
        if (file->held_size < whole && !broken)
            break;
        ptrdiff_t made = waot_windows_to_utf16((const char *)file->held, file->held_size, units + count);
        if (made < 0) { /* U+FFFD, the replacement character */
            units[count] = 0xfffd;
            made = 1;
        }
        file->held_size = 0;
        count += (size_t)made;
        if (count + 4 > WAOT_WINDOWS_CONSOLE_UNITS || at == size) {
            if (!waot_windows_write_units(file->handle, units, count))
                return -WAOT_WASI_IO;
            count = 0;
        }
    }
    return waot_windows_write_units(file->handle, units, count) ? (int64_t)size : -WAOT_WASI_IO;
}

int64_t waot_windows_console_read(struct waot_windows_file *file, uint8_t *bytes, size_t size)
{
    struct waot_windows_state *state = &waot_windows_state;
    if (size == 0)
        return 0;
    if (state->typed_at == state->typed_size) {
        if ((file->flags & WAOT_WASI_FDFLAGS_NONBLOCK) != 0 && !waot_windows_console_ready(file))
            return -WAOT_WASI_AGAIN;
        WCHAR units[WAOT_WINDOWS_CONSOLE_UNITS];
        DWORD count = 0;
        if (!ReadConsoleW(file->handle, units, WAOT_WINDOWS_CONSOLE_UNITS, &count, NULL))
            return -WAOT_WASI_IO;
        if (count > 0 && units[0] == 0x1a) /* Ctrl+Z at the beginning of a line is the end, as everywhere on Windows */
            return 0;
        state->typed_at = 0;
        state->typed_size = waot_windows_to_utf8(units, count, (char *)state->typed);
    }
    size_t part = state->typed_size - state->typed_at;
    part = part < size ? part : size;
    __builtin_memcpy(bytes, state->typed + state->typed_at, part);
    state->typed_at += part;
    return (int64_t)part;
}

bool waot_windows_console_ready(const struct waot_windows_file *file)
{
    if (waot_windows_state.typed_at < waot_windows_state.typed_size)
        return true;
    /* Reading waits for a whole line; what is there may be events that are no text. A key that is pressed is the best sign
     * there is. */
    INPUT_RECORD records[32];
    DWORD count = 0;
    if (!PeekConsoleInputW(file->handle, records, 32, &count))
        return true;
    for (DWORD i = 0; i < count; i++)
        if (records[i].EventType == KEY_EVENT && records[i].Event.KeyEvent.bKeyDown &&
            records[i].Event.KeyEvent.uChar.UnicodeChar != 0)
            return true;
    return false;
}
