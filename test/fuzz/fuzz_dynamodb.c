/*
 * Target: the replies to the calls of the DynamoDB client and what a recorder makes of them
 * (aws/dynamodb, order/record): stored items that stand in the way, failed conditions without a
 * reason, refusals. The first byte is the call; then come replies as of fuzz/canned.h.
 */
#include "fuzz/canned.h"

#include "order/decode.h"
#include "order/item.h"
#include "order/record.h"
#include "order/validate.h"

/* two items, whole or without what is refused, three tries each, an update and a read a try */
enum { CALLS_MAX = 2 * 3 * 3 * 2 };

static struct dynamodb dynamodb;
static struct recorder recorder;
static struct order order;
static struct confirmation confirmation = {.number = "CNF-0123456789AB", .processor = "orderd"};
static const struct receipt receipt = {.message_id = "m-1", .receive_count = 3};
static const struct dynamodb_limits limits = {.deadline_ns = INT64_MAX, .attempt_ns = 1};

static void prepare(void)
{
    static const char body[] = "{\"order_id\":\"o-1\",\"customer_id\":\"c\",\"amount\":1.5,"
                               "\"items\":[\"a\",{\"n\":1}]}";
    static struct client client;
    static struct digest *digest;
    struct error err = ERROR_INIT;

    if (digest != NULL)
        return;
    digest = digest_new();
    order = ORDER_INIT;
    fuzz_holds(order_decode(&order, body, strlen(body), &err));
    fuzz_holds(order_validate(&order, digest, &err));
    dynamodb_init(&dynamodb, &client, NULL);
    recorder_init(&recorder, &dynamodb, digest, "orders", "");
}

static void check_answer(bool ok, const struct record_answer *a, const struct error *err)
{
    if (!ok) {
        fuzz_holds(err->kind != ERROR_NONE && err->code[0] != '\0' && err->text[0] != '\0');
        return;
    }
    fuzz_holds(strlen(a->confirmation_number) < sizeof(a->confirmation_number));
    fuzz_holds(a->result != RECORD_OWN || strcmp(a->confirmation_number, confirmation.number) == 0);
    fuzz_holds(a->result == RECORD_WRITTEN || canned_requests() >= 1);
}

static void record_good(void)
{
    struct record_answer answer = {.confirmation_number = ""};
    struct error err = ERROR_INIT;

    check_answer(record_processed(&recorder, &order, &receipt, &confirmation, &limits, &answer,
                                  &err),
                 &answer, &err);
}

static void record_bad(bool permanent)
{
    struct failure failure = {.code = "PROCESSING_FAILED", .message = "x", .permanent = permanent};
    struct record_answer answer = {.confirmation_number = ""};
    struct error err = ERROR_INIT;
    bool ok =
        record_failed(&recorder, &order, &receipt, &confirmation, &failure, &limits, &answer, &err);

    check_answer(ok, &answer, &err);
    fuzz_holds(!ok || answer.result != RECORD_CONFLICT); /* then it is under the message's key */
}

static void record_for_now(void)
{
    record_bad(false);
}

static void record_for_good(void)
{
    record_bad(true);
}

static void probe(void)
{
    struct error err = ERROR_INIT;

    if (!record_probe(&recorder, &limits, &err))
        fuzz_holds(err.kind != ERROR_NONE && err.code[0] != '\0' && err.text[0] != '\0');
}

static void get(void)
{
    struct error err = ERROR_INIT;
    json_t *item = NULL;

    if (!dynamodb_get(&dynamodb, "orders", "order_id", "o-1", &limits, &item, &err))
        return;
    (void)item_text(item, "status");
    (void)item_number(item, "amount");
    json_decref(item);
}

static void describe(void)
{
    static json_t *request;
    struct error err = ERROR_INIT;
    json_t *reply = NULL;

    if (request == NULL)
        request = json_object();
    if (dynamodb_call(&dynamodb, "DescribeTable", request, &limits, &reply, &err))
        fuzz_holds(json_is_object(reply));
    json_decref(reply);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static void (*const calls[])(void) = {
        record_good, record_for_now, record_for_good, probe, get, describe,
    };
    struct input in = input_of(data, size);
    unsigned call = input_choice(&in, sizeof(calls) / sizeof(calls[0]));

    prepare();
    canned_set(in);
    calls[call]();
    fuzz_holds(canned_requests() <= CALLS_MAX);
    return 0;
}
