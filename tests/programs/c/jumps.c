/* setjmp and longjmp, which clang makes of exceptions: an interpreter of expressions that jumps out of errors. */
#include <ctype.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* What wasi-libc has in libsetjmp and zig's does not. */
__asm__(".globl __c_longjmp\n.tagtype __c_longjmp i32\n__c_longjmp:\n");

#define APART __attribute__((noinline))

struct parser {
    const char *at;
    int depth;
    jmp_buf failed;
};

enum { UNEXPECTED = 1, UNCLOSED, DIVISION, TOO_DEEP };

APART static long sum(struct parser *parser);

APART static long atom(struct parser *parser) {
    if (++parser->depth > 500)
        longjmp(parser->failed, TOO_DEEP);
    long value = 0;
    if (*parser->at == '(') {
        parser->at++;
        value = sum(parser);
        if (*parser->at != ')')
            longjmp(parser->failed, UNCLOSED);
        parser->at++;
    } else if (isdigit((unsigned char)*parser->at)) {
        while (isdigit((unsigned char)*parser->at))
            value = value * 10 + *parser->at++ - '0';
    } else {
        longjmp(parser->failed, UNEXPECTED);
    }
    parser->depth--;
    return value;
}

APART static long product(struct parser *parser) {
    long value = atom(parser);
    while (*parser->at == '*' || *parser->at == '/') {
        char sign = *parser->at++;
        long other = atom(parser);
        if (sign == '/' && other == 0)
            longjmp(parser->failed, DIVISION);
        value = sign == '*' ? value * other : value / other;
    }
    return value;
}

APART static long sum(struct parser *parser) {
    long value = product(parser);
    while (*parser->at == '+' || *parser->at == '-') {
        char sign = *parser->at++;
        long other = product(parser);
        value = sign == '+' ? value + other : value - other;
    }
    return value;
}

APART static void evaluate(const char *text) {
    struct parser parser = {text, 0, {0}};
    int error = setjmp(parser.failed);
    switch (error) {
    case 0: printf("%.20s = %ld\n", text, sum(&parser)); break;
    case DIVISION: printf("%.20s divides by zero at %d\n", text, (int)(parser.at - text)); break;
    default: printf("%.20s: error %d at %d\n", text, error, (int)(parser.at - text)); break;
    }
}

/* Many functions on the way that have a setjmp of their own, each for another jump. */
static jmp_buf buffers[20];
APART static int tower(int level, int target) {
    volatile int seen = level * 3; /* must survive: volatile, as the standard says */
    int value = setjmp(buffers[level]);
    if (value != 0) {
        printf("level %d got %d, seen %d\n", level, value, seen);
        if (level == 0)
            return value;
        longjmp(buffers[level / 2], value + 1);
    }
    seen++;
    if (level == 19)
        longjmp(buffers[target], 100);
    return tower(level + 1, target) + 1;
}

APART static int indirect(void (*function)(jmp_buf *), jmp_buf *buffer) {
    function(buffer);
    return 5;
}
static void jumps(jmp_buf *buffer) { longjmp(*buffer, 0); /* is 1 */ }
static void returns(jmp_buf *buffer) { (void)buffer; }

static jmp_buf sorting;
static int compare(const void *a, const void *b) {
    int x = *(const int *)a, y = *(const int *)b;
    if (x + y == 39)
        longjmp(sorting, x * y + 1);
    return x - y;
}

APART static long loop(int turns) {
    jmp_buf again;
    volatile int count = 0;
    volatile long total = 0;
    int value = setjmp(again);
    total += value;
    if (++count < turns)
        longjmp(again, count % 1000 + 1);
    return total;
}

int main(void) {
    evaluate("1+2*3-(4-5)*6");
    evaluate("(((((7)))))/2");
    evaluate("1+(2*(3");
    evaluate("12/(3-3)+1");
    evaluate("1+*2");
    char deep[2001];
    for (int i = 0; i < 2000; i++)
        deep[i] = '(';
    deep[2000] = 0;
    evaluate(deep);
    printf("tower %d\n", tower(0, 0));
    printf("tower %d\n", tower(0, 13));
    printf("tower %d\n", tower(0, 19));
    jmp_buf here;
    int value = setjmp(here);
    if (value == 0)
        printf("%d\n", indirect(returns, &here)), indirect(jumps, &here);
    printf("jumped with %d\n", value);
    int numbers[40];
    for (int i = 0; i < 40; i++)
        numbers[i] = (i * 17) % 40;
    int found = setjmp(sorting);
    if (found == 0)
        qsort(numbers, 40, sizeof numbers[0], compare);
    printf("sorting found %d\n", found > 0);
    size_t pages = __builtin_wasm_memory_size(0);
    printf("loop %ld\n", loop(1000000));
    printf("memory grew by %zu pages\n", __builtin_wasm_memory_size(0) - pages);
    return 0;
}
