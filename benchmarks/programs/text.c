/* Text: a parser of JSON into a tree and back, a matcher of regular expressions by backtracking and one by sets of
 * states, and counting the words of a text. */
#include "bench.h"

#include <ctype.h>

/* --------------------------------------------------------------------------------------------------------------- JSON */

enum { DOCUMENT = 1 << 17, VALUES = 1 << 15 };
enum kind { NOTHING, FALSE_, TRUE_, NUMBER, STRING, ARRAY, OBJECT };
struct value {
    enum kind kind;
    union {
        double number;
        struct {
            const char *start;
            size_t length;
        } string;
        struct value *first;
    } as;
    struct value *next;
    const char *name;
    size_t name_length;
};

static char document[DOCUMENT + 512], written[2 * DOCUMENT];
static struct value values[VALUES];
static size_t values_used;

static void write_document(void) {
    uint32_t state = 23;
    size_t used = (size_t)sprintf(document, "[");
    for (int i = 0; used < DOCUMENT - 512; i++) {
        uint32_t a = bench_random(&state), b = bench_random(&state);
        used += (size_t)sprintf(document + used,
                                "%s{\"id\": %d, \"name\": \"user-%x \\\"%u\\\"\", \"score\": %d.%04u, \"tags\": [\"t%u\", \"u%u\"],\n"
                                "  \"active\": %s, \"parent\": null, \"at\": {\"x\": -%u.25, \"y\": %ue-2}}",
                                i == 0 ? "" : ", ", i, (unsigned)a, (unsigned)(b % 1000), (int)(a % 2000) - 1000,
                                (unsigned)(b % 10000), (unsigned)(a % 31), (unsigned)(b % 17), a & 64 ? "true" : "false",
                                (unsigned)(a >> 20), (unsigned)(b >> 16));
    }
    memcpy(document + used, "]", 2);
}

static const char *blanks(const char *at) {
    while (*at == ' ' || *at == '\n' || *at == '\t' || *at == '\r')
        at++;
    return at;
}

/* Past the quote that ends the string whose first character `at` is. */
static const char *string_end(const char *at) {
    for (; *at != '"'; at++)
        if (*at == '\\')
            at++;
    return at + 1;
}

static double power_of_ten(int exponent) {
    double result = 1, base = exponent < 0 ? 0.1 : 10;
    for (unsigned left = (unsigned)abs(exponent); left != 0; left >>= 1, base *= base)
        if (left & 1)
            result *= base;
    return result;
}

static const char *parse_number(const char *at, double *number) {
    int negative = *at == '-', exponent = 0;
    double digits = 0;
    for (at += negative; isdigit((unsigned char)*at); at++)
        digits = digits * 10 + (*at - '0');
    if (*at == '.')
        for (at++; isdigit((unsigned char)*at); at++, exponent--)
            digits = digits * 10 + (*at - '0');
    if ((*at | 32) == 'e') {
        at++;
        int down = *at == '-', given = 0;
        for (at += *at == '-' || *at == '+'; isdigit((unsigned char)*at); at++)
            given = given * 10 + (*at - '0');
        exponent += down ? -given : given;
    }
    *number = (negative ? -digits : digits) * power_of_ten(exponent);
    return at;
}

static const char *parse(const char *at, struct value **made) {
    struct value *value = *made = &values[values_used++];
    value->next = NULL;
    at = blanks(at);
    switch (*at) {
    case 'n': value->kind = NOTHING; return at + 4;
    case 't': value->kind = TRUE_; return at + 4;
    case 'f': value->kind = FALSE_; return at + 5;
    case '"': {
        const char *end = string_end(at + 1);
        value->kind = STRING;
        value->as.string.start = at + 1;
        value->as.string.length = (size_t)(end - at - 2);
        return end;
    }
    case '[':
    case '{': {
        value->kind = *at == '[' ? ARRAY : OBJECT;
        struct value **link = &value->as.first;
        *link = NULL;
        at = blanks(at + 1);
        while (*at != ']' && *at != '}') {
            const char *name = NULL;
            size_t length = 0;
            if (value->kind == OBJECT) {
                const char *end = string_end(at + 1);
                name = at + 1;
                length = (size_t)(end - at - 2);
                at = blanks(end) + 1; /* the colon */
            }
            at = parse(at, link);
            (*link)->name = name;
            (*link)->name_length = length;
            link = &(*link)->next;
            at = blanks(at);
            if (*at == ',')
                at = blanks(at + 1);
        }
        return at + 1;
    }
    default: value->kind = NUMBER; return parse_number(at, &value->as.number);
    }
}

