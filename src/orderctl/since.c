#include "orderctl/since.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* Reads 15m and the like as milliseconds. */
static bool parse_span(const char *text, int64_t *ms)
{
    static const char units[] = "smhd";
    static const int64_t seconds[] = {1, 60, 3600, 86400};
    const int64_t max = INT64_C(100) * 366 * 86400;
    const char *unit;
    int64_t number;
    char *end;

    errno = 0;
    number = strtoll(text, &end, 10);
    if (!is_digit(text[0]) || errno != 0 || end[0] == '\0' || end[1] != '\0')
        return false;
    unit = strchr(units, end[0]);
    if (unit == NULL || number > max / seconds[unit - units])
        return false;
    *ms = number * seconds[unit - units] * 1000;
    return true;
}

/* Tells whether TEXT has the form, where 0 stands for a digit, as far as TEXT goes. */
static bool has_form(const char *text, size_t len, const char *form)
{
    for (size_t i = 0; i < len; i++)
        if (form[i] == '0' ? !is_digit(text[i]) : text[i] != form[i])
            return false;
    return true;
}

static int number_at(const char *text, int digits)
{
    int number = 0;

    for (int i = 0; i < digits; i++)
        number = 10 * number + (text[i] - '0');
    return number;
}

static bool is_date(const char *text)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    int year = number_at(text, 4);
    int month = number_at(text + 5, 2);
    int day = number_at(text + 8, 2);
    bool leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);

    return month >= 1 && month <= 12 && day >= 1 &&
           day <= days[month - 1] + (month == 2 && leap ? 1 : 0);
}

/* A time is completed by what stands there at the beginning of its day, minute or second. */
static bool parse_time(const char *text, char out[CLOCK_TEXT_SIZE])
{
    static const char form[] = "0000-00-00T00:00:00.000";
    static const char first[] = "0000-01-01T00:00:00.000Z";
    size_t len = strlen(text);

    if (len > 10 && text[len - 1] == 'Z')
        len--;
    if ((len != 10 && len != 16 && len != 19 && len != 23) || !has_form(text, len, form))
        return false;
    memcpy(out, first, sizeof(first));
    memcpy(out, text, len);
    return is_date(out) && number_at(out + 11, 2) < 24 && number_at(out + 14, 2) < 60 &&
           number_at(out + 17, 2) < 60;
}

bool since_parse(const char *text, int64_t now_ms, char out[CLOCK_TEXT_SIZE])
{
    char when[CLOCK_TEXT_SIZE];
    int64_t ago_ms;

    if (parse_span(text, &ago_ms))
        clock_format(now_ms - ago_ms, when);
    else if (!parse_time(text, when))
        return false;
    memcpy(out, when, sizeof(when));
    return true;
}
