/* string.h, ctype.h and a word count. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <wchar.h>

static int sign(int v) { return (v > 0) - (v < 0); }

struct word {
    char text[24];
    int count;
};

static int by_count(const void *a, const void *b) {
    const struct word *x = a, *y = b;
    return x->count != y->count ? y->count - x->count : strcmp(x->text, y->text);
}

int main(void) {
    char buffer[128];
    strcpy(buffer, "the quick brown fox");
    strcat(buffer, " jumps over");
    strncat(buffer, " the lazy dog, the end", 13);
    printf("'%s' %zu %zu\n", buffer, strlen(buffer), strnlen(buffer, 10));
    printf("%d %d %d %d\n", sign(strcmp("abc", "abd")), sign(strcmp("abc", "ab")), sign(strncmp("abc", "abd", 2)),
           sign(memcmp("\x80", "\x7f", 1)));
    printf("%s | %s | %s\n", strchr(buffer, 'q'), strrchr(buffer, 'o'), strstr(buffer, "fox"));
    printf("%zu %zu %s\n", strspn("aabbcc", "ab"), strcspn("aabbcc", "c"), strpbrk(buffer, "xyz"));
    printf("%d %d\n", sign(strcasecmp("HeLLo", "hEllO")), sign(strncasecmp("HELP", "hello", 3)));
    memmove(buffer + 4, buffer, 20);
    printf("'%s'\n", buffer);
    memmove(buffer, buffer + 4, 20);
    printf("'%s'\n", buffer);
    memset(buffer + 3, '*', 5);
    printf("'%.20s' %td\n", buffer, (char *)memchr(buffer, '*', 100) - buffer);
    char *copy = strdup("one,two;three  four"), *save;
    for (char *token = strtok_r(copy, ",; ", &save); token; token = strtok_r(NULL, ",; ", &save))
        printf("<%s>", token);
    puts("");
    free(copy);
    unsigned classes = 0;
    for (int c = 0; c < 128; c++)
        classes = classes * 31 + (unsigned)(!!isalpha(c) | !!isdigit(c) << 1 | !!isspace(c) << 2 | !!ispunct(c) << 3 |
                                            !!isupper(c) << 4 | !!isxdigit(c) << 5 | !!iscntrl(c) << 6);
    printf("classes %u\n", classes);
    for (char *p = strcpy(buffer, "MiXeD 123"); *p; p++)
        *p = (char)(isupper((unsigned char)*p) ? tolower((unsigned char)*p) : toupper((unsigned char)*p));
    puts(buffer);

    const char *text = "to be or not to be that is the question whether tis nobler in the mind to suffer "
                       "the slings and arrows of outrageous fortune or to take arms against a sea of troubles";
    struct word words[64];
    int used = 0;
    for (const char *p = text; *p;) {
        size_t length = strcspn(p, " ");
        int i;
        for (i = 0; i < used; i++)
            if (strlen(words[i].text) == length && !memcmp(words[i].text, p, length))
                break;
        if (i == used) {
            memcpy(words[used].text, p, length);
            words[used].text[length] = 0;
            words[used++].count = 0;
        }
        words[i].count++;
        p += length + (p[length] == ' ');
    }
    qsort(words, (size_t)used, sizeof *words, by_count);
    for (int i = 0; i < 8; i++)
        printf("%d %s\n", words[i].count, words[i].text);
    wchar_t wide[32];
    printf("%zu ", mbstowcs(wide, "ascii wide", 32));
    printf("%zu %ld\n", wcslen(wide), wcstol(L"-77 rest", NULL, 10));
    /* Long strings at every alignment: word-at-a-time loops must not read wrongly. */
    static char area[600];
    unsigned checksum = 0;
    for (int offset = 0; offset < 16; offset++)
        for (int length = 0; length < 260; length += 13) {
            memset(area, 'x', sizeof area);
            memset(area + offset, 'a' + offset, (size_t)length);
            area[offset + length] = 0;
            checksum = checksum * 131 + (unsigned)strlen(area + offset);
            char *end = stpcpy(area + 300, area + offset);
            checksum = checksum * 131 + (unsigned)(end - area) + (unsigned)!strcmp(area + offset, area + 300);
        }
    printf("checksum %u\n", checksum);
    return 0;
}
