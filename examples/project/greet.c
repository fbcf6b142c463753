/* A small program to release for every machine: it greets NAME, or the first argument. */
#include <stdio.h>
#include <stdlib.h>

int main(int argc, char **argv)
{
    const char *name = argc > 1 ? argv[1] : getenv("NAME");
    printf("Hello, %s!\n", name != NULL ? name : "world");
    return 0;
}
