/*
 * DESIGN: a JSON library reads all of a reply or nothing. Here a receive has already spent one of
 * each message's receives, so what can be read is used: the reply is scanned, and each element of
 * "Messages" is read by itself. A message needs an id, a receipt handle and a body; a body's bytes
 * are taken as they are (they are the order's business, which refuses what is not UTF-8).
 */
#include "aws/sqs.h"

#include "base/mem.h"
#include "base/scan.h"

#include <stdlib.h>
#include <string.h>

enum { ATTRIBUTE_MAX = 32 };

void sqs_message_release(struct sqs_message *m)
{
    free(m->receipt_handle);
    free(m->body);
    *m = (struct sqs_message){.body = NULL};
}

static char *take_text(const struct scan_token *t, size_t *len)
{
    char *text = xmalloc(t->len + 1);
    size_t decoded = scan_decode(t, text);

    text[decoded] = '\0';
    if (t->len - decoded > 256)
        text = xrealloc(text, decoded + 1); /* escapes made it shorter */
    if (len != NULL)
        *len = decoded;
    return text;
}

static bool fits(const struct scan_token *t, size_t size)
{
    return t->type == SCAN_STRING && !t->nul && t->len > 0 && t->len < size;
}

/* Reads a decimal attribute ("3"); anything else is 0, unknown. */
static int64_t read_number(const struct scan_token *t)
{
    int64_t number = 0;

    if ((t->type != SCAN_STRING && t->type != SCAN_NUMBER) || t->len > 18)
        return 0; /* AWS writes a string; a server that writes a number is understood */
    for (size_t i = 0; i < t->len; i++) {
        if (t->text[i] < '0' || t->text[i] > '9')
            return 0;
        number = number * 10 + (t->text[i] - '0');
    }
    return number;
}

static bool read_attributes(struct scan *s, const struct scan_token *value, struct sqs_message *m)
{
    struct scan_token name;
    struct scan_token t;

    if (value->type != SCAN_OBJECT)
        return scan_skip(s, value, NULL);
    while (scan_next(s, &name) == SCAN_NAME) {
        (void)scan_next(s, &t);
        if (scan_is(&name, "ApproximateReceiveCount"))
            m->receive_count = read_number(&t);
        else if (scan_is(&name, "SentTimestamp"))
            m->sent_ms = read_number(&t);
        if (!scan_skip(s, &t, NULL))
            return false;
    }
    return name.type == SCAN_OBJECT_END;
}

static bool read_member(struct scan *s, const struct scan_token *name, struct sqs_message *m)
{
    struct scan_token t;

    (void)scan_next(s, &t);
    if (scan_is(name, "Attributes"))
        return read_attributes(s, &t, m);
    if (scan_is(name, "MessageId") && fits(&t, SQS_ID_MAX)) {
        m->id[scan_decode(&t, m->id)] = '\0';
    } else if (scan_is(name, "ReceiptHandle") && fits(&t, SIZE_MAX)) {
        free(m->receipt_handle);
        m->receipt_handle = take_text(&t, NULL);
    } else if (scan_is(name, "Body") && t.type == SCAN_STRING) {
        free(m->body);
        m->body = take_text(&t, &m->body_len);
    }
    return scan_skip(s, &t, NULL);
}

/* Reads one element; false when the text ends or breaks inside it. */
static bool read_message(struct scan *s, const struct scan_token *first, struct sqs_message *m)
{
    struct scan_token name;

    *m = (struct sqs_message){.body = NULL};
    if (first->type != SCAN_OBJECT)
        return scan_skip(s, first, NULL);
    while (scan_next(s, &name) == SCAN_NAME)
        if (!read_member(s, &name, m))
            return false;
    return name.type == SCAN_OBJECT_END;
}

static const char *lacking(const struct sqs_message *m)
{
    if (m->id[0] == '\0')
        return "MessageId";
    if (m->receipt_handle == NULL)
        return "ReceiptHandle";
    return m->body == NULL ? "Body" : NULL;
}

static bool read_messages(struct scan *s, const struct scan_token *value, struct sqs_received *out)
{
    struct scan_token t;

    if (value->type != SCAN_ARRAY)
        return value->type == SCAN_NULL;
    while (scan_next(s, &t) != SCAN_ARRAY_END) {
        struct sqs_message m;
        bool whole = t.type != SCAN_ERROR && read_message(s, &t, &m);

        if (t.type == SCAN_ERROR)
            return false;
        if (whole && lacking(&m) == NULL && out->count < SQS_BATCH_MAX) {
            out->messages[out->count++] = m;
            continue;
        }
        if (whole) {
            out->unreadable++;
            (void)error_set(&out->fault, ERROR_MALFORMED, "MalformedReply",
                            "a received message %s %s",
                            lacking(&m) != NULL ? "has no usable" : "is more than was asked for:",
                            lacking(&m) != NULL ? lacking(&m) : m.id);
        }
        sqs_message_release(&m);
        if (!whole)
            return false;
    }
    return true;
}

static bool read_reply(struct scan *s, struct sqs_received *out)
{
    struct scan_token t;

    if (scan_next(s, &t) != SCAN_OBJECT)
        return false;
    while (scan_next(s, &t) == SCAN_NAME) {
        struct scan_token value;

        (void)scan_next(s, &value);
        if (scan_is(&t, "Messages") ? !read_messages(s, &value, out) : !scan_skip(s, &value, NULL))
            return false;
    }
    return t.type == SCAN_OBJECT_END && scan_next(s, &t) == SCAN_END;
}

bool sqs_parse_received(const char *text, size_t len, struct sqs_received *out, struct error *err)
{
    struct scan s;

    out->count = 0;
    out->unreadable = 0;
    scan_init(&s, text, len, SCAN_DEPTH_MAX);
    out->whole = read_reply(&s, out);
    if (out->whole)
        return true;
    (void)error_set(&out->fault, ERROR_MALFORMED, "MalformedReply",
                    "SQS's reply cannot be read at byte %zu: %s", scan_offset(&s),
                    s.problem != NULL ? s.problem : "it is not an object with Messages");
    out->fault.maybe_sent = true;
    if (out->count > 0 || out->unreadable > 0)
        return true;
    *err = out->fault;
    return false;
}
