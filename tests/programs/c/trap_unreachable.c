#include <stdio.h>

__attribute__((noinline)) static void give_up(int why) {
    if (why)
        __builtin_trap();
}

int main(int argc, char **argv) {
    (void)argv;
    puts("before");
    fflush(stdout);
    give_up(argc);
    puts("after");
    return 0;
}
