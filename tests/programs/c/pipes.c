/* Bytes of every value through standard input and output, and much of it, in odd-sized pieces. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int main(void) {
    unsigned char buffer[777];
    unsigned long long total = 0;
    unsigned sum = 0;
    for (ssize_t length; (length = read(0, buffer, sizeof buffer)) > 0;) {
        for (ssize_t i = 0; i < length; i++)
            sum = sum * 31 + buffer[i];
        total += (unsigned long long)length;
        write(1, buffer, (size_t)length);
    }
    printf("\nread %llu bytes, sum %u\n", total, sum);
    for (int i = 0; i < 256; i++)
        putchar(i);
    for (int i = 0; i < 60000; i++)
        printf("%d squared is %lld\n", i, (long long)i * i);
    printf("write to nothing: %d\n", write(99, "x", 1) < 0 && errno == EBADF);
    printf("terminals: %d %d\n", isatty(0), isatty(1));
    return ferror(stdout) != 0;
}
