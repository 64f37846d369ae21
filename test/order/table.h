/*
 * table: a recorder whose table is a peer with a script, and the words of that script. For the
 * tests of src/order/record.c, each of which has one struct table, named t, for its one attempt to
 * record the order ORD-1. One thread.
 */
#ifndef TEST_ORDER_TABLE_H
#define TEST_ORDER_TABLE_H

#include "check_main.h"
#include "fake/client.h"
#include "fake/peer.h"
#include "order/given.h"
#include "order/item.h"
#include "order/record.h"

#define TABLE "order-processing-status"
#define NUMBER "CNF-0123456789AB" /* of this attempt */
#define OTHER "CNF-ZZZZZZZZZZZZ"
#define MESSAGE "5fea7756-0ea4-451a-a703-a558b933e274"
#define BODY "{\"order_id\":\"ORD-1\",\"customer_id\":\"c\",\"amount\":100,\"items\":[\"i\"]}"
#define FINGERPRINT "1:2772ab95f6eab73ec3669ace8be47f5cf8a31810f6520fb31fda07040e0a23cc"

/* Replies of DynamoDB. */
#define FAULT(type, text) "{\"__type\":\"com.amazonaws.dynamodb.v20120810#" type "\"," text "}"
#define CONDITION(rest)                                                                            \
    FAULT("ConditionalCheckFailedException", "\"message\":\"The conditional request "              \
                                             "failed\"" rest)
#define INVALID(text) FAULT("ValidationException", "\"message\":\"" text "\"")
#define ITEM(attributes)                                                                           \
    "{\"order_id\":{\"S\":\"ORD-1\"},\"status\":{\"S\":\"PROCESSED\"}" attributes "}"
#define WITH_NUMBER(number) ",\"confirmation_number\":{\"S\":\"" number "\"}"
#define WITH_FINGERPRINT(text) ",\"fingerprint\":{\"S\":\"" text "\"}"
#define WITH_ORDER(amount)                                                                         \
    ",\"customer_id\":{\"S\":\"c\"},\"amount\":{\"N\":\"" amount                                   \
    "\"},\"items\":{\"L\":[{\"S\":\"i\"}]}"
#define FAILED_ITEM "{\"order_id\":{\"S\":\"ORD-1\"},\"status\":{\"S\":\"FAILED\"}}"

/* Items that may stand in the way of this order. */
#define OWN ITEM(WITH_NUMBER(NUMBER) WITH_FINGERPRINT(FINGERPRINT))
#define SAME ITEM(WITH_NUMBER(OTHER) WITH_FINGERPRINT(FINGERPRINT))
#define ANOTHER ITEM(WITH_NUMBER(OTHER) WITH_FINGERPRINT("1:00"))

struct table {
    struct fake_client client;
    struct dynamodb dynamodb;
    struct recorder recorder;
    struct peer *peer;
    struct digest *digest;
    struct order order;
    struct confirmation confirmation;
    struct receipt receipt;
    struct record_answer answer;
    struct error err;
};

/* Prepares the order and what it came in. */
static inline void table_setup(struct table *t)
{
    *t = (struct table){
        .digest = digest_new(),
        .order = ORDER_INIT,
        .confirmation = {.number = NUMBER, .processor = "orderd"},
        .receipt = {.message_id = MESSAGE, .receive_count = 1},
    };
    given_order(&t->order, t->digest, BODY);
}

/* Starts the peer and the recorder that writes to it. */
static inline void table_begin(struct table *t, const struct peer_row *rows, size_t count)
{
    t->peer = peer_start(rows, count);
    fake_client_start(&t->client, &service_dynamodb, peer_url(t->peer), "");
    dynamodb_init(&t->dynamodb, &t->client.client, t->client.group);
    recorder_init(&t->recorder, &t->dynamodb, t->digest, TABLE, "dev");
}

static inline void table_teardown(struct table *t)
{
    recorder_release(&t->recorder);
    dynamodb_release(&t->dynamodb);
    fake_client_end(&t->client);
    peer_end(t->peer);
    order_release(&t->order);
    digest_free(t->digest);
}

