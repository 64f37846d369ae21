/*
 * Target: the reply of ReceiveMessage (aws/sqs_received). A reply that is cut anywhere gives the
 * first of the messages that the whole one gives, unchanged.
 */
#include "fuzz/fuzz.h"

#include "aws/digest.h"
#include "aws/sqs.h"

static struct digest *digest;
static struct sqs_received whole, part;

static void release(struct sqs_received *r)
{
    for (unsigned i = 0; i < r->count; i++)
        sqs_message_release(&r->messages[i]);
    r->count = 0;
}

static void check_extras(const struct sqs_extras *e)
{
    fuzz_holds(e->first_received_ms >= 0);
    fuzz_holds(e->sender == NULL || e->sender[0] != '\0');
    fuzz_holds(e->group_id == NULL || e->group_id[0] != '\0');
    fuzz_holds(e->trace_header == NULL || e->trace_header[0] != '\0');
    fuzz_holds(e->source_arn == NULL || e->source_arn[0] != '\0');
    /* it is put into a request as it is */
    fuzz_holds(e->attributes == NULL ||
               (e->attributes[0] == '{' && e->attributes[strlen(e->attributes) - 1] == '}'));
}

static void check_message(const struct sqs_message *m)
{
    fuzz_holds(m->id[0] != '\0' && strlen(m->id) < SQS_ID_MAX);
    fuzz_holds(m->receipt_handle != NULL && m->receipt_handle[0] != '\0');
    fuzz_holds(m->body != NULL && m->body[m->body_len] == '\0');
    fuzz_holds(m->receive_count >= 0 && m->sent_ms >= 0);
    if (m->extras != NULL)
        check_extras(m->extras);
}

static bool same_message(const struct sqs_message *a, const struct sqs_message *b)
{
    return strcmp(a->id, b->id) == 0 && strcmp(a->receipt_handle, b->receipt_handle) == 0 &&
           a->body_len == b->body_len && memcmp(a->body, b->body, a->body_len) == 0 &&
           a->receive_count == b->receive_count && a->sent_ms == b->sent_ms &&
           (a->extras == NULL) == (b->extras == NULL);
}

static void check_received(bool ok, const struct sqs_received *r, const struct error *err)
{
    fuzz_holds(r->count <= SQS_BATCH_MAX);
    fuzz_holds(ok || (err->kind == ERROR_MALFORMED && err->maybe_sent && r->count == 0));
    fuzz_holds((r->whole && r->unreadable == 0) || r->fault.kind == ERROR_MALFORMED);
    for (unsigned i = 0; i < r->count; i++)
        check_message(&r->messages[i]);
}

/* Chosen by the bytes themselves, so that an input is a reply and nothing else. */
static size_t choose_cut(struct input in)
{
    uint32_t hash = UINT32_C(0x811C9DC5); /* FNV-1a (RFC 9923) */

    for (size_t i = 0; i < in.len; i++)
        hash = (hash ^ (unsigned char)in.text[i]) * UINT32_C(0x01000193);
    return hash % (in.len + 1);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input in = input_of(data, size);
    struct error err = ERROR_INIT;

    if (digest == NULL)
        digest = digest_new();
    whole.fault = part.fault = ERROR_INIT;
    check_received(sqs_parse_received(in.text, in.len, digest, &whole, &err), &whole, &err);
    err = ERROR_INIT;
    check_received(sqs_parse_received(in.text, choose_cut(in), digest, &part, &err), &part, &err);
    fuzz_holds(part.count <= whole.count);
    for (unsigned i = 0; i < part.count; i++)
        fuzz_holds(same_message(&part.messages[i], &whole.messages[i]));
    release(&whole);
    release(&part);
    return 0;
}
