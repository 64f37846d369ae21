#include "standin_http.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define HEAD_MAX 16384    /* the largest head of a request */
#define HEAD_ROOM 1024    /* kept free in front of a reply's body */
#define REPLY_FIRST 16384 /* a reply buffer's first size */

struct field {
    const char *name;
    size_t name_len;
    const char *value; /* without the blanks around it */
    size_t value_len;
};

static bool split_field(const char *line, size_t len, struct field *field)
{
    const char *colon = memchr(line, ':', len);
    if (colon == NULL)
        return false;
    const char *value = colon + 1;
    const char *end = line + len;
    while (value < end && (*value == ' ' || *value == '\t'))
        value++;
    while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    *field = (struct field){line, (size_t)(colon - line), value, (size_t)(end - value)};
    return true;
}

static bool is_named(const struct field *field, const char *name)
{
    return strlen(name) == field->name_len && strncasecmp(field->name, name, field->name_len) == 0;
}

static bool read_length(const struct field *field, size_t *length)
{
    size_t value = 0;
    for (size_t i = 0; i < field->value_len; i++) {
        char digit = field->value[i];
        if (digit < '0' || digit > '9' || value > HTTP_REQUEST_MAX)
            return false;
        value = value * 10 + (size_t)(digit - '0');
    }
    *length = value;
    return field->value_len > 0 && value <= HTTP_REQUEST_MAX - HEAD_MAX;
}

/* Takes one header field into the request; false when the request cannot be read because of it. */
static bool take_field(const struct field *field, struct http_request *request)
{
    if (is_named(field, "content-length"))
        return read_length(field, &request->body_len);
    if (is_named(field, "transfer-encoding"))
        return false;
    if (is_named(field, "x-amz-target")) {
        request->target = field->value;
        request->target_len = field->value_len;
    } else if (is_named(field, "connection")) {
        request->close = field->value_len == 5 && strncasecmp(field->value, "close", 5) == 0;
    }
    return true;
}

enum http_progress http_parse(const char *data, size_t len, struct http_request *request)
{
    const char *head_end = memmem(data, len < HEAD_MAX ? len : HEAD_MAX, "\r\n\r\n", 4);
    if (head_end == NULL)
        return len < HEAD_MAX ? HTTP_MORE : HTTP_BAD;
    if (strncmp(data, "POST ", 5) != 0)
        return HTTP_BAD;

    struct http_request found = {.target = "", .secure = request->secure};
    const char *line = memmem(data, (size_t)(head_end - data) + 2, "\r\n", 2);
    while (line < head_end) {
        line += 2;
        const char *line_end = memmem(line, (size_t)(head_end - line) + 2, "\r\n", 2);
        struct field field;
        if (!split_field(line, (size_t)(line_end - line), &field) || !take_field(&field, &found))
            return HTTP_BAD;
        line = line_end;
    }
    found.body = head_end + 4;
    found.size = (size_t)(found.body - data) + found.body_len;
    if (len < found.size)
        return HTTP_MORE;
    *request = found;
    return HTTP_READY;
}

void reply_release(struct reply *reply)
{
    free(reply->data);
    *reply = (struct reply){0};
}

void reply_clear(struct reply *reply)
{
    reply->start = HEAD_ROOM;
    reply->end = HEAD_ROOM;
}

char *reply_extend(struct reply *reply, size_t len)
{
    if (reply->capacity - reply->end < len || reply->data == NULL) {
        size_t capacity = reply->capacity == 0 ? REPLY_FIRST : reply->capacity;
        while (capacity - reply->end < len)
            capacity *= 2;
        reply->data = realloc(reply->data, capacity);
        if (reply->data == NULL)
            abort();
        reply->capacity = capacity;
    }
    char *place = reply->data + reply->end;
    reply->end += len;
    return place;
}

void reply_add(struct reply *reply, const char *text)
{
    size_t len = strlen(text);
    memcpy(reply_extend(reply, len), text, len);
}

void reply_finish(struct reply *reply, unsigned status, bool close, const char *extra)
{
    char head[HEAD_ROOM];
    int len = snprintf(head, sizeof head,
                       "HTTP/1.1 %s\r\n%s%sContent-Type: "
                       "application/x-amz-json-1.0\r\nContent-Length: %zu\r\n\r\n",
                       status == 200 ? "200 OK" : "400 Bad Request", extra,
                       close ? "Connection: close\r\n" : "", reply->end - reply->start);
    if (len < 0 || (size_t)len >= sizeof head)
        abort();
    (void)reply_extend(reply, 0);
    reply->start -= (size_t)len;
    memcpy(reply->data + reply->start, head, (size_t)len);
}
