#include "orderctl/batch.h"

#include "check_main.h"
#include "fake/client.h"
#include "fake/clock.h"
#include "fake/peer.h"
#include "fake/random.h"

#include <string.h>

static struct error err;
static struct batch batch;
static struct stop stop;
static struct peer *peer;
static struct fake_client fake;
static struct sqs sqs;

static void setup(void)
{
    static const uint64_t numbers[] = {0};

    batch = BATCH_INIT;
    fake_clock_start(0);
    fake_random_start(numbers, 1);
    ck_succeeds(stop_init(&stop, &err), err);
}

static void start(const struct peer_row *rows, size_t count)
{
    peer = peer_start(rows, count);
    fake_client_start(&fake, &service_sqs, peer_url(peer), "");
    sqs_init(&sqs, &fake.client, fake.group, "http://q/1/orders");
}

#define START(rows) start((rows), sizeof(rows) / sizeof((rows)[0]))

static void end(void)
{
    sqs_release(&sqs);
    fake_client_end(&fake);
    peer_end(peer);
}

static void teardown(void)
{
    batch_release(&batch);
    stop_release(&stop);
    fake_random_end();
    fake_clock_end();
}

static void add(const char *body, uint64_t number)
{
    ck_assert(batch_has_room(&batch, strlen(body)));
    batch_add(&batch, body, strlen(body), number);
}

START_TEST(takes_ten)
{
    for (uint64_t i = 0; i < SQS_BATCH_MAX; i++)
        add("x", i);
    ck_assert(!batch_has_room(&batch, 1));
    batch_reset(&batch);
    ck_assert(batch_has_room(&batch, 1));
}
END_TEST

START_TEST(takes_one_mebibyte)
{
    size_t half = SQS_BODY_MAX / 2;
    char *body = malloc(SQS_BODY_MAX);

    memset(body, 'x', SQS_BODY_MAX);
    ck_assert(batch_has_room(&batch, SQS_BODY_MAX));
    ck_assert(!batch_has_room(&batch, SQS_BODY_MAX + 1));
    batch_add(&batch, body, half, 1);
    ck_assert(batch_has_room(&batch, half));
    ck_assert(!batch_has_room(&batch, half + 1));
    batch_add(&batch, body, half, 2);
    ck_assert(!batch_has_room(&batch, 1));
    ck_assert(!batch.bodies.overflowed);
    free(body);
}
END_TEST

static const struct {
    const char *body;
    size_t len;
    const char *reason; /* NULL: it is carried */
} bodies[] = {
    {"{}", 2, NULL},
    {"any text\tat\r\nall, \x7F too", 23, NULL},
    {"\xEF\xBB\xBF", 3, NULL},     /* U+FEFF */
    {"\xEF\xBF\xBD", 3, NULL},     /* U+FFFD */
    {"\xF4\x8F\xBF\xBF", 4, NULL}, /* U+10FFFF */
    {"", 0, "empty"},
    {"a\0b", 3, "contains a control character, which SQS does not carry"},
    {"\x1B", 1, "contains a control character, which SQS does not carry"},
    {"a\xFF", 2, "not UTF-8, which SQS does not carry"},
    {"\xED\xA0\x80", 3, "not UTF-8, which SQS does not carry"},
    {"\xEF\xBF\xBE", 3, "contains U+FFFE or U+FFFF, which SQS does not carry"},
    {"a\xEF\xBF\xBF", 4, "contains U+FFFE or U+FFFF, which SQS does not carry"},
    {"", SQS_BODY_MAX + 1, "longer than 1 MiB"}, /* not read */
};

START_TEST(knows_what_sqs_carries)
{
    const char *reason = batch_refuses(bodies[_i].body, bodies[_i].len);

    ck_assert_pstr_eq(reason, bodies[_i].reason);
}
END_TEST

#define SENT(index, id) "{\"Id\":\"" index "\",\"MessageId\":\"" id "\"}"
#define FAILED(index, code, fault)                                                                 \
    "{\"Id\":\"" index "\",\"Code\":\"" code "\",\"SenderFault\":" fault "}"

START_TEST(sends_all_at_once)
{
    static const struct peer_row rows[] = {
        {{.operation = "SendMessageBatch",
          .body = "\"Entries\":[{\"Id\":\"0\",\"MessageBody\":\"{\\\"a\\\":\\\"\xC3\xBC\\\"}\"},"
                  "{\"Id\":\"1\",\"MessageBody\":\"two\"}]"},
         {.body = "{\"Successful\":[" SENT("1", "m-2") "," SENT("0", "m-1") "]}"}},
    };

    START(rows);
    add("{\"a\":\"\xC3\xBC\"}", 5);
    add("two", 6);
    ck_succeeds(batch_send(&batch, &sqs, &stop, &err), err);
    ck_assert_int_eq(batch.messages[0].result, SQS_ENTRY_DONE);
    ck_assert_str_eq(batch.messages[0].id, "m-1");
    ck_assert_str_eq(batch.messages[1].id, "m-2");
    ck_assert_uint_eq(batch.messages[1].number, 6);
    ck_assert_uint_eq(fake_clock_waits(), 0);
    end();
}
END_TEST