static char *put(char *out, const char *text, size_t length) {
    memcpy(out, text, length);
    return out + length;
}

static char *put_integer(char *out, uint64_t number) {
    char digits[20];
    size_t count = 0;
    do
        digits[count++] = (char)('0' + number % 10);
    while ((number /= 10) != 0);
    while (count > 0)
        *out++ = digits[--count];
    return out;
}

static char *print(char *out, const struct value *value) {
    switch (value->kind) {
    case NOTHING: return put(out, "null", 4);
    case TRUE_: return put(out, "true", 4);
    case FALSE_: return put(out, "false", 5);
    case NUMBER: { /* in thousandths */
        if (value->as.number < 0)
            *out++ = '-';
        uint64_t whole = (uint64_t)((value->as.number < 0 ? -value->as.number : value->as.number) * 1000 + 0.5);
        out = put_integer(out, whole / 1000);
        *out++ = '.';
        return put_integer(out, whole % 1000);
    }
    case STRING:
        *out++ = '"';
        out = put(out, value->as.string.start, value->as.string.length);
        *out++ = '"';
        return out;
    default:
        *out++ = value->kind == ARRAY ? '[' : '{';
        for (const struct value *item = value->as.first; item != NULL; item = item->next) {
            if (value->kind == OBJECT) {
                *out++ = '"';
                out = put(out, item->name, item->name_length);
                out = put(out, "\":", 2);
            }
            out = print(out, item);
            if (item->next != NULL)
                *out++ = ',';
        }
        *out++ = value->kind == ARRAY ? ']' : '}';
        return out;
    }
}

static uint64_t json_parse(void) {
    struct value *root;
    values_used = 0;
    parse(document, &root);
    return values_used;
}

static uint64_t json_print(void) { return (uint64_t)(print(written, values) - written); }

static uint64_t check_written(void) { return bench_fold_bytes(0, written, sizeof written); }

static void prepare_json(void) {
    if (document[0] == '\0')
        write_document();
    json_parse();
}

/* ------------------------------------------------------------------------------------------- regular expressions, both */

/* A pattern: characters, '.', classes like [a-z_], and * + ? behind any of these. */
static const char *element_end(const char *pattern) {
    if (*pattern == '[')
        while (*pattern != ']')
            pattern++;
    return pattern + 1;
}

static int element_fits(const char *pattern, char c) {
    if (*pattern == '.')
        return c != '\n' && c != '\0';
    if (*pattern != '[')
        return *pattern == c;
    for (pattern++; *pattern != ']'; pattern++) {
        if (pattern[1] == '-' && pattern[2] != ']') {
            if (c >= pattern[0] && c <= pattern[2])
                return 1;
            pattern += 2;
        } else if (*pattern == c)
            return 1;
    }
    return 0;
}

/* Where a match of the whole pattern ends that begins at `text`, or NULL. */
static const char *match(const char *pattern, const char *text) {
    for (;;) {
        if (*pattern == '\0')
            return text;
        const char *end = element_end(pattern);
        if (*end == '*' || *end == '+') {
            const char *far = text;
            while (element_fits(pattern, *far))
                far++;
            for (; far >= text + (*end == '+'); far--) {
                const char *found = match(end + 1, far);
                if (found != NULL)
                    return found;
            }
            return NULL;
        }
        if (*end == '?') {
            if (element_fits(pattern, *text)) {
                const char *found = match(end + 1, text + 1);
                if (found != NULL)
                    return found;
            }
            pattern = end + 1;
            continue;
        }
        if (!element_fits(pattern, *text))
            return NULL;
        pattern = end;
        text++;
    }
}

