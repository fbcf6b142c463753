/* Clocks: only what must be true of them is printed. */
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static int64_t now(clockid_t id) {
    struct timespec t;
    if (clock_gettime(id, &t) != 0)
        return -1;
    return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

int main(void) {
    int64_t last = now(CLOCK_MONOTONIC);
    int backwards = 0;
    for (int i = 0; i < 1000; i++) {
        int64_t t = now(CLOCK_MONOTONIC);
        backwards += t < last;
        last = t;
    }
    printf("backwards %d\n", backwards);
    struct timespec pause = {0, 20000000};
    int64_t before = now(CLOCK_MONOTONIC);
    int slept = nanosleep(&pause, NULL);
    int64_t took = now(CLOCK_MONOTONIC) - before;
    printf("nanosleep %d, at least 20 ms %d, under 10 s %d\n", slept, took >= 20000000, took < 10000000000);
    before = now(CLOCK_MONOTONIC);
    usleep(5000);
    printf("usleep %d\n", now(CLOCK_MONOTONIC) - before >= 5000000);
    time_t wall = time(NULL);
    struct timeval day;
    gettimeofday(&day, NULL);
    printf("after 2024 %d, agree %d\n", wall > 1704067200, day.tv_sec - wall <= 2 && day.tv_sec >= wall);
    struct timespec resolution;
    printf("resolution %d %d\n", clock_getres(CLOCK_MONOTONIC, &resolution),
           resolution.tv_sec == 0 && resolution.tv_nsec > 0);
    time_t fixed = 1000000000;
    char text[64];
    strftime(text, sizeof text, "%Y-%m-%d %H:%M:%S %a %j", gmtime(&fixed));
    puts(text);
    struct tm parts = {.tm_year = 124, .tm_mon = 1, .tm_mday = 29, .tm_hour = 12};
    printf("%lld %d %d\n", (long long)mktime(&parts), parts.tm_wday, parts.tm_yday);
    printf("%.0f %s", difftime(fixed + 60, fixed), asctime(gmtime(&fixed)));
    return 0;
}
