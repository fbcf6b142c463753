/* The POSIX face of a granted directory: open flags, read, write, pread, append, truncate, stat, directories, links. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

static void report(const char *what, long result) {
    if (result < 0)
        printf("%s: %s\n", what, strerror(errno));
    else
        printf("%s: %ld\n", what, result);
}

static int by_name(const void *a, const void *b) { return strcmp(*(char *const *)a, *(char *const *)b); }

static void list(const char *path) {
    DIR *dir = opendir(path);
    if (!dir) {
        report(path, -1);
        return;
    }
    char *names[300];
    int count = 0;
    for (struct dirent *entry; (entry = readdir(dir));) {
        char line[300];
        const char *kind = entry->d_type == DT_DIR ? "dir" : entry->d_type == DT_REG ? "file" : entry->d_type == DT_LNK ? "link" : "other";
        snprintf(line, sizeof line, "%s(%s)", entry->d_name, kind);
        names[count++] = strdup(line);
    }
    closedir(dir);
    qsort(names, (size_t)count, sizeof *names, by_name);
    printf("%s:", path);
    for (int i = 0; i < count; i++)
        printf(" %s", names[i]);
    puts("");
}

static void describe(const char *path) {
    struct stat s;
    if (stat(path, &s) < 0)
        report(path, -1);
    else
        printf("%s: %s, %lld bytes, %d links\n", path, S_ISDIR(s.st_mode) ? "directory" : S_ISREG(s.st_mode) ? "file" : "other",
               S_ISDIR(s.st_mode) ? 0LL : (long long)s.st_size, S_ISDIR(s.st_mode) ? 0 : (int)s.st_nlink);
}

int main(void) {
    list("/data");
    describe("/data/in.txt");
    describe("/data/nested/deep.txt");
    describe("/data/nothing");
    describe("/data");

    int fd = open("/data/out.bin", O_CREAT | O_EXCL | O_RDWR, 0644);
    report("write", write(fd, "0123456789", 10));
    report("seek", (long)lseek(fd, 3, SEEK_SET));
    char buffer[64] = {0};
    report("read", read(fd, buffer, 4));
    printf("'%s' at %lld\n", buffer, (long long)lseek(fd, 0, SEEK_CUR));
    report("pwrite", pwrite(fd, "XY", 2, 8));
    memset(buffer, 0, sizeof buffer);
    report("pread", pread(fd, buffer, 20, 6));
    printf("'%s'\n", buffer);
    struct iovec parts[3] = {{"one ", 4}, {"", 0}, {"two", 3}};
    report("writev", writev(fd, parts, 3) >= 4); /* a host may write fewer bytes than given */
    report("seek", (long)lseek(fd, 14, SEEK_SET));
    report("write", write(fd, "two", 3));
    report("ftruncate shorter", ftruncate(fd, 5));
    describe("/data/out.bin");
    report("ftruncate longer", ftruncate(fd, 12));
    describe("/data/out.bin");
    report("seek negative", (long)lseek(fd, -1, SEEK_SET));
    report("fsync", fsync(fd));
    struct stat s;
    report("fstat", fstat(fd, &s));
    printf("%lld bytes\n", (long long)s.st_size);
    report("close", close(fd));
    report("close again", close(fd));
    report("read closed", read(fd, buffer, 1));

    report("exclusive", open("/data/out.bin", O_CREAT | O_EXCL | O_WRONLY, 0644));
    fd = open("/data/out.bin", O_WRONLY | O_APPEND);
    report("append", write(fd, "end", 3));
    report("flags", (fcntl(fd, F_GETFL) & O_APPEND) != 0);
    report("read write-only", read(fd, buffer, 1));
    close(fd);
    fd = open("/data/in.txt", O_RDONLY);
    report("write read-only", write(fd, "x", 1));
    report("read", read(fd, buffer, 5));
    close(fd);
    fd = open("/data/in.txt", O_WRONLY | O_TRUNC);
    report("truncated write", write(fd, "fresh", 5));
    close(fd);

    report("mkdir", mkdir("/data/made", 0755));
    report("mkdir again", mkdir("/data/made", 0755));
    report("mkdir deep", mkdir("/data/absent/made", 0755));
    report("directory as a file", open("/data/made", O_WRONLY) < 0 ? -1 : 0);
    report("not a directory", open("/data/in.txt", O_RDONLY | O_DIRECTORY) < 0 ? -1 : 0);
    for (int i = 0; i < 200; i++) {
        char path[64];
        snprintf(path, sizeof path, "/data/made/a-file-with-a-long-name-%03d", i);
        fd = open(path, O_CREAT | O_WRONLY, 0644);
        if (fd < 0 || write(fd, path, (size_t)(i % 50)) != i % 50)
            printf("file %d failed\n", i);
        close(fd);
    }
    list("/data/made");
    report("rmdir full", rmdir("/data/made") < 0 ? -1 : 0);
    for (int i = 0; i < 200; i++) {
        char path[64];
        snprintf(path, sizeof path, "/data/made/a-file-with-a-long-name-%03d", i);
        if (i % 3 && unlink(path) < 0)
            report(path, -1);
    }
    report("rename directory", rename("/data/made", "/data/moved"));
    list("/data/moved");
    report("rename over", rename("/data/in.txt", "/data/moved/a-file-with-a-long-name-000"));
    report("rename absent", rename("/data/in.txt", "/data/elsewhere"));
    describe("/data/moved/a-file-with-a-long-name-000");
    report("unlink absent", unlink("/data/in.txt"));
    report("mkdir", mkdir("/data/empty", 0755));
    report("rmdir", rmdir("/data/empty"));
    report("rmdir file", rmdir("/data/out.bin") < 0 ? -1 : 0);
    report("link", link("/data/out.bin", "/data/hard.bin"));
    describe("/data/hard.bin");
    report("symlink", symlink("out.bin", "/data/soft.bin"));
    memset(buffer, 0, sizeof buffer);
    report("readlink", readlink("/data/soft.bin", buffer, sizeof buffer));
    printf("'%s'\n", buffer);
    describe("/data/soft.bin");
    report("lstat", lstat("/data/soft.bin", &s));
    printf("link %d\n", S_ISLNK(s.st_mode));
    report("dangling", symlink("no-such", "/data/dangling"));
    describe("/data/dangling");
    report("access", access("/data/out.bin", R_OK | W_OK));
    report("access absent", access("/data/no", F_OK));
    report("chdir", chdir("/data/nested"));
    report("relative", open("deep.txt", O_RDONLY) < 0 ? -1 : 0);
    list("..");
    return 0;
}
