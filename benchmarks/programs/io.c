/* Files and clocks, a call at a time: `io WHAT DIRECTORY`. Prints what came of it, and the seconds that it took. */
#define _GNU_SOURCE
#include <dirent.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* 1 GiB in passes over a file of 64 MiB, so that memory for the file is no part of what is measured. */
enum { FILE_SIZE = 64 << 20, PASSES = 16, FILES = 100, OPENS = 100000, READINGS = 1000000 };

static char buffer[1 << 20];
static char names[FILES][64];

static double now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (double)time.tv_sec + (double)time.tv_nsec / 1e9;
}

static void fail(const char *what)
{
    perror(what);
    exit(1);
}

static int open_data(const char *directory, int flags)
{
    char path[64];
    snprintf(path, sizeof path, "%s/data", directory);
    int file = open(path, flags, 0600);
    if (file < 0)
        fail(path);
    return file;
}

/* Moves the file's bytes PASSES times through `size` bytes of the buffer; a sum over the first of each piece. */
static uint64_t move(int file, size_t size, int writing)
{
    uint64_t sum = 0;
    for (int pass = 0; pass < PASSES; pass++) {
        if (lseek(file, 0, SEEK_SET) != 0)
            fail("lseek");
        for (size_t at = 0; at < FILE_SIZE; at += size) {
            buffer[0] = (char)(at / size + (size_t)pass);
            ssize_t moved = writing ? write(file, buffer, size) : read(file, buffer, size);
            if (moved != (ssize_t)size)
                fail("read or write");
            sum = sum * 31 + (unsigned char)buffer[0];
        }
    }
    return sum;
}

static uint64_t move_file(const char *directory, size_t size, int writing)
{
    int file = open_data(directory, writing ? O_WRONLY : O_RDONLY);
    uint64_t sum = move(file, size, writing);
    close(file);
    return sum;
}

static uint64_t open_files(void)
{
    uint64_t sum = 0;
    for (int i = 0; i < OPENS; i++) {
        int file = open(names[i % FILES], O_RDONLY);
        if (file < 0 || close(file) != 0)
            fail("open");
        sum++;
    }
    return sum;
}

static uint64_t stat_files(void)
{
    uint64_t sum = 0;
    for (int i = 0; i < OPENS; i++) {
        struct stat status;
        if (stat(names[i % FILES], &status) != 0)
            fail("stat");
        sum += (uint64_t)status.st_size;
    }
    return sum;
}

static uint64_t read_clock(void)
{
    struct timespec time;
    uint64_t forwards = 0;
    for (int i = 0; i < READINGS; i++) {
        if (clock_gettime(CLOCK_MONOTONIC, &time) != 0)
            fail("clock_gettime");
        forwards += time.tv_nsec < 1000000000;
    }
    return forwards;
}

static uint64_t list(const char *directory)
{
    char path[64];
    snprintf(path, sizeof path, "%s/many", directory);
    DIR *stream = opendir(path);
    if (stream == NULL)
        fail(path);
    uint64_t sum = 0;
    for (struct dirent *entry; (entry = readdir(stream)) != NULL;) {
        if (strcmp(entry->d_name, ".") == 0 || strcmp(entry->d_name, "..") == 0)
            continue; /* not everybody has them */
        uint64_t hash = 0; /* the order is the system's to choose */
        for (const char *at = entry->d_name; *at != '\0'; at++)
            hash = hash * 31 + (unsigned char)*at;
        sum += hash + (entry->d_type == DT_REG);
    }
    closedir(stream);
    return sum;
}

/* DATA, FILES small files, and a directory of 100,000 entries. */
static uint64_t make(const char *directory)
{
    int file = open_data(directory, O_RDWR | O_CREAT | O_TRUNC);
    memset(buffer, 'x', sizeof buffer);
    for (size_t at = 0; at < FILE_SIZE; at += sizeof buffer)
        if (write(file, buffer, sizeof buffer) != sizeof buffer)
            fail("write");
    close(file);
    for (int i = 0; i < FILES; i++) {
        file = open(names[i], O_WRONLY | O_CREAT, 0600);
        if (file < 0 || write(file, buffer, (size_t)i) != i)
            fail(names[i]);
        close(file);
    }
    char path[64];
    snprintf(path, sizeof path, "%s/many", directory);
    mkdir(path, 0700);
    for (int i = 0; i < 100000; i++) {
        snprintf(path, sizeof path, "%s/many/%06d", directory, i);
        file = open(path, O_WRONLY | O_CREAT, 0600);
        if (file < 0)
            fail(path);
        close(file);
    }
    return 0;
}

int main(int argc, char **argv)
{
    if (argc != 3)
        return 2;
    const char *what = argv[1], *directory = argv[2];
    for (int i = 0; i < FILES; i++)
        snprintf(names[i], sizeof names[i], "%s/file%03d", directory, i);
    double started = now();
    uint64_t result;
    if (strcmp(what, "make") == 0)
        result = make(directory);
    else if (strcmp(what, "read-4k") == 0)
        result = move_file(directory, 4096, 0);
    else if (strcmp(what, "read-1m") == 0)
        result = move_file(directory, 1 << 20, 0);
    else if (strcmp(what, "write-4k") == 0)
        result = move_file(directory, 4096, 1);
    else if (strcmp(what, "write-1m") == 0)
        result = move_file(directory, 1 << 20, 1);
    else if (strcmp(what, "open") == 0)
        result = open_files();
    else if (strcmp(what, "stat") == 0)
        result = stat_files();
    else if (strcmp(what, "clock") == 0)
        result = read_clock();
    else if (strcmp(what, "list") == 0)
        result = list(directory);
    else
        return 2;
    double seconds = now() - started;
    printf("result %llu\nseconds %.9f\n", (unsigned long long)result, seconds);
    return 0;
}