#define BEGIN(...)                                                                                 \
    do {                                                                                           \
        static const struct peer_row rows_[] = {__VA_ARGS__};                                      \
        table_begin(&t, rows_, sizeof(rows_) / sizeof(rows_[0]));                                  \
    } while (0)

/* Rows of a conversation. */
#define UPDATE_ORDER                                                                               \
    {                                                                                              \
        .operation = "UpdateItem", .body = "\"Key\":{\"order_id\":{\"S\":\"ORD-1\"}}"              \
    }
#define UPDATE_MESSAGE                                                                             \
    {                                                                                              \
        .operation = "UpdateItem",                                                                 \
        .body = "\"Key\":{\"order_id\":{\"S\":\"message#" MESSAGE "\"}}"                           \
    }
#define GET_ORDER                                                                                  \
    {                                                                                              \
        .operation = "GetItem", .body = "\"ORD-1\""                                                \
    }
#define WRITES                                                                                     \
    {                                                                                              \
        .body = "{}"                                                                               \
    }
#define REFUSES(reply)                                                                             \
    {                                                                                              \
        .status = 400, .body = (reply)                                                             \
    }
#define MEETS(item) REFUSES(CONDITION(",\"Item\":" item))
#define FINDS(item)                                                                                \
    {                                                                                              \
        .body = "{\"Item\":" item "}"                                                              \
    }

static inline bool table_processed(struct table *t)
{
    struct dynamodb_limits limits = dynamodb_usual_limits(NULL);

    return record_processed(&t->recorder, &t->order, &t->receipt, &t->confirmation, &limits,
                            &t->answer, &t->err);
}

static inline bool table_failed(struct table *t, const char *code, bool permanent)
{
    const struct failure failure = {code, "a reason", permanent};
    struct dynamodb_limits limits = dynamodb_usual_limits(NULL);

    return record_failed(&t->recorder, &t->order, &t->receipt, &t->confirmation, &failure, &limits,
                         &t->answer, &t->err);
}

/* Returns the attributes that a request sets, by their names; owned. */
static inline json_t *table_attributes(struct table *t, size_t index)
{
    const struct peer_request *r = peer_request(t->peer, index);
    json_t *body = json_loadb(r->body, r->body_len, 0, NULL);
    json_t *names = json_object_get(body, "ExpressionAttributeNames");
    json_t *values = json_object_get(body, "ExpressionAttributeValues");
    json_t *set = json_object();
    const char *alias;
    json_t *name;

    json_object_foreach (names, alias, name) {
        char value[] = {':', alias[1], '\0'};

        if (json_object_get(values, value) != NULL)
            json_object_set(set, json_string_value(name), json_object_get(values, value));
    }
    json_decref(body);
    return set;
}

/* Puts a text into the order's items, so that its PROCESSED item has SIZE bytes as DynamoDB counts;
 * the text is made of PIECE. BODY is where the order is kept. */
static inline void table_given_size(struct table *t, size_t size, const char *piece,
                                    struct buf *body)
{
    struct buf request = BUF_INIT(RECORD_REQUEST_MAX);
    const struct item item = {.table = TABLE,
                              .key = "ORD-1",
                              .processed = true,
                              .order = &t->order,
                              .confirmation = &t->confirmation,
                              .attempts = 1,
                              .message_id = MESSAGE,
                              .environment = "dev",
                              .conflicts_with = ""};
    size_t more = size - (item_put_update(&item, &request) - strlen("i"));

    (void)buf_puts(body,
                   "{\"order_id\":\"ORD-1\",\"customer_id\":\"c\",\"amount\":100,\"items\":[\"");
    given_repeat(body, piece, more / strlen(piece));
    given_repeat(body, "x", more % strlen(piece));
    (void)buf_puts(body, "\"]}");
    given_order(&t->order, t->digest, buf_text(body));
    buf_release(&request);
}

#endif
