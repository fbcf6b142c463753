/* A small Forth: words are compiled to code for a stack machine, which is interpreted twice: by a loop around a switch, as
 * most interpreters are, and by a loop that calls each instruction through its pointer. */
#include "bench.h"

#include <ctype.h>

/* Letters are variables (>x sets one), cells of memory are read by `get` and set by `put`. */
static const char source[] = ": fib dup 2 < if else dup 1 - fib swap 2 - fib + then ; "
                             ": primes 2 >i begin i 4000 < while i get 0 = if p 1 + >p "
                             "    i i + >j begin j 4000 < while 1 j put j i + >j repeat then i 1 + >i repeat ; "
                             ": collatz 1 >n begin n 400 < while n >x begin 1 x < while x 2 mod "
                             "    if x 3 * 1 + else x 2 / then >x s 1 + >s repeat n 1 + >n repeat ; "
                             ": main primes collatz 19 fib p s + + ; ";

enum op { PUSH, GET, SET, CELL, PUT, ADD, SUB, MUL, DIV, MOD, LESS, SAME, DUP, SWAP, JUMP, UNLESS, CALL, RETURN, HALT };
static const char *const words[] = {"",  "",    "",  "get", "put", "+",    "-", "*", "/", "mod",
                                    "<", "=", "dup", "swap", "",  "",    "",  "",  "",  NULL};

enum { LONGEST = 256, CELLS = 4096, DEPTH = 256, DEFINITIONS = 8 };
static struct {
    enum op op;
    int32_t operand;
} code[LONGEST];
static int length;

static int emit(enum op op, int32_t operand) {
    code[length].op = op;
    code[length].operand = operand;
    return length++;
}

/* Compiles the source; where `main` begins. */
static int compile(void) {
    static struct {
        char name[16];
        int start;
    } defined[DEFINITIONS];
    int definitions = 0, open[16], opened = 0;
    char word[16];
    length = 0;
    for (const char *at = source; sscanf(at, "%15s", word) == 1; at = strstr(at, word) + strlen(word)) {
        int known = 0;
        if (isdigit((unsigned char)word[0])) {
            emit(PUSH, atoi(word));
        } else if (word[0] == '>') {
            emit(SET, word[1] - 'a');
        } else if (word[1] == '\0' && islower((unsigned char)word[0])) {
            emit(GET, word[0] - 'a');
        } else if (strcmp(word, ":") == 0) {
            at = strstr(at, word) + 1;
            sscanf(at, "%15s", word);
            strcpy(defined[definitions].name, word);
            defined[definitions++].start = length;
        } else if (strcmp(word, ";") == 0) {
            emit(strcmp(defined[definitions - 1].name, "main") == 0 ? HALT : RETURN, 0);
        } else if (strcmp(word, "begin") == 0) {
            open[opened++] = length;
        } else if (strcmp(word, "if") == 0 || strcmp(word, "while") == 0) {
            open[opened++] = emit(UNLESS, 0);
        } else if (strcmp(word, "else") == 0) {
            int over = emit(JUMP, 0);
            code[open[opened - 1]].operand = length;
            open[opened - 1] = over;
        } else if (strcmp(word, "then") == 0) {
            code[open[--opened]].operand = length;
        } else if (strcmp(word, "repeat") == 0) {
            emit(JUMP, open[opened - 2]);
            code[open[opened - 1]].operand = length;
            opened -= 2;
        } else {
            for (int i = 0; words[i] != NULL; i++)
                if (strcmp(word, words[i]) == 0)
                    known = emit((enum op)i, 0) + 1;
            for (int i = 0; !known && i < definitions; i++)
                if (strcmp(word, defined[i].name) == 0)
                    known = emit(CALL, defined[i].start) + 1;
            if (!known)
                abort();
        }
    }
    return defined[definitions - 1].start;
}

static int32_t variables[26], cells[CELLS];
static int entry;

static void prepare(void) {
    memset(variables, 0, sizeof variables);
    memset(cells, 0, sizeof cells);
    entry = compile();
}

