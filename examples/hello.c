/* What `make run` compiles: clang (by way of zig) makes a WebAssembly module of it, waot a native program. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

int main(int argc, char **argv)
{
    printf("Hello from WebAssembly, compiled ahead of time.\n");
    for (int i = 1; i < argc; i++)
        printf("argument %d: %s\n", i, argv[i]);

    /* A program has the files that were granted when it was built; this one was granted none. */
    FILE *file = fopen("/etc/passwd", "r");
    if (file)
        printf("/etc/passwd can be read\n");
    else
        printf("/etc/passwd was not granted, so for this program there is %s\n",
               errno == ENOENT ? "no such file" : strerror(errno));
    if (file)
        fclose(file);
    return 0;
}
