/* Every way to end: return, exit, _Exit, with buffered output and exit handlers. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void handler(void) { puts("exit handler"); }

static void deep(int n, int status) {
    if (n == 0)
        exit(status);
    deep(n - 1, status);
    puts("never");
}

int main(int argc, char **argv) {
    atexit(handler);
    int status = argc > 2 ? atoi(argv[2]) : 0;
    const char *how = argc > 1 ? argv[1] : "return";
    printf("%s %d", how, status); /* no newline: still buffered */
    if (!strcmp(how, "exit"))
        exit(status);
    if (!strcmp(how, "_Exit")) {
        fflush(stdout);
        _Exit(status);
    }
    if (!strcmp(how, "deep"))
        deep(20, status);
    if (!strcmp(how, "stderr"))
        fprintf(stderr, "failing with %d\n", status);
    return status;
}