static uint64_t by_switch(void) {
    int32_t stack[DEPTH], *top = stack; /* top: the first free place */
    int calls[DEPTH], depth = 0;
    for (int pc = entry;;) {
        int32_t operand = code[pc].operand;
        switch (code[pc++].op) {
        case PUSH: *top++ = operand; break;
        case GET: *top++ = variables[operand]; break;
        case SET: variables[operand] = *--top; break;
        case CELL: top[-1] = cells[top[-1] & (CELLS - 1)]; break;
        case PUT: top -= 2, cells[top[1] & (CELLS - 1)] = top[0]; break;
        case ADD: top--, top[-1] += top[0]; break;
        case SUB: top--, top[-1] -= top[0]; break;
        case MUL: top--, top[-1] *= top[0]; break;
        case DIV: top--, top[-1] /= top[0]; break;
        case MOD: top--, top[-1] %= top[0]; break;
        case LESS: top--, top[-1] = top[-1] < top[0]; break;
        case SAME: top--, top[-1] = top[-1] == top[0]; break;
        case DUP: *top = top[-1], top++; break;
        case SWAP: operand = top[-1], top[-1] = top[-2], top[-2] = operand; break;
        case JUMP: pc = operand; break;
        case UNLESS:
            if (*--top == 0)
                pc = operand;
            break;
        case CALL: calls[depth++] = pc, pc = operand; break;
        case RETURN: pc = calls[--depth]; break;
        case HALT: return (uint32_t)top[-1];
        }
    }
}

/* ------------------------------------------------------------------------------------------ the same, a call at a time */

struct machine {
    int32_t *top;
    int pc, depth, calls[DEPTH];
    int32_t stack[DEPTH];
};
typedef void handler(struct machine *m, int32_t operand);
static void do_push(struct machine *m, int32_t operand) { *m->top++ = operand; }
static void do_get(struct machine *m, int32_t operand) { *m->top++ = variables[operand]; }
static void do_set(struct machine *m, int32_t operand) { variables[operand] = *--m->top; }
static void do_jump(struct machine *m, int32_t operand) { m->pc = operand; }
static void do_unless(struct machine *m, int32_t operand) { m->pc = *--m->top == 0 ? operand : m->pc; }
static void do_return(struct machine *m, int32_t operand) { m->pc = m->calls[--m->depth] + operand; }
static void do_halt(struct machine *m, int32_t operand) { m->pc = -1 + operand; }
static void do_call(struct machine *m, int32_t operand) {
    m->calls[m->depth++] = m->pc;
    m->pc = operand;
}
static void do_cell(struct machine *m, int32_t operand) { m->top[-1] = cells[(m->top[-1] + operand) & (CELLS - 1)]; }
static void do_put(struct machine *m, int32_t operand) {
    m->top -= 2;
    cells[(m->top[1] + operand) & (CELLS - 1)] = m->top[0];
}
static void do_dup(struct machine *m, int32_t operand) {
    *m->top = m->top[-1] + operand;
    m->top++;
}
static void do_swap(struct machine *m, int32_t operand) {
    int32_t kept = m->top[-1] + operand;
    m->top[-1] = m->top[-2];
    m->top[-2] = kept;
}
static void do_add(struct machine *m, int32_t operand) { m->top--, m->top[-1] += m->top[0] + operand; }
static void do_sub(struct machine *m, int32_t operand) { m->top--, m->top[-1] -= m->top[0] + operand; }
static void do_mul(struct machine *m, int32_t operand) { m->top--, m->top[-1] *= m->top[0] + operand; }
static void do_div(struct machine *m, int32_t operand) { m->top--, m->top[-1] /= m->top[0] + operand; }
static void do_mod(struct machine *m, int32_t operand) { m->top--, m->top[-1] %= m->top[0] + operand; }
static void do_less(struct machine *m, int32_t operand) { m->top--, m->top[-1] = m->top[-1] < m->top[0] + operand; }
static void do_same(struct machine *m, int32_t operand) { m->top--, m->top[-1] = m->top[-1] == m->top[0] + operand; }

static handler *const handlers[] = {do_push, do_get,  do_set,  do_cell, do_put,  do_add,    do_sub,  do_mul,    do_div, do_mod,
                                    do_less, do_same, do_dup, do_swap, do_jump, do_unless, do_call, do_return, do_halt};

static uint64_t by_calls(void) {
    static struct machine machine;
    struct machine *m = &machine;
    m->top = m->stack;
    m->depth = 0;
    for (m->pc = entry; m->pc >= 0;) {
        int pc = m->pc++;
        handlers[code[pc].op](m, code[pc].operand);
    }
    return (uint32_t)m->top[-1];
}

int main(int argc, char **argv) {
    static const struct kernel kernels[] = {
        {"interpreter-switch", by_switch, prepare, NULL},
        {"interpreter-calls", by_calls, prepare, NULL},
        {0},
    };
    return bench_main(argc, argv, kernels);
}
