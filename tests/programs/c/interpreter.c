/* A small language: tokens, a compiler to byte code, a stack machine, and a traffic-light style state machine. */
#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum opcode { PUSH, LOAD, STORE, ADD, SUB, MUL, DIV, LESS, EQUAL, JUMP, JUMP_IF_NOT, PRINT, HALT };

static int code[4096], used;
static char names[26];
static const char *at;

static void fail(const char *what) {
    printf("error: %s before '%.10s'\n", what, at);
    exit(1);
}
static void skip(void) {
    while (isspace((unsigned char)*at))
        at++;
}
static int take(const char *text) {
    skip();
    size_t length = strlen(text);
    if (strncmp(at, text, length) != 0 || (isalpha((unsigned char)*text) && isalnum((unsigned char)at[length])))
        return 0;
    at += length;
    return 1;
}
static void emit(int word) {
    if (used == sizeof code / sizeof *code)
        fail("program too long");
    code[used++] = word;
}

static void comparison(void);
static void factor(void) {
    skip();
    if (take("(")) {
        comparison();
        if (!take(")"))
            fail("missing )");
    } else if (isdigit((unsigned char)*at)) {
        emit(PUSH);
        emit((int)strtol(at, (char **)&at, 10));
    } else if (islower((unsigned char)*at)) {
        emit(LOAD);
        names[*at - 'a'] = 1;
        emit(*at++ - 'a');
    } else {
        fail("expected a value");
    }
}
static void product(void) {
    factor();
    for (;;) {
        if (take("*")) {
            factor();
            emit(MUL);
        } else if (take("/")) {
            factor();
            emit(DIV);
        } else {
            return;
        }
    }
}
static void sum(void) {
    product();
    for (;;) {
        if (take("+")) {
            product();
            emit(ADD);
        } else if (take("-")) {
            product();
            emit(SUB);
        } else {
            return;
        }
    }
}
static void comparison(void) {
    sum();
    if (take("<")) {
        sum();
        emit(LESS);
    } else if (take("==")) {
        sum();
        emit(EQUAL);
    }
}
static void statement(void) {
    if (take("while")) {
        int start = used;
        comparison();
        emit(JUMP_IF_NOT);
        int hole = used;
        emit(0);
        statement();
        emit(JUMP);
        emit(start);
        code[hole] = used;
    } else if (take("if")) {
        comparison();
        emit(JUMP_IF_NOT);
        int hole = used;
        emit(0);
        statement();
        code[hole] = used;
    } else if (take("{")) {
        while (!take("}"))
            statement();
    } else if (take("print")) {
        comparison();
        emit(PRINT);
        if (!take(";"))
            fail("missing ;");
    } else {
        skip();
        if (!islower((unsigned char)*at))
            fail("expected a statement");
        int variable = *at++ - 'a';
        if (!take("="))
            fail("missing =");
        comparison();
        emit(STORE);
        emit(variable);
        if (!take(";"))
            fail("missing ;");
    }
}

static uint64_t run(void) {
    int64_t stack[64], variables[26] = {0};
    int sp = 0;
    uint64_t steps = 0;
    for (const int *pc = code;; steps++) {
        switch ((enum opcode)*pc++) {
        case PUSH: stack[sp++] = *pc++; break;
        case LOAD: stack[sp++] = variables[*pc++]; break;
        case STORE: variables[*pc++] = stack[--sp]; break;
        case ADD: sp--; stack[sp - 1] += stack[sp]; break;
        case SUB: sp--; stack[sp - 1] -= stack[sp]; break;
        case MUL: sp--; stack[sp - 1] *= stack[sp]; break;
        case DIV: sp--; stack[sp - 1] /= stack[sp]; break;
        case LESS: sp--; stack[sp - 1] = stack[sp - 1] < stack[sp]; break;
        case EQUAL: sp--; stack[sp - 1] = stack[sp - 1] == stack[sp]; break;
        case JUMP: pc = code + *pc; break;
        case JUMP_IF_NOT: pc = stack[--sp] ? pc + 1 : code + *pc; break;
        case PRINT: printf("%lld\n", (long long)stack[--sp]); break;
        case HALT: return steps;
        }
    }
}

/* Accepts numbers such as -12.5e+3; the state after each character is the answer. */
static const char *classify(const char *text) {
    enum { START, SIGN, WHOLE, POINT, FRACTION, EXPONENT, EXPONENT_SIGN, EXPONENT_DIGITS, BAD } state = START;
    for (; *text; text++) {
        int digit = isdigit((unsigned char)*text), sign = *text == '+' || *text == '-', e = *text == 'e';
        switch (state) {
        case START: state = sign ? SIGN : digit ? WHOLE : BAD; break;
        case SIGN: state = digit ? WHOLE : BAD; break;
        case WHOLE: state = digit ? WHOLE : *text == '.' ? POINT : e ? EXPONENT : BAD; break;
        case POINT: state = digit ? FRACTION : BAD; break;
        case FRACTION: state = digit ? FRACTION : e ? EXPONENT : BAD; break;
        case EXPONENT: state = sign ? EXPONENT_SIGN : digit ? EXPONENT_DIGITS : BAD; break;
        case EXPONENT_SIGN:
        case EXPONENT_DIGITS: state = digit ? EXPONENT_DIGITS : BAD; break;
        case BAD: break;
        }
    }
    return state == WHOLE ? "integer" : state == FRACTION ? "real" : state == EXPONENT_DIGITS ? "scientific" : "no number";
}

int main(void) {
    static char source[8192];
    size_t length = fread(source, 1, sizeof source - 1, stdin);
    source[length] = 0;
    at = source;
    for (skip(); *at; skip())
        statement();
    emit(HALT);
    printf("%d words\n", used);
    printf("%llu steps\n", (unsigned long long)run());
    const char *texts[] = {"12", "-3.25", "1e9", "1.5e-3", "", "+", "1.", "e5", "7e", "12a"};
    for (int i = 0; i < 10; i++)
        printf("'%s' %s\n", texts[i], classify(texts[i]));
    return 0;
}
