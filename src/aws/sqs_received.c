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
#include <strings.h>

enum { ATTRIBUTE_MAX = 32 };

static void free_extras(struct sqs_extras *e)
{
    if (e == NULL)
        return;
    free(e->sender);
    free(e->group_id);
    free(e->trace_header);
    free(e->source_arn);
    free(e->attributes);
    free(e);
}

void sqs_message_release(struct sqs_message *m)
{
    free_extras(m->extras);
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

static struct sqs_extras *extras_of(struct sqs_message *m)
{
    if (m->extras == NULL)
        m->extras = xcalloc(1, sizeof(*m->extras));
    return m->extras;
}

/* Takes an attribute's text in the place of what was there. */
static void replace(char **text, const struct scan_token *t)
{
    free(*text);
    *text = take_text(t, NULL);
}

static void read_extra(const struct scan_token *name, const struct scan_token *t,
                       struct sqs_message *m)
{
    if (scan_is(name, "ApproximateFirstReceiveTimestamp"))
        extras_of(m)->first_received_ms = read_number(t);
    else if (!fits(t, SIZE_MAX))
        return;
    else if (scan_is(name, "SenderId"))
        replace(&extras_of(m)->sender, t);
    else if (scan_is(name, "MessageGroupId"))
        replace(&extras_of(m)->group_id, t);
    else if (scan_is(name, "AWSTraceHeader"))
        replace(&extras_of(m)->trace_header, t);
    else if (scan_is(name, "DeadLetterQueueSourceArn"))
        replace(&extras_of(m)->source_arn, t);
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
        else
            read_extra(&name, &t, m);
        if (!scan_skip(s, &t, NULL))
            return false;
    }
    return name.type == SCAN_OBJECT_END;
}

/* Keeps what the sender added as it is, to be shown or sent again. */
static bool read_message_attributes(struct scan *s, const struct scan_token *value,
                                    struct sqs_message *m)
{
    struct scan_token whole;

    if (!scan_skip(s, value, &whole))
        return false;
    if (value->type == SCAN_OBJECT && whole.len > strlen("{}")) {
        free(extras_of(m)->attributes);
        m->extras->attributes = xmemdup(whole.text, whole.len);
    }
    return true;
}

/* An element of "Messages" that is being read. */
struct element {
    struct sqs_message message;
    char md5[DIGEST_MD5_HEX_SIZE]; /* of the body, as the service says; "" when it does not */
};

static bool read_member(struct scan *s, const struct scan_token *name, struct element *e)
{
    struct sqs_message *m = &e->message;
    struct scan_token t;

    (void)scan_next(s, &t);
    if (scan_is(name, "Attributes"))
        return read_attributes(s, &t, m);
    if (scan_is(name, "MessageAttributes"))
        return read_message_attributes(s, &t, m);
    if (scan_is(name, "MessageId") && fits(&t, SQS_ID_MAX)) {
        m->id[scan_decode(&t, m->id)] = '\0';
    } else if (scan_is(name, "ReceiptHandle") && fits(&t, SIZE_MAX)) {
        free(m->receipt_handle);
        m->receipt_handle = take_text(&t, NULL);
    } else if (scan_is(name, "Body") && t.type == SCAN_STRING) {
        free(m->body);
        m->body = take_text(&t, &m->body_len);
    } else if (scan_is(name, "MD5OfBody") && fits(&t, sizeof(e->md5)) &&
               t.len == sizeof(e->md5) - 1) {
        e->md5[scan_decode(&t, e->md5)] = '\0';
    }
    return scan_skip(s, &t, NULL);
}

/* Reads one element; false when the text ends or breaks inside it. */
static bool read_message(struct scan *s, const struct scan_token *first, struct element *e)
{
    struct scan_token name;

    if (first->type != SCAN_OBJECT)
        return scan_skip(s, first, NULL);
    while (scan_next(s, &name) == SCAN_NAME)
        if (!read_member(s, &name, e))
            return false;
    return name.type == SCAN_OBJECT_END;
}

/* What is wrong with an element that was read to its end; NULL when it can be used. */
static const char *complaint(const struct element *e, struct digest *digest)
{
    const struct sqs_message *m = &e->message;
    char md5[DIGEST_MD5_HEX_SIZE];

    if (m->id[0] == '\0')
        return "has no usable MessageId";
    if (m->receipt_handle == NULL)
        return "has no usable ReceiptHandle";
    if (m->body == NULL)
        return "has no usable Body";
    if (e->md5[0] == '\0' || digest == NULL || !digest_md5_hex(digest, m->body, m->body_len, md5) ||
        strcasecmp(md5, e->md5) == 0)
        return NULL;
    return "has a body of another MD5 than its MD5OfBody";
}

/* Takes over what can be used, and notes what cannot. */
static void keep(struct element *e, struct digest *digest, struct sqs_received *out)
{
    const char *wrong = complaint(e, digest);

    if (wrong == NULL && out->count == SQS_BATCH_MAX)
        wrong = "is more than was asked for";
    if (wrong == NULL) {
        out->messages[out->count++] = e->message;
        return;
    }
    out->unreadable++;
    (void)error_set(&out->fault, ERROR_MALFORMED, "MalformedReply", "a received message%s%s %s",
                    e->message.id[0] != '\0' ? " " : "", e->message.id, wrong);
    sqs_message_release(&e->message);
}

static bool read_messages(struct scan *s, const struct scan_token *value, struct digest *digest,
                          struct sqs_received *out)
{
    struct scan_token t;

    if (value->type != SCAN_ARRAY)
        return value->type == SCAN_NULL;
    while (scan_next(s, &t) != SCAN_ARRAY_END) {
        struct element e = {.md5 = ""};

        if (t.type == SCAN_ERROR)
            return false;
        if (!read_message(s, &t, &e)) {
            sqs_message_release(&e.message);
            return false;
        }
        keep(&e, digest, out);
    }
    return true;
}

static bool read_reply(struct scan *s, struct digest *digest, struct sqs_received *out)
{
    struct scan_token t;

    if (scan_next(s, &t) != SCAN_OBJECT)
        return false;
    while (scan_next(s, &t) == SCAN_NAME) {
        struct scan_token value;

        (void)scan_next(s, &value);
        if (scan_is(&t, "Messages") ? !read_messages(s, &value, digest, out)
                                    : !scan_skip(s, &value, NULL))
            return false;
    }
    return t.type == SCAN_OBJECT_END && scan_next(s, &t) == SCAN_END;
}

bool sqs_parse_received(const char *text, size_t len, struct digest *digest,
                        struct sqs_received *out, struct error *err)
{
    struct scan s;

    out->count = 0;
    out->unreadable = 0;
    scan_init(&s, text, len, SCAN_DEPTH_MAX);
    out->whole = read_reply(&s, digest, out);
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
