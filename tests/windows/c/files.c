/* Prints its arguments and the variables A and B. Of arguments that begin with a slash it prints the names in the
 * directory, sorted, or how many bytes the file has and these. "+PATH" writes two lines, the first ended by CR LF. */
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int later(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

int main(int argc, char **argv)
{
    printf("%s %s\n", getenv("A") ? getenv("A") : "-", getenv("B") ? getenv("B") : "-");
    for (int i = 1; i < argc; i++) {
        struct dirent **names;
        if (argv[i][0] == '+') {
            FILE *file = fopen(argv[i] + 1, "wb");
            if (file) {
                fputs("one\r\ntwo\n", file);
                fclose(file);
            } else {
                perror(argv[i] + 1);
            }
            continue;
        }
        puts(argv[i]);
        if (argv[i][0] != '/')
            continue;
        int count = scandir(argv[i], &names, NULL, later);
        if (count >= 0) {
            for (int j = 0; j < count; j++)
                puts(names[j]->d_name);
            continue;
        }
        FILE *file = fopen(argv[i], "rb");
        if (!file) {
            perror(argv[i]);
            continue;
        }
        static char bytes[1 << 20];
        size_t size = fread(bytes, 1, sizeof bytes, file);
        printf("%zu:", size);
        fwrite(bytes, 1, size, stdout);
        putchar('\n');
        fclose(file);
    }
    return 0;
}
