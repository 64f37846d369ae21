/*
 * DESIGN: the scanner of base hands out pieces of the text, so a secret is copied once, to where it
 * is wiped. A JSON library's tree would leave copies in memory that nobody can reach.
 */
#include "aws/credentials_document.h"

#include "base/mem.h"
#include "base/scan.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

enum { DEPTH_MAX = 32, SHOWN_MAX = 63 };

enum member { ID, SECRET, TOKEN, EXPIRATION, VERSION, CODE, MEMBERS };

/* How a form calls the members; NULL: it has none of that meaning. */
static const struct {
    const char *members[MEMBERS];
    bool whole; /* Token and Expiration must be there */
} forms[CREDENTIALS_FORMS] = {
    [CREDENTIALS_FORM_PROCESS] = {{"AccessKeyId", "SecretAccessKey", "SessionToken", "Expiration",
                                   "Version", NULL},
                                  false},
    [CREDENTIALS_FORM_CONTAINER] = {{"AccessKeyId", "SecretAccessKey", "Token", "Expiration", NULL,
                                     NULL},
                                    false},
    [CREDENTIALS_FORM_INSTANCE] = {{"AccessKeyId", "SecretAccessKey", "Token", "Expiration", NULL,
                                    "Code"},
                                   true},
};

static void wipe(char **text)
{
    if (*text != NULL)
        explicit_bzero(*text, strlen(*text));
    free(*text);
    *text = NULL;
}

void credentials_document_release(struct credentials_document *d)
{
    wipe(&d->access_key_id);
    wipe(&d->secret_access_key);
    wipe(&d->session_token);
    d->expires_ms = INT64_MAX;
}

static bool malformed(struct error *err, const char *what, const char *why)
{
    return error_set(err, ERROR_MALFORMED, "MalformedReply", "%s %s", what, why);
}

/* Finds the members in the text; one that is absent, or null, has the type SCAN_END. */
static bool collect(enum credentials_form form, const char *text, size_t len,
                    struct scan_token found[MEMBERS], struct error *err)
{
    static const char what[] = "the document";
    struct scan s;
    struct scan_token name;

    for (int i = 0; i < MEMBERS; i++)
        found[i].type = SCAN_END;
    scan_init(&s, text, len, DEPTH_MAX);
    if (scan_next(&s, &name) != SCAN_OBJECT)
        return malformed(err, what, "is not a JSON object");
    while (scan_next(&s, &name) == SCAN_NAME) {
        struct scan_token value;
        int i = 0;

        while (i < MEMBERS &&
               (forms[form].members[i] == NULL || !scan_is(&name, forms[form].members[i])))
            i++;
        (void)scan_next(&s, &value);
        if (i < MEMBERS)
            found[i] = value;
        if (i < MEMBERS && value.type == SCAN_NULL)
            found[i].type = SCAN_END;
        if (!scan_skip(&s, &value, NULL))
            return malformed(err, what, "is not whole JSON");
    }
    if (name.type != SCAN_OBJECT_END || scan_next(&s, &name) != SCAN_END)
        return malformed(err, what, "is not whole JSON");
    return true;
}

bool credentials_text_valid(const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++)
        if (text[i] <= ' ' || text[i] > '~')
            return false;
    return true;
}

/* Copies a member that goes into a header: what no header can carry is refused. */
static bool take_text(const struct scan_token *t, const char *name, bool required, char **out,
                      struct error *err)
{
    char *text;
    size_t len;

    if (t->type == SCAN_END && required)
        return malformed(err, name, "is missing");
    if (t->type != SCAN_STRING && t->type != SCAN_END)
        return malformed(err, name, "is not a string");
    text = xcalloc(t->type == SCAN_STRING ? t->len + 1 : 1, 1);
    len = t->type == SCAN_STRING ? scan_decode(t, text) : 0;
    *out = text;
    if (!credentials_text_valid(text, len)) {
        explicit_bzero(text, len);
        return malformed(err, name, "holds a character that no key has");
    }
    if (len == 0 && required)
        return malformed(err, name, "is empty");
    return true;
}

static bool check_version(const struct scan_token *t, struct error *err)
{
    if (t->type == SCAN_END)
        return malformed(err, "Version", "is missing");
    if (t->type != SCAN_NUMBER)
        return malformed(err, "Version", "is not a number");
    if (t->len != 1 || t->text[0] != '1')
        return error_set(err, ERROR_MALFORMED, "MalformedReply", "Version is %.*s; only 1 is known",
                         t->len < SHOWN_MAX ? (int)t->len : SHOWN_MAX, t->text);
    return true;
}

static bool check_code(const struct scan_token *t, struct error *err)
{
    char shown[SHOWN_MAX + 1] = "";

    if (t->type == SCAN_END)
        return true; /* stand-ins leave it out */
    if (t->type != SCAN_STRING)
        return malformed(err, "Code", "is not a string");
    if (scan_is(t, "Success"))
        return true;
    for (size_t i = 0; i < t->len && i < SHOWN_MAX; i++)
        shown[i] = (char)(isalnum((unsigned char)t->text[i]) ? t->text[i] : '?');
    return error_set(err, ERROR_AUTH, "BadCredentials", "there are no keys: Code is \"%s\"", shown);
}

