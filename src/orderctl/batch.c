#include "orderctl/batch.h"

#include "base/clock.h"
#include "base/random.h"
#include "base/utf8.h"

#include <stdio.h>
#include <string.h>

enum {
    ROUNDS = 6, /* of entries that fail for the service's sake */
    BODIES_KEEP = 64 * 1024,
};

#define PAUSE_FIRST_NS (100 * CLOCK_NS_PER_MS)

void batch_release(struct batch *b)
{
    buf_release(&b->bodies);
    b->count = 0;
}

void batch_reset(struct batch *b)
{
    buf_reset(&b->bodies, BODIES_KEEP);
    b->count = 0;
}

bool batch_has_room(const struct batch *b, size_t len)
{
    return b->count < SQS_BATCH_MAX && len <= b->bodies.max - b->bodies.len;
}

void batch_add(struct batch *b, const char *body, size_t len, uint64_t number)
{
    struct batch_message *m = &b->messages[b->count++];

    *m = (struct batch_message){
        .offset = b->bodies.len, .len = len, .number = number, .result = SQS_ENTRY_RETRY};
    (void)buf_append(&b->bodies, body, len);
}

const char *batch_refuses(const char *body, size_t len)
{
    size_t taken;

    if (len == 0)
        return "empty";
    if (len > SQS_BODY_MAX)
        return "longer than 1 MiB";
    for (size_t at = 0; at < len; at += taken) {
        unsigned char c = (unsigned char)body[at];

        taken = utf8_sequence(body + at, len - at);
        if (taken == 0)
            return "not UTF-8, which SQS does not carry";
        if (c < 0x20 && c != '\t' && c != '\n' && c != '\r')
            return "contains a control character, which SQS does not carry";
        if (taken == 3 && (memcmp(body + at, "\xEF\xBF\xBE", 3) == 0 ||
                           memcmp(body + at, "\xEF\xBF\xBF", 3) == 0))
            return "contains U+FFFE or U+FFFF, which SQS does not carry";
    }
    return NULL;
}

/* --- sending -------------------------------------------------------------------------------------
 */

static void set_result(struct batch_message *m, const struct sqs_outgoing *o)
{
    m->result = o->result;
    (void)snprintf(m->id, sizeof(m->id), "%s", o->id);
    (void)snprintf(m->reason, sizeof(m->reason), "%s", o->code);
}

static bool send_some(const struct batch *b, struct batch_message *const *some, size_t count,
                      struct sqs *sqs, struct error *err)
{
    struct sqs_outgoing outgoing[SQS_BATCH_MAX];

    for (size_t i = 0; i < count; i++)
        outgoing[i] =
            (struct sqs_outgoing){.body = b->bodies.data + some[i]->offset, .len = some[i]->len};
    if (!sqs_send_batch(sqs, outgoing, count, err))
        return false;
    for (size_t i = 0; i < count; i++)
        set_result(some[i], &outgoing[i]);
    return true;
}

/* Sends them in one call; when that is refused, each by itself, so that the one to blame is found.
 */
static bool send_round(const struct batch *b, struct batch_message *const *some, size_t count,
                       struct sqs *sqs, struct error *err)
{
    if (send_some(b, some, count, sqs, err))
        return true;
    if (err->kind != ERROR_REJECTED)
        return false;
    if (count == 1) {
        some[0]->result = SQS_ENTRY_REFUSED;
        (void)snprintf(some[0]->reason, sizeof(some[0]->reason), "%.255s", err->text);
        return true;
    }
    for (size_t i = 0; i < count; i++)
        if (!send_round(b, &some[i], 1, sqs, err))
            return false;
    return true;
}

static size_t unsent(struct batch *b, struct batch_message *out[SQS_BATCH_MAX])
{
    size_t count = 0;

    for (size_t i = 0; i < b->count; i++)
        if (b->messages[i].result == SQS_ENTRY_RETRY)
            out[count++] = &b->messages[i];
    return count;
}

bool batch_send(struct batch *b, struct sqs *sqs, const struct stop *stop, struct error *err)
{
    struct batch_message *some[SQS_BATCH_MAX];
    int64_t pause = PAUSE_FIRST_NS;

    for (int round = 0; round < ROUNDS; round++) {
        size_t count = unsent(b, some);

        if (count == 0)
            return true;
        if (round > 0) {
            int64_t jitter = (int64_t)random_below((uint64_t)pause / 2);

            if (stop_wait(stop, clock_now() + pause / 2 + jitter))
                return true; /* what is left is not sent, and each has the reason */
            pause *= 2;
        }
        if (!send_round(b, some, count, sqs, err))
            return false;
    }
    return true;
}
