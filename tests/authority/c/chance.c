/* All that the world could tell a program of time and chance. */
#include <stdint.h>
#include <stdio.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

int main(void)
{
    uint8_t bytes[16];
    struct timespec now, years = {10LL * 365 * 86400, 0};
    for (int i = 0; i < 3; i++) {
        if (getentropy(bytes, sizeof bytes) != 0)
            return 1;
        for (size_t k = 0; k < sizeof bytes; k++)
            printf("%02x", bytes[k]);
        printf("\n");
        clock_gettime(CLOCK_REALTIME, &now);
        printf("real %lld.%09ld\n", (long long)now.tv_sec, now.tv_nsec);
        clock_gettime(CLOCK_MONOTONIC, &now);
        printf("monotonic %lld.%09ld\n", (long long)now.tv_sec, now.tv_nsec);
        nanosleep(&years, NULL);
    }
    clock_getres(CLOCK_REALTIME, &now);
    printf("resolution %lld.%09ld\n", (long long)now.tv_sec, now.tv_nsec);
    printf("year %d\n", gmtime(&(time_t){time(NULL)})->tm_year + 1900);
    return 0;
}
