#include <stdio.h>
#define LIBRARY(name) __attribute__((import_module("shared"), import_name(#name)))
LIBRARY(__wasm_apply_data_relocs) void relocate(void);
LIBRARY(apply) int apply(int which, int x);
LIBRARY(called) int called(void);
LIBRARY(name) const char *name(int which);
LIBRARY(map) int map(int (*function)(int), int count);
LIBRARY(operation) int (*operation(int which))(int);
static int own(int x) { return x + 1000; }
int main(void) {
    relocate();
    for (int i = 0; i < 4; i++) printf("%s %d called %d, directly %d\n", name(i), apply(i, 7), called(), operation(i)(9));
    printf("map %d %d\n", map(own, 10), map(operation(1), 10));
}
