/* A position independent library: its place in the memory and in the table are given to it. */
#include <stddef.h>

typedef int (*operation)(int);
static int twice(int x) { return x * 2; }
static int square(int x) { return x * x; }
static int minus(int x) { return -x; }
static operation operations[] = {twice, square, minus, twice};  /* in the table from __table_base on */
static const char *const names[] = {"twice", "square", "minus", "again"}; /* in the memory from __memory_base on */
static int calls[4] = {10, 20, 30, 40};
int *latest = &calls[3];

__attribute__((export_name("apply"))) int apply(int which, int x)
{
    latest = &calls[which];
    ++*latest;
    return operations[which](x);
}
__attribute__((export_name("called"))) int called(void) { return *latest; }
__attribute__((export_name("name"))) const char *name(int which) { return names[which]; }
__attribute__((export_name("map"))) int map(operation function, int count)
{
    int sum = 0;
    for (int i = 0; i < count; i++)
        sum = sum * 3 + function(i) + operations[i % 4](i);
    return sum;
}
__attribute__((export_name("operation"))) operation operation_at(int which) { return operations[which]; }
