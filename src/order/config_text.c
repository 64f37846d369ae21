#include "order/config_text.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { GROUPS_MAX = 16 };

struct reader {
    const char *at, *end;
    unsigned line;
    char path[CONFIG_TEXT_PATH_SIZE]; /* of the open groups, and of the setting named last */
    size_t group_len[GROUPS_MAX];     /* length of the path at each open group */
    unsigned depth;                   /* open groups, also beyond GROUPS_MAX */
    const char *problem;              /* NULL: none so far */
    unsigned problem_line;
};

static size_t group_end(const struct reader *r)
{
    if (r->depth == 0)
        return 0;
    return r->depth <= GROUPS_MAX ? r->group_len[r->depth - 1] : strlen(r->path);
}

static bool follows(const struct reader *r, const char *word)
{
    size_t len = strlen(word);

    return (size_t)(r->end - r->at) >= len && memcmp(r->at, word, len) == 0;
}

static void skip_to(struct reader *r, const char *stop)
{
    while (r->at < r->end && !follows(r, stop)) {
        r->line += *r->at == '\n';
        r->at++;
    }
}

static void find_problem(struct reader *r, unsigned line, const char *problem)
{
    r->problem = problem;
    r->problem_line = line;
}

/* libconfig takes a comment without an end, and with it all settings behind its beginning. */
static void skip_comment(struct reader *r)
{
    unsigned line = r->line;

    r->at += 2;
    skip_to(r, "*/");
    if (r->at < r->end)
        r->at += 2;
    else
        find_problem(r, line, "a comment begins here and does not end");
}

/* libconfig leaves an escaped NUL out without a word. */
static void skip_string(struct reader *r)
{
    for (r->at++; r->at < r->end && *r->at != '"'; r->at++) {
        if (follows(r, "\\x00"))
            find_problem(r, r->line, "a string contains \\x00");
        if (*r->at == '\\' && r->at + 1 < r->end)
            r->at++;
        r->line += *r->at == '\n';
    }
    if (r->at < r->end)
        r->at++;
}

static bool in_name(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '-' || c == '*';
}

static void read_name(struct reader *r)
{
    const char *from = r->at;
    size_t base = group_end(r);

    while (r->at < r->end && in_name(*r->at))
        r->at++;
    (void)snprintf(r->path + base, sizeof(r->path) - base, "%s%.*s", base > 0 ? "." : "",
                   (int)(r->at - from < 64 ? r->at - from : 64), from);
}

static void open_group(struct reader *r)
{
    if (r->depth < GROUPS_MAX)
        r->group_len[r->depth] = strlen(r->path);
    r->depth++;
}

static void close_group(struct reader *r)
{
    if (r->depth > 0)
        r->depth--;
    r->path[group_end(r)] = '\0';
}

static bool starts_number(const struct reader *r)
{
    char next = r->at + 1 < r->end ? r->at[1] : '\0';

    if (*r->at == '-' || *r->at == '+' || *r->at == '.')
        return isdigit((unsigned char)next) || next == '.';
    return isdigit((unsigned char)*r->at);
}

static void read_number(struct reader *r, struct config_number *number)
{
    number->text = r->at;
    number->line = r->line;
    (void)snprintf(number->path, sizeof(number->path), "%s", r->path);
    for (r->at++; r->at < r->end; r->at++) {
        bool sign = (*r->at == '-' || *r->at == '+') && (r->at[-1] == 'e' || r->at[-1] == 'E');

        if (!sign && !isalnum((unsigned char)*r->at) && *r->at != '.')
            break;
    }
    number->len = (size_t)(r->at - number->text);
}

/* Steps over what is neither a name nor a number. */
static void step(struct reader *r)
{
    if (*r->at == '#' || follows(r, "//")) {
        skip_to(r, "\n");
    } else if (follows(r, "/*")) {
        skip_comment(r);
    } else if (*r->at == '"') {
        skip_string(r);
    } else {
        if (*r->at == '{')
            open_group(r);
        else if (*r->at == '}')
            close_group(r);
        r->line += *r->at == '\n';
        r->at++;
    }
}

bool config_text_scan(const char *name, const char *text, size_t len,
                      bool (*see)(const struct config_number *number, void *arg, struct error *err),
                      void *arg, struct error *err)
{
    struct reader r = {.at = text, .end = text + len, .line = 1};
    struct config_number number;

    if (memchr(text, '\0', len) != NULL)
        return error_set(err, ERROR_CONFIG, "BadConfig", "%s: contains a NUL byte", name);
    while (r.at < r.end) {
        if (follows(&r, "@include"))
            return error_set(err, ERROR_CONFIG, "BadConfig", "%s:%u: @include is not supported",
                             name, r.line);
        if (starts_number(&r)) {
            read_number(&r, &number);
            if (!see(&number, arg, err))
                return false;
        } else if (isalpha((unsigned char)*r.at) || *r.at == '*') {
            read_name(&r);
        } else {
            step(&r);
        }
        if (r.problem != NULL)
            return error_set(err, ERROR_CONFIG, "BadConfig", "%s:%u: %s", name, r.problem_line,
                             r.problem);
    }
    return true;
}
