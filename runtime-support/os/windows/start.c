/* The entry point: the command line and the environment become what C has, then the program runs on the stack that the
 * system made by the size in the executable's header. */
#include "machine.h"
#include "system.h"

#include "../../core/process.h"
#include "faults.h"
#include "threads.h"

struct waot_process waot_process;
WAOT_THREAD_LOCAL struct waot_stack waot_stack;

/* waot/linker/pe.py says where the embedded image is: behind all other sections, or nowhere. */
extern const uint32_t waot_embed_rva;

/* Splits a command line as Microsoft's C runtime does: the strings one after the other, each ended by 0, at `to`, which
 * has room for as many units as the line has and one more. Their number. */
static int waot_windows_split(const WCHAR *line, WCHAR *to)
{
    int count = 0;
    bool quoted = false;
    /* The program's own name has no escapes. */
    for (; *line != 0 && (quoted || (*line != ' ' && *line != '\t')); line++) {
        if (*line == '"')
            quoted = !quoted;
        else
            *to++ = *line;
    }
    *to++ = 0;
    count++;
    for (;;) {
        while (*line == ' ' || *line == '\t')
            line++;
        if (*line == 0)
            return count;
        quoted = false;
        while (*line != 0 && (quoted || (*line != ' ' && *line != '\t'))) {
            size_t slashes = 0;
            while (line[slashes] == '\\')
                slashes++;
            line += slashes;
            /* Only before a quotation mark a backslash escapes: itself, or the mark. */
            bool mark = *line == '"';
            for (size_t i = 0; i < (mark ? slashes / 2 : slashes); i++)
                *to++ = '\\';
            if (!mark) {
                if (*line != 0 && (quoted || (*line != ' ' && *line != '\t')))
                    *to++ = *line++;
                continue;
            }
            if (slashes % 2 != 0 || (quoted && line[1] == '"')) {
                line += slashes % 2 != 0 ? 1 : 2;
                *to++ = '"';
            } else {
                line++;
                quoted = !quoted;
            }
        }
        *to++ = 0;
        count++;
    }
}

/* `count` strings of UTF-16, each ended by 0, as UTF-8, and pointers to them, then null. */
static char **waot_windows_strings(const WCHAR *from, size_t units, size_t count)
{
    char **strings = waot_os_allocate_pages((count + 1) * sizeof *strings + 3 * units);
    if (strings == NULL)
        waot_fatal("no memory for the arguments");
    char *at = (char *)(strings + count + 1);
    waot_windows_to_utf8(from, units, at);
    for (size_t i = 0; i < count; i++) {
        strings[i] = at;
        at += __builtin_strlen(at) + 1;
    }
    return strings;
}

static void waot_windows_read_arguments(void)
{
    const WCHAR *line = GetCommandLineW();
    size_t size = 0;
    while (line[size] != 0)
        size++;
    WCHAR *split = waot_os_allocate_pages((size + 2) * sizeof *split);
    if (split == NULL)
        waot_fatal("no memory for the arguments");
    waot_process.argc = waot_windows_split(line, split);
    waot_process.argv = waot_windows_strings(split, size + 2, (size_t)waot_process.argc);
    waot_os_free_pages(split, 0);
}

static void waot_windows_read_environment(void)
{
    const WCHAR *block = GetEnvironmentStringsW();
    size_t size = 0, count = 0;
    while (block != NULL && block[size] != 0) {
        while (block[size] != 0)
            size++;
        size++;
        count++;
    }
    waot_process.envp = waot_windows_strings(block, size, count);
    /* Those whose names begin with `=` are the current directories of drives, for cmd.exe. */
    char **to = waot_process.envp;
    for (size_t i = 0; i < count; i++)
        if (waot_process.envp[i][0] != '=')
            *to++ = waot_process.envp[i];
    *to = NULL;
}

__attribute__((weak)) void waot_main(void)
{
    waot_wasi_start();
    waot_module.instantiate();
    waot_module.entry();
    waot_exit(0);
}

__attribute__((used)) void waot_start(void)
{
    if (WAOT_THREADS)
        waot_begin_threads();
    waot_windows_know_stack();
    waot_windows_catch_faults();
    waot_process.page_size = 4096;
    waot_process.manifest = waot_manifest_start;
    waot_process.manifest_end = waot_manifest_end;
    waot_process.embedded = waot_image_start + waot_embed_rva;
    waot_windows_read_arguments();
    waot_windows_read_environment();
    waot_main();
}
