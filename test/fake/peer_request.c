#include "fake/peer_request.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { BODY_SHOWN_MAX = 300 };

/* The texts that the visible part points into stand behind it. */
struct request {
    struct peer_request seen; /* first, so that both have one address */
    char *head, *body;        /* owned */
};

const char *peer_header(const struct peer_request *r, const char *name)
{
    for (size_t i = 0; i < r->line_count; i++)
        if (strcasecmp(r->lines[i].name, name) == 0)
            return r->lines[i].value;
    return NULL;
}

/* Cuts TEXT at the first of SEPARATORS and returns what follows it. */
static char *cut(char *text, const char *separator)
{
    char *found = strstr(text, separator);

    if (found == NULL)
        return text + strlen(text);
    *found = '\0';
    return found + strlen(separator);
}

static void split_head(struct request *r)
{
    struct peer_request *seen = &r->seen;
    char *line = r->head;
    char *next = cut(line, "\r\n");
    const char *target;

    seen->method = line;
    seen->path = cut(line, " ");
    (void)cut(r->head + (seen->path - r->head), " ");
    for (line = next; *line != '\0' && seen->line_count < PEER_LINES_MAX; line = next) {
        next = cut(line, "\r\n");
        seen->lines[seen->line_count].name = line;
        line = cut(line, ":");
        seen->lines[seen->line_count++].value = line + strspn(line, " \t");
    }
    target = peer_header(seen, "X-Amz-Target");
    target = target != NULL ? strchr(target, '.') : NULL;
    seen->operation = target != NULL ? target + 1 : "";
}

struct peer_request *peer_request_take(struct buf *in)
{
    const char *end = in->len > 0 ? memmem(in->data, in->len, "\r\n\r\n", 4) : NULL;
    struct request *r;
    const char *length;
    size_t head_len;
    size_t len;

    if (end == NULL)
        return NULL;
    head_len = (size_t)(end - in->data) + 4;
    r = xcalloc(1, sizeof(*r));
    r->head = xmemdup(in->data, head_len - 2);
    split_head(r);
    length = peer_header(&r->seen, "Content-Length");
    len = length != NULL ? strtoul(length, NULL, 10) : 0;
    if (in->len - head_len < len) {
        peer_request_free(&r->seen);
        return NULL;
    }
    r->body = xmemdup(in->data + head_len, len);
    r->seen.body = r->body;
    r->seen.body_len = len;
    in->len -= head_len + len;
    memmove(in->data, in->data + head_len + len, in->len);
    return &r->seen;
}

void peer_request_free(struct peer_request *seen)
{
    struct request *r = (struct request *)seen;

    free(r->head);
    free(r->body);
    free(r);
}

/* Tells whether the request has the line "Name: value". */
static bool has_line(const struct peer_request *r, const char *line)
{
    size_t name = strcspn(line, ":");

    for (size_t i = 0; i < r->line_count; i++)
        if (strlen(r->lines[i].name) == name && strncasecmp(r->lines[i].name, line, name) == 0 &&
            strcmp(r->lines[i].value, line + name + 1 + strspn(line + name + 1, " ")) == 0)
            return true;
    return false;
}

bool peer_request_fits(const struct peer_request *r, const struct peer_expect *expect,
                       char out[PEER_TEXT_MAX])
{
    const struct {
        const char *what, *wanted;
        bool fits;
    } checks[] = {
        {"operation", expect->operation,
         expect->operation == NULL || strcmp(expect->operation, r->operation) == 0},
        {"method", expect->method,
         expect->method == NULL || strcmp(expect->method, r->method) == 0},
        {"path", expect->path, expect->path == NULL || strcmp(expect->path, r->path) == 0},
        {"body with", expect->body,
         expect->body == NULL ||
             memmem(r->body, r->body_len, expect->body, strlen(expect->body)) != NULL},
        {"header", expect->header, expect->header == NULL || has_line(r, expect->header)},
    };
    char came[PEER_TEXT_MAX];

    for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
        if (checks[i].fits)
            continue;
        peer_request_describe(r, came);
        (void)snprintf(out, PEER_TEXT_MAX, "expected %s \"%.*s\", but came %.*s", checks[i].what,
                       BODY_SHOWN_MAX, checks[i].wanted, BODY_SHOWN_MAX * 2, came);
        return false;
    }
    return true;
}

void peer_request_describe(const struct peer_request *r, char out[PEER_TEXT_MAX])
{
    int shown = r->body_len < BODY_SHOWN_MAX ? (int)r->body_len : BODY_SHOWN_MAX;

    (void)snprintf(out, PEER_TEXT_MAX, "%.32s %.128s, operation \"%.128s\", body \"%.*s\"%s",
                   r->method, r->path, r->operation, shown, r->body,
                   r->body_len > BODY_SHOWN_MAX ? " and more" : "");
}
