/* Deep, wide and mutual recursion: Ackermann, queens, Hanoi, permutations, a recursive-descent parser. */
#include <ctype.h>
#include <stdio.h>
#include <string.h>

static unsigned ackermann(unsigned m, unsigned n) {
    return m == 0 ? n + 1 : n == 0 ? ackermann(m - 1, 1) : ackermann(m - 1, ackermann(m, n - 1));
}

static int queens(int n, unsigned columns, unsigned left, unsigned right) {
    if (columns == (1u << n) - 1)
        return 1;
    int count = 0;
    for (unsigned free = ~(columns | left | right) & ((1u << n) - 1); free; free &= free - 1) {
        unsigned bit = free & -free;
        count += queens(n, columns | bit, (left | bit) << 1, (right | bit) >> 1);
    }
    return count;
}

static unsigned moves;
static void hanoi(int n, char from, char to, char by) {
    if (n == 0)
        return;
    hanoi(n - 1, from, by, to);
    moves = moves * 5 + (unsigned)(from * 3 + to);
    hanoi(n - 1, by, to, from);
}

static int odd(int n);
static int even(int n) { return n == 0 ? 1 : odd(n - 1); }
static int odd(int n) { return n == 0 ? 0 : even(n - 1); }

static int permutations(char *text, int at, int length) {
    if (at == length)
        return text[0] < text[length - 1];
    int count = 0;
    for (int i = at; i < length; i++) {
        char c = text[at];
        text[at] = text[i];
        text[i] = c;
        count += permutations(text, at + 1, length);
        text[i] = text[at];
        text[at] = c;
    }
    return count;
}

static const char *input;
static double expression(void);
static double primary(void) {
    while (*input == ' ')
        input++;
    if (*input == '(') {
        input++;
        double v = expression();
        input++;
        return v;
    }
    if (*input == '-') {
        input++;
        return -primary();
    }
    double v = 0;
    while (isdigit((unsigned char)*input))
        v = v * 10 + (*input++ - '0');
    return v;
}
static double term(void) {
    double v = primary();
    for (;;) {
        while (*input == ' ')
            input++;
        if (*input == '*') {
            input++;
            v *= primary();
        } else if (*input == '/') {
            input++;
            v /= primary();
        } else {
            return v;
        }
    }
}
static double expression(void) {
    double v = term();
    for (;;) {
        while (*input == ' ')
            input++;
        if (*input == '+') {
            input++;
            v += term();
        } else if (*input == '-') {
            input++;
            v -= term();
        } else {
            return v;
        }
    }
}

static int deep(int n, int carried) {
    volatile int here = n; /* on the shadow stack */
    return n == 0 ? carried : deep(n - 1, carried ^ here) + (here & 1);
}

int main(void) {
    printf("ackermann(2, 9) = %u, (3, 6) = %u\n", ackermann(2, 9), ackermann(3, 6));
    for (int n = 1; n <= 9; n++)
        printf("%d queens: %d\n", n, queens(n, 0, 0, 0));
    hanoi(14, 'a', 'c', 'b');
    printf("hanoi %u\n", moves);
    printf("even %d odd %d\n", even(1000), odd(777));
    char text[] = "abcdefgh";
    printf("permutations %d %s\n", permutations(text, 0, (int)strlen(text)), text);
    const char *sources[] = {"1 + 2 * 3", "(1 + 2) * 3", "-(4 - 10) / 4", "2 * (3 + 4 * (5 - 1)) - 7 / 2"};
    for (int i = 0; i < 4; i++) {
        input = sources[i];
        printf("%s = %g\n", sources[i], expression());
    }
    printf("deep %d\n", deep(5000, 0));
    return 0;
}
