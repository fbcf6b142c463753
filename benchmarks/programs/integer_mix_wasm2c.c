/* Runs the integer mix as wasm2c 1.0.32 translated it (module name "mix"). */
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

#include "mix.h"

int main(int argc, char **argv) {
    static Z_mix_instance_t instance;
    wasm_rt_init();
    Z_mix_init_module();
    Z_mix_instantiate(&instance);
    u32 rounds = argc > 1 ? (u32)strtoul(argv[1], 0, 10) : 15000;
    struct timespec start, end;
    clock_gettime(CLOCK_MONOTONIC, &start);
    u32 hash = Z_mixZ_mix_run(&instance, rounds);
    clock_gettime(CLOCK_MONOTONIC, &end);
    printf("hash %08x\n", (unsigned)hash);
    printf("seconds %.6f\n", (double)(end.tv_sec - start.tv_sec) + (double)(end.tv_nsec - start.tv_nsec) / 1e9);
    return 0;
}
