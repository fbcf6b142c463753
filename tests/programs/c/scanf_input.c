/* Reads records from standard input with scanf, getchar/ungetc, fgets and strtol/strtod. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int main(void) {
    int count = 0;
    if (scanf("%d", &count) != 1) {
        puts("no count");
        return 1;
    }
    double total = 0;
    for (int i = 0; i < count; i++) {
        char name[32], category;
        int quantity;
        double price;
        unsigned colour;
        int fields = scanf(" %31[^,],%d,%lf,%c,%x", name, &quantity, &price, &category, &colour);
        printf("%d fields: name='%s' quantity=%d price=%.2f category=%c colour=%06x\n", fields, name, quantity, price,
               category, colour);
        total += quantity * price;
    }
    printf("total %.2f\n", total);
    long long big;
    signed char small;
    int consumed;
    printf("%d", scanf("%lld %hhd%n", &big, &small, &consumed));
    printf(" %lld %d %d\n", big, small, consumed);
    int c;
    while ((c = getchar()) != EOF && isspace(c)) {
    }
    ungetc(c, stdin);
    char line[128];
    while (fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = 0;
        char *end;
        errno = 0;
        long integer = strtol(line, &end, 0);
        printf("'%s': strtol %ld, rest '%s', errno %s; ", line, integer, end, errno == ERANGE ? "ERANGE" : "0");
        double real = strtod(line, &end);
        printf("strtod %a, rest '%s'\n", real, end);
    }
    printf("feof %d ferror %d\n", feof(stdin) != 0, ferror(stdin) != 0);
    return 0;
}
