#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int main(void) {
    uint8_t a[256], b[256];
    printf("%d %d\n", getentropy(a, sizeof a), getentropy(b, sizeof b));
    printf("differ %d\n", memcmp(a, b, sizeof a) != 0);
    unsigned seen[256] = {0}, distinct = 0;
    for (int round = 0; round < 64; round++) {
        getentropy(a, sizeof a);
        for (int i = 0; i < 256; i++)
            seen[a[i]]++;
    }
    for (int i = 0; i < 256; i++)
        distinct += seen[i] != 0;
    printf("distinct %u\n", distinct);
    srand(42);
    int first = rand();
    srand(42);
    printf("repeatable %d\n", rand() == first);
    return 0;
}
