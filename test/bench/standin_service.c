/*
 * DESIGN. Nothing is handed out twice and no lease ends: an order that is let go stays away, and
 * the run that waits for its delete says so.
 */
#include "standin_service.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "standin_orders.h"
#include "standin_piece.h"

#define BATCH_MAX 10 /* entries of a batch, messages of a receive */
#define WAIT_MAX 20  /* seconds of a long poll */
#define NS_PER_SECOND UINT64_C(1000000000)
#define REPORTS 10 /* lines told while the orders are deleted */

enum operation {
    RECEIVE,
    DELETE_BATCH,
    CHANGE_VISIBILITY_BATCH,
    GET_QUEUE_URL,
    GET_QUEUE_ATTRIBUTES,
    UPDATE_ITEM,
    GET_ITEM,
    DESCRIBE_TABLE,
    UNKNOWN,
    OPERATIONS
};

/* What has happened to an order. */
enum { RECORDED = 1, DELETED = 2 };

struct traffic {
    uint64_t calls;
    uint64_t bytes; /* of request bodies */
};

struct service {
    struct orders *orders;
    uint64_t count;      /* orders there are */
    uint64_t handed_out; /* the next one's number */
    uint64_t recorded;   /* different orders */
    uint64_t deleted;    /* different orders */
    uint64_t unrecorded; /* deleted before they were recorded */
    uint64_t first_ns;   /* the first message was handed out; 0: not yet */
    uint64_t last_ns;    /* the last delete call */
    uint64_t replies;    /* for request ids */
    unsigned plain_port;
    unsigned secure_port;
    unsigned char *state; /* of each order: RECORDED | DELETED */
    time_t date_at;       /* the second that date shows */
    char date[64];        /* a header line */
    struct traffic traffic[OPERATIONS];
};

struct action {
    const char *target;
    const char *label; /* in the report */
    bool table;        /* the table answers, with a checksum */
    unsigned (*answer)(struct service *service, const struct http_request *request,
                       struct reply *reply);
};

static unsigned answer_error(struct reply *reply, const char *type, const char *message)
{
    reply_add(reply, "{\"__type\":\"");
    reply_add(reply, type);
    reply_add(reply, "\",\"message\":\"");
    reply_add(reply, message);
    reply_add(reply, "\"}");
    return 400;
}

static struct piece body_of(const struct http_request *request)
{
    return (struct piece){request->body, request->body_len};
}

static unsigned answer_receive(struct service *service, const struct http_request *request,
                               struct reply *reply)
{
    uint64_t most = piece_number(body_of(request), "\"MaxNumberOfMessages\"", 1, BATCH_MAX);
    uint64_t left = service->count - service->handed_out;
    uint64_t messages = most < left ? most : left;
    if (messages == 0) {
        reply_add(reply, "{}");
        return 200;
    }
    reply_add(reply, "{\"Messages\":[");
    for (uint64_t i = 0; i < messages; i++) {
        if (i > 0)
            reply_add(reply, ",");
        orders_write(service->orders, service->handed_out++, reply);
    }
    reply_add(reply, "]}");
    return 200;
}

/* Answers a batch: every entry has succeeded. */
static unsigned answer_batch(struct service *service, const struct http_request *request,
                             struct reply *reply)
{
    (void)service;
    struct piece rest = body_of(request);
    unsigned entries = 0;
    reply_add(reply, "{\"Successful\":[");
    for (;;) {
        struct piece id = piece_string(piece_member(rest, "\"Id\""));
        if (id.text == NULL)
            break;
        reply_add(reply, entries++ > 0 ? ",{\"Id\":\"" : "{\"Id\":\"");
        memcpy(reply_extend(reply, id.len), id.text, id.len);
        reply_add(reply, "\"}");
        rest = piece_behind(rest, id);
    }
    reply_add(reply, "],\"Failed\":[]}");
    if (entries > 0 && entries <= BATCH_MAX)
        return 200;
    reply_clear(reply);
    return answer_error(reply, "com.amazonaws.sqs#TooManyEntriesInBatchRequest",
                        "A batch has 1 to 10 entries.");
}

static void take_delete(struct service *service, struct piece handle)
{
    uint64_t n = 0;
    if (!orders_number_of_handle(handle.text, handle.len, &n) || n >= service->handed_out)
        return;
    if ((service->state[n] & DELETED) != 0)
        return;
    if ((service->state[n] & RECORDED) == 0)
        service->unrecorded++;
    service->state[n] |= DELETED;
    service->deleted++;
    uint64_t step = service->count / REPORTS;
    if (service->deleted == service->count || (step > 0 && service->deleted % step == 0)) {
        printf("deleted %" PRIu64 " of %" PRIu64 "\n", service->deleted, service->count);
        fflush(stdout);
    }
}

