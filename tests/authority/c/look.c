/* Does what its arguments say and tells what came of it: read, write, remove, list, stat, variables, arguments. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

extern char **environ;

static void tell(const char *what, const char *path, int failed)
{
    printf("%s %s: %s\n", what, path, failed ? strerror(errno) : "done");
}

static void read_file(const char *path)
{
    FILE *file = fopen(path, "r");
    tell("read", path, file == NULL);
    if (file == NULL)
        return;
    char line[200];
    while (fgets(line, sizeof line, file))
        printf("| %s", line);
    fclose(file);
}

static void write_file(const char *path)
{
    FILE *file = fopen(path, "w");
    tell("write", path, file == NULL || fputs("written\n", file) < 0);
    if (file != NULL)
        fclose(file);
}

static int order(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void list(const char *path)
{
    DIR *directory = opendir(path);
    tell("list", path, directory == NULL);
    if (directory == NULL)
        return;
    char *names[100];
    size_t count = 0;
    for (struct dirent *entry; count < 100 && (entry = readdir(directory)) != NULL;) {
        char text[300];
        snprintf(text, sizeof text, "%s%s", entry->d_name, entry->d_type == DT_DIR ? "/" : "");
        names[count++] = strdup(text);
    }
    qsort(names, count, sizeof *names, order);
    for (size_t i = 0; i < count; i++)
        printf("| %s\n", names[i]);
    closedir(directory);
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        const char *path = argv[i] + 1;
        struct stat stat_;
        switch (argv[i][0]) {
        case '<':
            read_file(path);
            break;
        case '>':
            write_file(path);
            break;
        case '-':
            tell("remove", path, remove(path));
            break;
        case '@':
            list(path);
            break;
        case '?':
            tell("stat", path, stat(path, &stat_));
            break;
        case '$':
            for (char **variable = environ; *variable; variable++)
                printf("%s\n", *variable);
            break;
        default:
            printf("argument %s\n", argv[i]);
        }
    }
    return 0;
}
