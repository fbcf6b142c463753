#include <stdio.h>

__attribute__((import_module("stats"), import_name("_initialize"))) void stats_initialize(void);
__attribute__((import_module("stats"), import_name("add"))) int add(double value);
__attribute__((import_module("stats"), import_name("mean"))) double mean(void);
__attribute__((import_module("scale"), import_name("scaled"))) double scaled(double factor);

int main(void)
{
    int kept = 0;
    stats_initialize();
    for (int i = 1; i <= 4; i++)
        kept = add(i);
    printf("mean %.2f, scaled %.2f, kept %d\n", mean(), scaled(10), kept);
    return 0;
}