static unsigned answer_delete(struct service *service, const struct http_request *request,
                              struct reply *reply)
{
    struct piece rest = body_of(request);
    for (;;) {
        struct piece handle = piece_string(piece_member(rest, "\"ReceiptHandle\""));
        if (handle.text == NULL)
            break;
        take_delete(service, handle);
        rest = piece_behind(rest, handle);
    }
    return answer_batch(service, request, reply);
}

static unsigned answer_queue_url(struct service *service, const struct http_request *request,
                                 struct reply *reply)
{
    struct piece name = piece_string(piece_member(body_of(request), "\"QueueName\""));
    if (name.text == NULL || name.len > 80)
        return answer_error(reply, "com.amazonaws.sqs#MissingRequiredParameterException",
                            "QueueName is missing.");
    char url[160];
    int len =
        snprintf(url, sizeof url, "{\"QueueUrl\":\"http%s://127.0.0.1:%u/000000000000/%.*s\"}",
                 request->secure ? "s" : "",
                 request->secure ? service->secure_port : service->plain_port, (int)name.len,
                 name.text);
    if (len < 0 || (size_t)len >= sizeof url)
        abort();
    reply_add(reply, url);
    return 200;
}

static unsigned answer_queue_attributes(struct service *service, const struct http_request *request,
                                        struct reply *reply)
{
    (void)service;
    struct piece url = piece_string(piece_member(body_of(request), "\"QueueUrl\""));
    bool dead_letters = url.len > 4 && memcmp(url.text + url.len - 4, "-dlq", 4) == 0;
    reply_add(
        reply,
        "{\"Attributes\":{\"VisibilityTimeout\":\"60\",\"ReceiveMessageWaitTimeSeconds\":\"20\",");
    if (dead_letters)
        reply_add(reply, "\"QueueArn\":\"arn:aws:sqs:us-east-1:000000000000:order-processing-dlq\","
                         "\"MessageRetentionPeriod\":\"1209600\"}}");
    else
        reply_add(reply,
                  "\"QueueArn\":\"arn:aws:sqs:us-east-1:000000000000:order-processing-queue\","
                  "\"MessageRetentionPeriod\":\"345600\",\"RedrivePolicy\":\"{"
                  "\\\"deadLetterTargetArn\\\":"
                  "\\\"arn:aws:sqs:us-east-1:000000000000:order-processing-dlq\\\","
                  "\\\"maxReceiveCount\\\":3}\"}}");
    return 200;
}

static unsigned answer_update(struct service *service, const struct http_request *request,
                              struct reply *reply)
{
    struct piece key = piece_member(body_of(request), "\"Key\"");
    struct piece id = piece_string(piece_member(piece_member(key, "\"order_id\""), "\"S\""));
    if (id.text == NULL)
        return answer_error(reply, "com.amazon.coral.validate#ValidationException",
                            "The key is missing.");
    if (id.len == 13 && memcmp(id.text, "message#probe", id.len) == 0)
        return answer_error(reply,
                            "com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException",
                            "The conditional request failed");
    uint64_t n = 0;
    if (orders_number_of_id(id.text, id.len, &n) && n < service->handed_out &&
        (service->state[n] & RECORDED) == 0) {
        service->state[n] |= RECORDED;
        service->recorded++;
    }
    reply_add(reply, "{}");
    return 200;
}

static unsigned answer_get_item(struct service *service, const struct http_request *request,
                                struct reply *reply)
{
    (void)service;
    (void)request;
    reply_add(reply, "{}");
    return 200;
}

static unsigned answer_table(struct service *service, const struct http_request *request,
                             struct reply *reply)
{
    (void)service;
    (void)request;
    reply_add(reply,
              "{\"Table\":{\"TableName\":\"order-processing-status\",\"TableStatus\":\"ACTIVE\","
              "\"KeySchema\":[{\"AttributeName\":\"order_id\",\"KeyType\":\"HASH\"}],"
              "\"AttributeDefinitions\":[{\"AttributeName\":\"order_id\",\"AttributeType\":\"S\"}],"
              "\"BillingModeSummary\":{\"BillingMode\":\"PAY_PER_REQUEST\"}}}");
    return 200;
}

static unsigned answer_unknown(struct service *service, const struct http_request *request,
                               struct reply *reply)
{
    (void)service;
    (void)request;
    return answer_error(reply, "com.amazon.coral.service#UnknownOperationException",
                        "Not an operation of this peer.");
}

