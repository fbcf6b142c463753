/* Buffered files in a granted directory: modes, seeking, positions, ungetc, buffering, remove and rename. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void show(const char *path) {
    FILE *file = fopen(path, "rb");
    if (!file) {
        printf("%s: %s\n", path, strerror(errno));
        return;
    }
    char text[256];
    size_t length = fread(text, 1, sizeof text - 1, file);
    text[length] = 0;
    printf("%s: %zu bytes '%s' eof=%d\n", path, length, text, feof(file) != 0);
    fclose(file);
}

int main(void) {
    show("/data/given.txt");
    show("/data/absent.txt");

    FILE *file = fopen("/data/new.txt", "w+");
    if (!file) {
        perror("new.txt");
        return 1;
    }
    for (int i = 0; i < 10; i++)
        fprintf(file, "line %d\n", i);
    printf("position %ld\n", ftell(file));
    fseek(file, 14, SEEK_SET);
    char line[32];
    printf("at 14: %s", fgets(line, sizeof line, file));
    fseek(file, -7, SEEK_END);
    printf("at -7: %s", fgets(line, sizeof line, file));
    rewind(file);
    int c = fgetc(file);
    ungetc('L', file);
    printf("first %c, then %s", c, fgets(line, sizeof line, file));
    fpos_t position;
    fgetpos(file, &position);
    fputs("LINE 1\n", file);
    fsetpos(file, &position);
    printf("rewritten: %s", fgets(line, sizeof line, file));
    printf("close %d\n", fclose(file));

    file = fopen("/data/new.txt", "a");
    fputs("appended\n", file);
    fclose(file);
    show("/data/new.txt");

    file = fopen("/data/new.txt", "r+");
    fseek(file, 5, SEEK_SET);
    fputc('Z', file);
    fseek(file, 200, SEEK_SET); /* past the end: a hole */
    fputs("after the hole", file);
    fclose(file);
    file = fopen("/data/new.txt", "rb");
    fseek(file, 0, SEEK_END);
    printf("size %ld\n", ftell(file));
    fclose(file);

    static char block[100000];
    for (size_t i = 0; i < sizeof block; i++)
        block[i] = (char)(i * 31 + (i >> 8));
    file = fopen("/data/block.bin", "wb");
    setvbuf(file, NULL, _IOFBF, 1 << 14);
    printf("blocks written %zu\n", fwrite(block, 1000, 100, file));
    fclose(file);
    file = fopen("/data/block.bin", "rb");
    unsigned sum = 0;
    while ((c = fgetc(file)) != EOF)
        sum = sum * 33 + (unsigned)c;
    printf("sum %u\n", sum);
    fclose(file);

    printf("exclusive: %s\n", fopen("/data/block.bin", "wx") ? "opened" : strerror(errno));
    printf("rename %d\n", rename("/data/block.bin", "/data/renamed.bin"));
    printf("remove %d\n", remove("/data/given.txt"));
    printf("remove again %d %s\n", remove("/data/given.txt"), strerror(errno));
    file = fopen("/data/renamed.bin", "rb");
    errno = 0;
    printf("write to a reader: %d\n", fputc('x', file) == EOF || fflush(file) == EOF);
    fclose(file);
    file = freopen("/data/stdout.txt", "w", stdout);
    printf("this goes to the file\n");
    fclose(file);
    return 0;
}
