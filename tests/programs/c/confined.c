/* What was not granted cannot be reached: parents, absolute paths, links that lead out; nor written where read-only.
 * Hosts differ in the error they choose, so only success and failure are printed. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

static void attempt(const char *path, int flags) {
    int fd = open(path, flags, 0644);
    char buffer[32];
    long length = fd < 0 ? -1 : read(fd, buffer, sizeof buffer);
    printf("%s %#x: %s", path, (unsigned)flags, fd < 0 ? "refused" : "opened");
    if (length > 0)
        printf(" '%.*s'", (int)length, buffer);
    puts("");
    if (fd >= 0)
        close(fd);
}

static void outcome(const char *what, int result) { printf("%s: %s\n", what, result < 0 ? "refused" : "done"); }

int main(void) {
    attempt("/open/a.txt", O_RDONLY);
    attempt("/open/../open/a.txt", O_RDONLY);
    attempt("/open/sub/../a.txt", O_RDONLY);
    attempt("/open/./sub/./b.txt", O_RDONLY);
    attempt("/open//sub//b.txt", O_RDONLY);
    attempt("/open/sub/../../locked/c.txt", O_RDONLY);
    attempt("/open/../../../../../../etc/passwd", O_RDONLY);
    attempt("/etc/passwd", O_RDONLY);
    attempt("/", O_RDONLY);
    attempt("a.txt", O_RDONLY);
    attempt("../a.txt", O_RDONLY);
    attempt("/open/a.txt/", O_RDONLY);
    attempt("/open/inside", O_RDONLY);
    attempt("/open/outside", O_RDONLY);
    attempt("/open/outside/passwd", O_RDONLY);
    attempt("/open/parent/locked/c.txt", O_RDONLY);
    attempt("/open/loop", O_RDONLY);
    outcome("absolute symlink", symlink("/etc/passwd", "/open/made"));
    outcome("rename out", rename("/open/a.txt", "/open/../a.txt"));
    outcome("mkdir out", mkdir("/open/../made", 0755));
    outcome("unlink out", unlink("/open/sub/../../locked/c.txt"));

    attempt("/locked/c.txt", O_RDONLY);
    attempt("/locked/c.txt", O_WRONLY);
    attempt("/locked/c.txt", O_RDWR);
    attempt("/locked/new.txt", O_WRONLY | O_CREAT);
    attempt("/locked/c.txt", O_WRONLY | O_TRUNC);
    outcome("unlink", unlink("/locked/c.txt"));
    outcome("mkdir", mkdir("/locked/dir", 0755));
    outcome("rename within", rename("/locked/c.txt", "/locked/d.txt"));
    outcome("rename into", rename("/open/a.txt", "/locked/a.txt"));
    outcome("rename out of", rename("/locked/c.txt", "/open/c.txt"));
    outcome("link into", link("/open/a.txt", "/locked/a.txt"));
    outcome("symlink into", symlink("c.txt", "/locked/s.txt"));
    struct stat s;
    outcome("stat", stat("/locked/c.txt", &s));
    DIR *dir = opendir("/locked");
    printf("list %s\n", dir ? "done" : "refused");
    return 0;
}