static const struct action actions[OPERATIONS] = {
    [RECEIVE] = {"AmazonSQS.ReceiveMessage", "ReceiveMessage", false, answer_receive},
    [DELETE_BATCH] = {"AmazonSQS.DeleteMessageBatch", "DeleteMessageBatch", false, answer_delete},
    [CHANGE_VISIBILITY_BATCH] = {"AmazonSQS.ChangeMessageVisibilityBatch",
                                 "ChangeMessageVisibilityBatch", false, answer_batch},
    [GET_QUEUE_URL] = {"AmazonSQS.GetQueueUrl", "GetQueueUrl", false, answer_queue_url},
    [GET_QUEUE_ATTRIBUTES] = {"AmazonSQS.GetQueueAttributes", "GetQueueAttributes", false,
                              answer_queue_attributes},
    [UPDATE_ITEM] = {"DynamoDB_20120810.UpdateItem", "UpdateItem", true, answer_update},
    [GET_ITEM] = {"DynamoDB_20120810.GetItem", "GetItem", true, answer_get_item},
    [DESCRIBE_TABLE] = {"DynamoDB_20120810.DescribeTable", "DescribeTable", true, answer_table},
    [UNKNOWN] = {"", "Unknown", false, answer_unknown},
};

static enum operation find_operation(const struct http_request *request)
{
    for (enum operation i = 0; i < UNKNOWN; i++)
        if (strlen(actions[i].target) == request->target_len &&
            memcmp(actions[i].target, request->target, request->target_len) == 0)
            return i;
    return UNKNOWN;
}

/* CRC-32 bit by bit: what the table answers is short. */
static uint32_t checksum(const char *data, size_t len)
{
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < len; i++) {
        crc ^= (unsigned char)data[i];
        for (unsigned bit = 0; bit < 8; bit++)
            crc = (crc & 1u) != 0 ? crc >> 1 ^ 0xEDB88320u : crc >> 1;
    }
    return ~crc;
}

static const char *date_line(struct service *service)
{
    time_t now = time(NULL);
    if (now != service->date_at) {
        struct tm utc;
        service->date_at = now;
        if (gmtime_r(&now, &utc) == NULL ||
            strftime(service->date, sizeof service->date, "Date: %a, %d %b %Y %H:%M:%S GMT\r\n",
                     &utc) == 0)
            abort();
    }
    return service->date;
}

struct service *service_new(uint64_t count, size_t body_min, size_t body_max)
{
    struct service *service = calloc(1, sizeof *service);
    unsigned char *state = calloc(count, 1);
    if (service == NULL || state == NULL)
        abort();
    service->state = state;
    service->count = count;
    service->orders = orders_new(body_min, body_max);
    return service;
}

void service_free(struct service *service)
{
    orders_free(service->orders);
    free(service->state);
    free(service);
}

void service_set_ports(struct service *service, unsigned plain, unsigned secure)
{
    service->plain_port = plain;
    service->secure_port = secure;
}

uint64_t service_wait_ns(const struct service *service, const struct http_request *request)
{
    if (service->handed_out < service->count || find_operation(request) != RECEIVE)
        return 0;
    return piece_number(body_of(request), "\"WaitTimeSeconds\"", 0, WAIT_MAX) * NS_PER_SECOND;
}

void service_reply(struct service *service, const struct http_request *request, uint64_t now_ns,
                   struct reply *reply)
{
    enum operation operation = find_operation(request);
    service->traffic[operation].calls++;
    service->traffic[operation].bytes += request->body_len;
    reply_clear(reply);
    unsigned status = actions[operation].answer(service, request, reply);
    if (operation == DELETE_BATCH)
        service->last_ns = now_ns;
    if (operation == RECEIVE && service->first_ns == 0 && service->handed_out > 0)
        service->first_ns = now_ns;

    char extra[256];
    char crc[40] = "";
    if (actions[operation].table)
        snprintf(crc, sizeof crc, "x-amz-crc32: %" PRIu32 "\r\n",
                 checksum(reply->data + reply->start, reply->end - reply->start));
    snprintf(extra, sizeof extra,
             "x-amzn-RequestId: 00000000-0000-4000-8000-%012" PRIx64 "\r\n%s%s", ++service->replies,
             date_line(service), crc);
    reply_finish(reply, status, request->close, extra);
}

void service_report(const struct service *service, FILE *out)
{
    uint64_t calls = 0;
    fputs("{\"operations\":{", out);
    for (enum operation i = 0; i < OPERATIONS; i++) {
        const struct traffic *traffic = &service->traffic[i];
        fprintf(out, "%s\"%s\":{\"calls\":%" PRIu64 ",\"body_bytes\":%" PRIu64 "}",
                i > 0 ? "," : "", actions[i].label, traffic->calls, traffic->bytes);
        calls += traffic->calls;
    }
    bool ended = service->first_ns != 0 && service->last_ns > service->first_ns;
    fprintf(out,
            "},\"calls\":%" PRIu64 ",\"orders\":%" PRIu64 ",\"handed_out\":%" PRIu64
            ",\"recorded\":%" PRIu64 ",\"deleted\":%" PRIu64 ",\"deleted_unrecorded\":%" PRIu64
            ",\"seconds\":%.6f}\n",
            calls, service->count, service->handed_out, service->recorded, service->deleted,
            service->unrecorded,
            ended ? (double)(service->last_ns - service->first_ns) / (double)NS_PER_SECOND : 0.0);
    fflush(out);
}
