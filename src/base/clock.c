#include "base/clock.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <time.h>

enum { SECONDS_A_DAY = 86400 };

static int64_t real_now(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_BOOTTIME, &t);
    return t.tv_sec * CLOCK_NS_PER_S + t.tv_nsec;
}

static int64_t real_wall_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_REALTIME, &t);
    return t.tv_sec * 1000 + t.tv_nsec / CLOCK_NS_PER_MS;
}

static bool real_wait(int fd, int64_t until_ns)
{
    struct pollfd p = {.fd = fd, .events = POLLIN};
    int ready;

    do {
        int64_t left = until_ns - real_now();
        struct timespec t = {.tv_sec = left > 0 ? left / CLOCK_NS_PER_S : 0,
                             .tv_nsec = left > 0 ? left % CLOCK_NS_PER_S : 0};

        ready = ppoll(&p, 1, &t, NULL);
    } while (ready < 0 && errno == EINTR);
    return ready > 0;
}

static const struct clock_source real_source = {real_now, real_wall_ms, real_wait};
static const struct clock_source *source = &real_source;

int64_t clock_now(void)
{
    return source->now_ns();
}

int64_t clock_wall_ms(void)
{
    return source->wall_ms();
}

bool clock_wait(int fd, int64_t until_ns)
{
    return source->wait(fd, until_ns);
}

struct timespec clock_monotonic_after(int64_t ns)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    t.tv_nsec += ns % CLOCK_NS_PER_S;
    t.tv_sec += ns / CLOCK_NS_PER_S + t.tv_nsec / CLOCK_NS_PER_S;
    t.tv_nsec %= CLOCK_NS_PER_S;
    return t;
}

void clock_replace(const struct clock_source *replacement)
{
    source = replacement != NULL ? replacement : &real_source;
}

/* snprintf would do, but every order and every log line is stamped. */
static char *put_digits(char *out, int value, int digits)
{
    for (int i = digits - 1; i >= 0; i--) {
        out[i] = (char)('0' + value % 10);
        value /= 10;
    }
    return out + digits;
}

/* gmtime_r takes a lock of the C library's and looks at the time zone; the date changes once a day.
 */
static struct tm civil(int64_t wall_ms)
{
    static _Thread_local struct tm date;
    static _Thread_local int64_t date_day = INT64_MIN;
    int64_t seconds = wall_ms / 1000 - (wall_ms % 1000 < 0);
    int64_t day = seconds / SECONDS_A_DAY - (seconds % SECONDS_A_DAY < 0);
    int second = (int)(seconds - day * SECONDS_A_DAY);
    struct tm t;

    if (day != date_day) {
        time_t midnight = day * SECONDS_A_DAY;

        if (gmtime_r(&midnight, &date) == NULL)
            memset(&date, 0, sizeof(date));
        date_day = day;
    }
    t = date;
    t.tm_hour = second / 3600;
    t.tm_min = second / 60 % 60;
    t.tm_sec = second % 60;
    return t;
}

void clock_format(int64_t wall_ms, char out[CLOCK_TEXT_SIZE])
{
    struct tm t = civil(wall_ms);
    int ms = (int)((wall_ms % 1000 + 1000) % 1000);

    out = put_digits(out, t.tm_year + 1900, 4);
    *out++ = '-';
    out = put_digits(out, t.tm_mon + 1, 2);
    *out++ = '-';
    out = put_digits(out, t.tm_mday, 2);
    *out++ = 'T';
    out = put_digits(out, t.tm_hour, 2);
    *out++ = ':';
    out = put_digits(out, t.tm_min, 2);
    *out++ = ':';
    out = put_digits(out, t.tm_sec, 2);
    *out++ = '.';
    out = put_digits(out, ms, 3);
    *out++ = 'Z';
    *out = '\0';
}

void clock_format_stamp(int64_t wall_ms, char out[CLOCK_STAMP_SIZE])
{
    struct tm t = civil(wall_ms);

    out = put_digits(out, t.tm_year + 1900, 4);
    out = put_digits(out, t.tm_mon + 1, 2);
    out = put_digits(out, t.tm_mday, 2);
    *out++ = 'T';
    out = put_digits(out, t.tm_hour, 2);
    out = put_digits(out, t.tm_min, 2);
    out = put_digits(out, t.tm_sec, 2);
    *out++ = 'Z';
    *out = '\0';
}
