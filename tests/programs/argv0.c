/* argv0.exe PROGRAM NAME ARGUMENTS...: runs PROGRAM, which finds NAME as its own name, as `qemu -0` does. Wine itself gives
 * every program its whole path. */
#include <windows.h>

/* Behind the first word of a command line and the spaces after it. */
static WCHAR *next(WCHAR *line)
{
    int quoted = 0;
    for (; *line && (quoted || *line != ' '); line++)
        quoted ^= *line == '"';
    while (*line == ' ')
        line++;
    return line;
}

void start(void)
{
    WCHAR *program = next(GetCommandLineW()), *line = next(program);
    WCHAR path[1024];
    STARTUPINFOW startup = {.cb = sizeof startup};
    PROCESS_INFORMATION process;
    DWORD status = 1;
    int length = 0;
    for (WCHAR *at = program; at < line && length < 1023; at++)
        if (*at != '"' && *at != ' ')
            path[length++] = *at;
    path[length] = 0;
    if (!CreateProcessW(path, line, NULL, NULL, TRUE, 0, NULL, NULL, &startup, &process))
        ExitProcess(99);
    WaitForSingleObject(process.hProcess, INFINITE);
    GetExitCodeProcess(process.hProcess, &status);
    ExitProcess(status);
}