START_TEST(repeats_only_what_failed_for_the_services_sake)
{
    static const struct peer_row rows[] = {
        {{.body = "three"},
         {.body = "{\"Successful\":[" SENT("0", "m-1") "],\"Failed\":[" FAILED(
              "1", "InternalError", "false") "," FAILED("2", "InvalidParameterValue",
                                                        "true") "]}"}},
        {{.body = "\"Entries\":[{\"Id\":\"0\",\"MessageBody\":\"two\"}]"},
         {.body = "{\"Failed\":[" FAILED("0", "InternalError", "false") "]}"}},
        {{.body = "\"Entries\":[{\"Id\":\"0\",\"MessageBody\":\"two\"}]"},
         {.body = "{\"Successful\":[" SENT("0", "m-2") "]}"}},
    };

    START(rows);
    add("one", 1);
    add("two", 2);
    add("three", 3);
    ck_succeeds(batch_send(&batch, &sqs, &stop, &err), err);
    ck_assert_int_eq(batch.messages[0].result, SQS_ENTRY_DONE);
    ck_assert_int_eq(batch.messages[1].result, SQS_ENTRY_DONE);
    ck_assert_str_eq(batch.messages[1].id, "m-2");
    ck_assert_int_eq(batch.messages[2].result, SQS_ENTRY_REFUSED);
    ck_assert_str_eq(batch.messages[2].reason, "InvalidParameterValue");
    ck_assert_uint_eq(fake_clock_waits(), 2);
    ck_assert_int_eq(fake_clock_wait_ms(0), 50); /* half of the pause, and nothing by chance */
    ck_assert_int_eq(fake_clock_wait_ms(1), 100);
    end();
}
END_TEST

static void always_failing(const struct peer_request *request, struct peer_reply *reply, void *arg)
{
    (void)request;
    (void)arg;
    reply->body = "{\"Failed\":[" FAILED("0", "InternalError", "false") "]}";
}

START_TEST(gives_up_after_six_rounds)
{
    peer = peer_start_with(always_failing, NULL);
    fake_client_start(&fake, &service_sqs, peer_url(peer), "");
    sqs_init(&sqs, &fake.client, fake.group, "http://q/1/orders");
    add("one", 1);
    ck_succeeds(batch_send(&batch, &sqs, &stop, &err), err);
    ck_assert_int_eq(batch.messages[0].result, SQS_ENTRY_RETRY);
    ck_assert_str_eq(batch.messages[0].reason, "InternalError");
    ck_assert_uint_eq(peer_requests(peer), 6);
    end();
}
END_TEST

START_TEST(a_stop_ends_the_repeating)
{
    peer = peer_start_with(always_failing, NULL);
    fake_client_start(&fake, &service_sqs, peer_url(peer), "");
    sqs_init(&sqs, &fake.client, fake.group, "http://q/1/orders");
    add("one", 1);
    stop_raise(&stop);
    ck_succeeds(batch_send(&batch, &sqs, &stop, &err), err);
    ck_assert_int_eq(batch.messages[0].result, SQS_ENTRY_RETRY);
    ck_assert_uint_eq(peer_requests(peer), 1);
    end();
}
END_TEST

/* A service that refuses the whole call because of one message. */
START_TEST(finds_the_one_that_is_refused)
{
    static const struct peer_row rows[] = {
        {{.body = "\"two\""},
         {.status = 400,
          .body = "{\"__type\":\"InvalidParameterValueException\",\"message\":\"too long\"}"}},
        {{.body = "[{\"Id\":\"0\",\"MessageBody\":\"one\"}]"},
         {.body = "{\"Successful\":[" SENT("0", "m-1") "]}"}},
        {{.body = "[{\"Id\":\"0\",\"MessageBody\":\"two\"}]"},
         {.status = 400,
          .body = "{\"__type\":\"InvalidParameterValueException\",\"message\":\"too long\"}"}},
        {{.body = "[{\"Id\":\"0\",\"MessageBody\":\"three\"}]"},
         {.body = "{\"Successful\":[" SENT("0", "m-3") "]}"}},
    };

    START(rows);
    add("one", 1);
    add("two", 2);
    add("three", 3);
    ck_succeeds(batch_send(&batch, &sqs, &stop, &err), err);
    ck_assert_str_eq(batch.messages[0].id, "m-1");
    ck_assert_int_eq(batch.messages[1].result, SQS_ENTRY_REFUSED);
    ck_assert_str_eq(batch.messages[1].reason,
                     "too long (InvalidParameterValueException, status 400)");
    ck_assert_str_eq(batch.messages[2].id, "m-3");
    end();
}
END_TEST

START_TEST(a_fault_of_all_is_an_error)
{
    static const struct peer_row rows[] = {
        {{.operation = "SendMessageBatch"},
         {.status = 400, .body = "{\"__type\":\"QueueDoesNotExist\",\"message\":\"gone\"}"}},
    };

    START(rows);
    add("one", 1);
    add("two", 2);
    ck_fails(batch_send(&batch, &sqs, &stop, &err), err, ERROR_CONFIG);
    ck_assert_int_eq(batch.messages[0].result, SQS_ENTRY_RETRY);
    end();
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_test(tc, takes_ten);
    tcase_add_test(tc, takes_one_mebibyte);
    tcase_add_loop_test(tc, knows_what_sqs_carries, 0, COUNT(bodies));
    tcase_add_test(tc, sends_all_at_once);
    tcase_add_test(tc, repeats_only_what_failed_for_the_services_sake);
    tcase_add_test(tc, gives_up_after_six_rounds);
    tcase_add_test(tc, a_stop_ends_the_repeating);
    tcase_add_test(tc, finds_the_one_that_is_refused);
    tcase_add_test(tc, a_fault_of_all_is_an_error);
}

int main(void)
{
    return check_run("batch", add_tests, setup, teardown);
}