static bool take_expiration(const struct scan_token *t, bool required, int64_t *expires_ms,
                            struct error *err)
{
    if (t->type == SCAN_END && !required) {
        *expires_ms = INT64_MAX;
        return true;
    }
    if (t->type == SCAN_END)
        return malformed(err, "Expiration", "is missing");
    if (t->type != SCAN_STRING || !credentials_expiration_read(t->text, t->len, expires_ms))
        return malformed(err, "Expiration", "is not a time as in \"2026-11-22T13:05:09Z\"");
    return true;
}

bool credentials_document_read(enum credentials_form form, const char *text, size_t len,
                               struct credentials_document *d, struct error *err)
{
    const char *const *names = forms[form].members;
    bool whole = forms[form].whole;
    struct scan_token found[MEMBERS];
    CLEANUP(credentials_document_release)
    struct credentials_document read = CREDENTIALS_DOCUMENT_INIT;

    if (!collect(form, text, len, found, err) ||
        (names[VERSION] != NULL && !check_version(&found[VERSION], err)) ||
        (names[CODE] != NULL && !check_code(&found[CODE], err)) ||
        !take_text(&found[ID], names[ID], true, &read.access_key_id, err) ||
        !take_text(&found[SECRET], names[SECRET], true, &read.secret_access_key, err) ||
        !take_text(&found[TOKEN], names[TOKEN], whole, &read.session_token, err) ||
        !take_expiration(&found[EXPIRATION], whole, &read.expires_ms, err))
        return false;
    d->access_key_id = TAKE_PTR(read.access_key_id);
    d->secret_access_key = TAKE_PTR(read.secret_access_key);
    d->session_token = TAKE_PTR(read.session_token);
    d->expires_ms = read.expires_ms;
    return true;
}

/* Reads exactly DIGITS digits; the value is checked against the range. */
static bool read_number(const char **at, const char *end, int digits, int min, int max, int *out)
{
    int value = 0;

    if (end - *at < digits)
        return false;
    for (int i = 0; i < digits; i++, (*at)++) {
        if (!isdigit((unsigned char)**at))
            return false;
        value = value * 10 + (**at - '0');
    }
    *out = value;
    return value >= min && value <= max;
}

static bool read_mark(const char **at, const char *end, const char *marks)
{
    if (*at == end || **at == '\0' || strchr(marks, **at) == NULL)
        return false;
    (*at)++;
    return true;
}

static int days_of_month(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

    return days[month - 1] + (month == 2 && leap);
}

/* Days from 1970-01-01; years count from March here, so that the leap day is a year's last. */
static int64_t days_since_1970(int year, int month, int day)
{
    int64_t y = month > 2 ? year : year - 1;
    int64_t m = month > 2 ? month - 3 : month + 9;

    y += 400; /* year 0 begins in year -1's March: keep the divisions positive */
    return y * 365 + y / 4 - y / 100 + y / 400 + (m * 153 + 2) / 5 + day - 1 - 719468 - 146097;
}

static bool read_date(const char **at, const char *end, int64_t *days)
{
    int year = 0;
    int month = 0;
    int day = 0;

    if (!read_number(at, end, 4, 0, 9999, &year) || !read_mark(at, end, "-") ||
        !read_number(at, end, 2, 1, 12, &month) || !read_mark(at, end, "-") ||
        !read_number(at, end, 2, 1, days_of_month(year, month), &day))
        return false;
    *days = days_since_1970(year, month, day);
    return true;
}

/* "13:05:09" and perhaps ".123456", as milliseconds; a leap second is the next minute's first. */
static bool read_time(const char **at, const char *end, int64_t *ms)
{
    int hour = 0;
    int minute = 0;
    int second = 0;
    int fraction = 0;

    if (!read_number(at, end, 2, 0, 23, &hour) || !read_mark(at, end, ":") ||
        !read_number(at, end, 2, 0, 59, &minute) || !read_mark(at, end, ":") ||
        !read_number(at, end, 2, 0, 60, &second))
        return false;
    if (read_mark(at, end, ".")) {
        const char *first = *at;

        for (int unit = 100; *at < end && isdigit((unsigned char)**at); (*at)++, unit /= 10)
            fraction += unit * (**at - '0');
        if (*at == first)
            return false;
    }
    *ms = ((hour * INT64_C(60) + minute) * 60 + second) * 1000 + fraction;
    return true;
}

/* "Z", or "+01:30" as milliseconds east of it. */
static bool read_offset(const char **at, const char *end, int64_t *ms)
{
    int sign = *at < end && **at == '-' ? -1 : 1;
    int hour = 0;
    int minute = 0;

    *ms = 0;
    if (read_mark(at, end, "Zz"))
        return true;
    if (!read_mark(at, end, "+-") || !read_number(at, end, 2, 0, 23, &hour) ||
        !read_mark(at, end, ":") || !read_number(at, end, 2, 0, 59, &minute))
        return false;
    *ms = sign * (hour * INT64_C(60) + minute) * 60000;
    return true;
}

bool credentials_expiration_read(const char *text, size_t len, int64_t *wall_ms)
{
    const char *end = text + len;
    int64_t days = 0;
    int64_t time = 0;
    int64_t offset = 0;

    if (!read_date(&text, end, &days) || !read_mark(&text, end, "Tt") ||
        !read_time(&text, end, &time) || !read_offset(&text, end, &offset) || text != end)
        return false;
    *wall_ms = days * 86400000 + time - offset;
    return true;
}
