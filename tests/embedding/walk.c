/* Prints all that it can see below the directories it is given: names, types, sizes, times, contents. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static unsigned long sum(const char *path, size_t step)
{
    FILE *file = fopen(path, "rb");
    unsigned long hash = 5381;
    char *buffer = malloc(step);
    size_t got;
    while ((got = fread(buffer, 1, step, file)) > 0)
        for (size_t i = 0; i < got; i++)
            hash = hash * 33 + (unsigned char)buffer[i];
    free(buffer);
    fclose(file);
    return hash;
}

/* From the last byte to the first, in jumps. */
static unsigned long backwards(const char *path)
{
    FILE *file = fopen(path, "rb");
    unsigned long hash = 5381;
    fseek(file, 0, SEEK_END);
    for (long at = ftell(file) - 1; at >= 0; at -= 4999) {
        fseek(file, at, SEEK_SET);
        hash = hash * 33 + (unsigned long)fgetc(file);
    }
    fclose(file);
    return hash;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
    return strcmp((*a)->d_name, (*b)->d_name);
}

static void show(const char *path)
{
    struct stat status;
    if (lstat(path, &status) != 0) {
        printf("%s: %s\n", path, strerror(errno));
        return;
    }
    printf("%s: %o links %d modified %lld", path, (unsigned)status.st_mode, (int)status.st_nlink, (long long)status.st_mtime);
    if (S_ISREG(status.st_mode)) {
        printf(" size %lld sums %lx %lx", (long long)status.st_size, sum(path, 1000), sum(path, 200000));
        printf(" %lx", backwards(path));
        FILE *file = fopen(path, "r+");
        printf(" writing: %s", file ? "possible" : strerror(errno));
    }
    if (S_ISLNK(status.st_mode)) {
        char target[300] = {0};
        readlink(path, target, sizeof target - 1);
        printf(" to %s, which is %s", target, stat(path, &status) ? strerror(errno) : "there");
    }
    printf("\n");
    if (!S_ISDIR(status.st_mode))
        return;
    struct dirent **entries;
    int count = scandir(path, &entries, NULL, by_name);
    for (int i = 0; i < count; i++) {
        const char *name = entries[i]->d_name;
        char below[4096];
        snprintf(below, sizeof below, "%s/%s", path, name);
        printf("%s: type %d\n", below, entries[i]->d_type);
        if (strcmp(name, ".") != 0 && strcmp(name, "..") != 0)
            show(below);
    }
}

int main(int count, char **paths)
{
    for (int i = 1; i < count; i++)
        show(paths[i]);
}
