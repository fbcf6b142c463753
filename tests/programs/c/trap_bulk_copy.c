/* memory.copy checks its bounds before it writes anything. */
#include <stdint.h>
#include <stdio.h>
#include <string.h>

__attribute__((noinline)) static void copy(void *to, const void *from, size_t count) {
    __builtin_memmove(to, from, count);
}

int main(int argc, char **argv) {
    (void)argv;
    char text[] = "untouched";
    copy(text, "U", (size_t)argc);
    puts(text);
    fflush(stdout);
    copy(text, text + 1, 0x7fffffff);
    puts(text);
    return 0;
}
