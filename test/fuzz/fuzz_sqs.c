/*
 * Target: the replies to the calls of the SQS client (aws/sqs): attributes with the redrive policy,
 * queue URLs, batches, sends, and receives whose connection broke. The first byte is the call; then
 * come replies as of fuzz/canned.h.
 */
#include "fuzz/canned.h"

#include "aws/sqs.h"

enum { ENTRIES = 3 };

static struct sqs sqs;

static void check_error(bool ok, const struct error *err)
{
    fuzz_holds(ok == (err->kind == ERROR_NONE));
    fuzz_holds(ok || (err->code[0] != '\0' && err->text[0] != '\0'));
}

static void read_attributes(void)
{
    struct sqs_attributes a;
    struct error err = ERROR_INIT;
    bool ok = sqs_attributes(&sqs, NULL, &a, &err);

    check_error(ok, &err);
    if (!ok)
        return;
    fuzz_holds(strlen(a.arn) < sizeof(a.arn));
    fuzz_holds(strlen(a.dead_letter_arn) < sizeof(a.dead_letter_arn));
}

static void read_queue_url(void)
{
    char url[SQS_URL_MAX];
    struct error err = ERROR_INIT;
    bool ok = sqs_queue_url(&sqs, "orders", NULL, url, &err);

    check_error(ok, &err);
    fuzz_holds(!ok || strlen(url) < sizeof(url));
}

static void create_queue(void)
{
    static json_t *attributes;
    char url[SQS_URL_MAX];
    struct error err = ERROR_INIT;

    if (attributes == NULL)
        attributes = json_object();
    check_error(sqs_create_queue(&sqs, "orders", attributes, url, &err), &err);
}

static void send_one(void)
{
    char id[SQS_ID_MAX];
    struct error err = ERROR_INIT;
    bool ok = sqs_send(&sqs, "{}", 2, id, &err);

    check_error(ok, &err);
    fuzz_holds(!ok || strlen(id) < sizeof(id));
}

static void send_batch(void)
{
    struct sqs_outgoing messages[ENTRIES] = {{.body = "a", .len = 1},
                                             {.body = "b", .len = 1},
                                             {.body = "c", .len = 1}};
    struct error err = ERROR_INIT;
    bool ok = sqs_send_batch(&sqs, messages, ENTRIES, &err);

    check_error(ok, &err);
    for (int i = 0; ok && i < ENTRIES; i++) {
        fuzz_holds(strlen(messages[i].id) < SQS_ID_MAX);
        fuzz_holds((messages[i].result == SQS_ENTRY_DONE) == (messages[i].code[0] == '\0') ||
                   messages[i].result != SQS_ENTRY_DONE);
    }
}

static void perform_batch(void)
{
    struct sqs_entry entries[ENTRIES] = {{.receipt_handle = "a"},
                                         {.receipt_handle = "b"},
                                         {.receipt_handle = "c"}};
    struct error err = ERROR_INIT;

    check_error(sqs_batch_perform(&sqs, SQS_CHANGE_VISIBILITY, entries, ENTRIES, &err), &err);
}

static void finish_batch(void)
{
    struct sqs_entry entries[ENTRIES] = {{.receipt_handle = "a"},
                                         {.receipt_handle = "b"},
                                         {.receipt_handle = "c"}};
    struct error err = ERROR_INIT;

    check_error(sqs_batch_start(&sqs, SQS_DELETE, entries, ENTRIES, 1, NULL, &err) &&
                    sqs_batch_finish(&sqs, entries, ENTRIES, &err),
                &err);
}

static void receive(void)
{
    static struct sqs_received received;
    const struct sqs_receive r = {.max_messages = 10};
    struct error err = ERROR_INIT;
    bool ok = sqs_receive(&sqs, &r, &received, &err);

    fuzz_holds(ok || (err.kind != ERROR_NONE && received.count == 0));
    for (unsigned i = 0; i < received.count; i++)
        sqs_message_release(&received.messages[i]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const calls[])(void) = {
        read_attributes, read_queue_url, create_queue, send_one,
        send_batch,      perform_batch,  finish_batch, receive,
    };
    static struct client client;
    struct input in = input_of(data, size);
    unsigned call = input_choice(&in, sizeof(calls) / sizeof(calls[0]));

    if (sqs.caller.client == NULL)
        sqs_init(&sqs, &client, NULL, "http://127.0.0.1/queue");
    canned_set(in);
    calls[call]();
    return 0;
}