static const char *const patterns[] = {
    "user-[0-9a-f]+ ", "\"score\": -?[0-9]+.[0-9]*5,", "t[0-9]?[0-9]?\", \"u1", "[a-z]+.: .*null, .*25, .*e-2", "x*y*z",
};

static uint64_t regex_backtracking(void) {
    uint64_t sum = 0;
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++)
        for (const char *at = document; *at != '\0'; at++) {
            const char *end = match(patterns[i], at);
            if (end != NULL && end != at) {
                sum = sum * 3 + (uint64_t)(end - at);
                at = end - 1;
            }
        }
    return sum;
}

/* The states of a pattern are the bits of a word: bit i is set where the first i elements have matched. */
static uint64_t regex_states(void) {
    uint64_t sum = 0;
    for (size_t i = 0; i < sizeof patterns / sizeof *patterns; i++) {
        static uint64_t fits[256]; /* for each character, the elements that it fits */
        uint64_t skipped = 0, again = 0;
        int count = 0;
        memset(fits, 0, sizeof fits);
        for (const char *at = patterns[i]; *at != '\0'; count++) {
            const char *end = element_end(at);
            for (int c = 0; c < 256; c++)
                if (element_fits(at, (char)c))
                    fits[c] |= (uint64_t)1 << count;
            if (*end == '*' || *end == '?')
                skipped |= (uint64_t)1 << count;
            if (*end == '*' || *end == '+')
                again |= (uint64_t)1 << count;
            at = end + (*end == '*' || *end == '+' || *end == '?');
        }
        uint64_t states = 0, final = (uint64_t)1 << count;
        for (const char *at = document; *at != '\0'; at++) {
            states |= 1;
            for (uint64_t more = states; more != 0; states |= more) /* over elements that may be left out */
                more = (more & skipped) << 1 & ~states;
            uint64_t fitting = states & fits[(unsigned char)*at];
            states = fitting << 1 | (fitting << 1 >> 1 & again);
            sum = sum + ((states & final) != 0);
        }
    }
    return sum;
}

/* -------------------------------------------------------------------------------------------------------- counting words */

enum { SLOTS = 1 << 14 };
static uint64_t words(void) {
    static struct {
        uint32_t hash, count;
        const char *start;
        size_t length;
    } table[SLOTS];
    memset(table, 0, sizeof table);
    uint64_t distinct = 0, most = 0;
    for (const char *at = document; *at != '\0';) {
        if (!isalnum((unsigned char)*at)) {
            at++;
            continue;
        }
        const char *start = at;
        uint32_t hash = 2166136261u;
        for (; isalnum((unsigned char)*at); at++)
            hash = (hash ^ (unsigned char)*at) * 16777619u;
        size_t length = (size_t)(at - start), slot = hash % SLOTS;
        while (table[slot].count != 0 && (table[slot].hash != hash || table[slot].length != length ||
                                          memcmp(table[slot].start, start, length) != 0))
            slot = (slot + 1) % SLOTS;
        if (table[slot].count++ == 0) {
            table[slot].hash = hash;
            table[slot].start = start;
            table[slot].length = length;
            distinct++;
        }
        most = table[slot].count > most ? table[slot].count : most;
    }
    return distinct * 1000003 + most;
}

int main(int argc, char **argv) {
    static const struct kernel kernels[] = {
        {"json-parse", json_parse, prepare_json, NULL},
        {"json-print", json_print, prepare_json, check_written},
        {"regex-backtracking", regex_backtracking, NULL, NULL},
        {"regex-states", regex_states, NULL, NULL},
        {"words", words, NULL, NULL},
        {0},
    };
    prepare_json();
    return bench_main(argc, argv, kernels);
}
