#include <stdio.h>
#include <stdlib.h>
#include <string.h>

extern char **environ;

static int by_text(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

int main(void) {
    int count = 0;
    while (environ[count])
        count++;
    qsort(environ, (size_t)count, sizeof *environ, by_text);
    for (int i = 0; i < count; i++)
        puts(environ[i]);
    const char *names[] = {"GREETING", "EMPTY", "WITH_EQUALS", "HOME", "PATH"};
    for (int i = 0; i < 5; i++) {
        const char *value = getenv(names[i]);
        printf("%s: %s\n", names[i], value ? value : "(not granted)");
    }
    setenv("GREETING", "changed", 1);
    setenv("ADDED", "new", 0);
    unsetenv("EMPTY");
    printf("%s %s %d\n", getenv("GREETING"), getenv("ADDED"), getenv("EMPTY") == NULL);
    return 0;
}
