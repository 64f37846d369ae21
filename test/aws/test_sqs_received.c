#include "aws/sqs.h"

#include "base/mem.h"
#include "check_main.h"

#include <stdio.h>
#include <string.h>

static struct sqs_received received;
static struct error err;
static struct digest *digest;

static void setup(void)
{
    digest = digest_new();
}

static void release(void)
{
    for (unsigned i = 0; i < received.count; i++)
        sqs_message_release(&received.messages[i]);
    received.count = 0;
}

static void teardown(void)
{
    release();
    digest_free(digest);
}

static bool parse(const char *text, size_t len)
{
    /* on the heap and without a NUL, so that a sanitizer sees a step beyond the end */
    CLEANUP(mem_freep) char *copy = xmalloc(len);

    release();
    memset(&received, 0, sizeof(received));
    memcpy(copy, text, len);
    return sqs_parse_received(copy, len, digest, &received, &err);
}

START_TEST(reads_what_a_message_bears)
{
    static const char text[] =
        "{\"Messages\":[{\"MessageId\":\"m\",\"ReceiptHandle\":\"h\",\"Body\":\"\","
        "\"Attributes\":{\"ApproximateFirstReceiveTimestamp\":\"1795352709124\","
        "\"AWSTraceHeader\":\"Root=1\",\"MessageGroupId\":\"g\",\"MessageGroupId\":\"g2\","
        "\"DeadLetterQueueSourceArn\":\"arn:q\",\"SenderId\":7},\"MessageAttributes\":[1]},"
        "{\"MessageId\":\"m\",\"ReceiptHandle\":\"h\",\"Body\":\"\",\"MessageAttributes\":{}}]}";
    const struct sqs_extras *e;

    ck_succeeds(parse(text, strlen(text)), err);
    ck_assert_uint_eq(received.count, 2);
    e = received.messages[0].extras;
    ck_assert_int_eq(e->first_received_ms, 1795352709124);
    ck_assert_str_eq(e->trace_header, "Root=1");
    ck_assert_str_eq(e->group_id, "g2");
    ck_assert_str_eq(e->source_arn, "arn:q");
    ck_assert_ptr_null(e->sender);
    ck_assert_ptr_null(e->attributes);
    ck_assert_ptr_null(received.messages[1].extras);
}
END_TEST

START_TEST(reads_everything_about_a_message)
{
    static const char text[] =
        "{\"Messages\":[{\"MessageId\":\"m-1\",\"ReceiptHandle\":\"AQEB+/"
        "=\",\"Body\":\"{\\\"a\\\":1}\","
        "\"MD5OfBody\":\"x\",\"Attributes\":{\"ApproximateReceiveCount\":\"3\",\"SenderId\":\"A\","
        "\"SentTimestamp\":\"1795352709123\"},\"MessageAttributes\":{\"n\":{\"DataType\":"
        "\"String\","
        "\"StringValue\":\"v\",\"BinaryListValues\":[]}}}]}";

    ck_succeeds(parse(text, strlen(text)), err);
    ck_assert(received.whole);
    ck_assert_uint_eq(received.count, 1);
    ck_assert_uint_eq(received.unreadable, 0);
    ck_assert_str_eq(received.messages[0].id, "m-1");
    ck_assert_str_eq(received.messages[0].receipt_handle, "AQEB+/=");
    ck_assert_str_eq(received.messages[0].body, "{\"a\":1}");
    ck_assert_uint_eq(received.messages[0].body_len, 7);
    ck_assert_int_eq(received.messages[0].receive_count, 3);
    ck_assert_str_eq(received.messages[0].extras->sender, "A");
    ck_assert_ptr_null(received.messages[0].extras->group_id);
    ck_assert_str_eq(received.messages[0].extras->attributes,
                     "{\"n\":{\"DataType\":\"String\",\"StringValue\":\"v\","
                     "\"BinaryListValues\":[]}}");
    ck_assert_int_eq(received.messages[0].sent_ms, 1795352709123);
}
END_TEST

/* Replies that are read to their end, and what is in them. */
static const struct {
    const char *text;
    unsigned count, unreadable;
} whole_replies[] = {
    {"{}", 0, 0},
    {" { } ", 0, 0},
    {"{\"Messages\":[]}", 0, 0},
    {"{\"Messages\":null}", 0, 0},
    {"{\"ResponseMetadata\":{\"x\":[1,{}]},\"Messages\":[],\"More\":1.5}", 0, 0},
    {"{\"Mess\\u0061ges\":[{\"MessageId\":\"1\",\"ReceiptHandle\":\"r\",\"Body\":\"\"}]}", 1, 0},
    {"{\"messages\":[{\"MessageId\":\"1\",\"ReceiptHandle\":\"r\",\"Body\":\"\"}]}", 0, 0},
    {"{\"Messages\":[{\"MessageId\":\"1\",\"ReceiptHandle\":\"r\",\"Body\":\"\"}],"
     "\"Messages\":[{\"MessageId\":\"2\",\"ReceiptHandle\":\"r\",\"Body\":\"\"}]}",
     2, 0},
    {"{\"Messages\":[{}]}", 0, 1},
    {"{\"Messages\":[null,1,\"x\",true,[],[[{}]]]}", 0, 6},
};

START_TEST(reads_reply)
{
    ck_succeeds(parse(whole_replies[_i].text, strlen(whole_replies[_i].text)), err);
    ck_assert(received.whole);
    ck_assert_uint_eq(received.count, whole_replies[_i].count);
    ck_assert_uint_eq(received.unreadable, whole_replies[_i].unreadable);
}
END_TEST

static const char *const unreadable_replies[] = {
    "",
    " ",
    "null",
    "[]",
    "\"x\"",
    "{",
    "{\"Messages\"",
    "{\"Messages\":",
    "{\"Messages\":[",
    "{\"Messages\":{}}",
    "{\"Messages\":\"x\"}",
    "{\"Messages\":5}",
    "{}{}",
    "{} x",
    "<html><body>502</body></html>",
    "\x1F\x8B\x08",
};

START_TEST(refuses_reply)
{
    ck_fails(parse(unreadable_replies[_i], strlen(unreadable_replies[_i])), err, ERROR_MALFORMED);
    ck_assert_msg(err.maybe_sent, "its messages are hidden now");
    ck_assert_uint_eq(received.count, 0);
}
END_TEST

/* What may be wrong with one message; the others are not concerned. */
static const struct {
    const char *message, *problem; /* NULL: usable all the same */
} odd_messages[] = {
    {"{\"ReceiptHandle\":\"r\",\"Body\":\"b\"}", "a received message has no usable MessageId"},
    {"{\"MessageId\":\"\",\"ReceiptHandle\":\"r\",\"Body\":\"b\"}",
     "a received message has no usable MessageId"},
    {"{\"MessageId\":7,\"ReceiptHandle\":\"r\",\"Body\":\"b\"}",
     "a received message has no usable MessageId"},
    {"{\"MessageId\":\"a\\u0000b\",\"ReceiptHandle\":\"r\",\"Body\":\"b\"}",
     "a received message has no usable MessageId"},
    {"{\"MessageId\":\"x\",\"Body\":\"b\"}", "a received message x has no usable ReceiptHandle"},
    {"{\"MessageId\":\"x\",\"ReceiptHandle\":\"\",\"Body\":\"b\"}",
     "a received message x has no usable ReceiptHandle"},
    {"{\"MessageId\":\"x\",\"ReceiptHandle\":[\"r\"],\"Body\":\"b\"}",
     "a received message x has no usable ReceiptHandle"},
    {"{\"MessageId\":\"x\",\"ReceiptHandle\":\"r\"}", "a received message x has no usable Body"},
    {"{\"MessageId\":\"x\",\"ReceiptHandle\":\"r\",\"Body\":null}",
     "a received message x has no usable Body"},
    {"{\"MessageId\":\"x\",\"ReceiptHandle\":\"r\",\"Body\":{\"a\":[1]}}",
     "a received message x has no usable Body"},
    {"\"not an object\"", "a received message has no usable MessageId"},
    /* odd, and of no consequence */
    {"{\"MessageId\":\"x\",\"ReceiptHandle\":\"r\",\"Body\":\"\"}", NULL},
    {"{\"MessageId\":\"x\",\"ReceiptHandle\":\"r\",\"Body\":\"a\\u0000b\"}", NULL},
    {"{\"MessageId\":\"x\",\"ReceiptHandle\":\"r\",\"Body\":\"\\ud800\"}", NULL},
    {"{\"MessageId\":\"x\",\"ReceiptHandle\":\"r\",\"Body\":\"\xFF\"}", NULL},
    {"{\"MessageId\":\"x\",\"ReceiptHandle\":\"r\",\"Body\":\"b\",\"Attributes\":null}", NULL},
    {"{\"MessageId\":\"x\",\"ReceiptHandle\":\"r\",\"Body\":\"b\",\"Attributes\":[{\"a\":1}]}",
     NULL},
    {"{\"MessageId\":\"x\",\"ReceiptHandle\":\"r\",\"Body\":\"b\",\"New\":[{\"a\":[NaN]}]}", NULL},
    {"{\"MessageId\":\"x\",\"ReceiptHandle\":\"r1\",\"ReceiptHandle\":\"r\",\"Body\":\"1\","
     "\"Body\":\"2\"}",
     NULL},
};

START_TEST(one_odd_message_spoils_no_other)
{
    for (unsigned place = 0; place < 10; place++) {
        struct buf text = BUF_INIT(10000);

        (void)buf_puts(&text, "{\"Messages\":[");
        for (unsigned i = 0; i < 10; i++) {
            (void)buf_puts(&text, i > 0 ? ",\n " : "");
            if (i == place)
                (void)buf_puts(&text, odd_messages[_i].message);
            else
                (void)buf_printf(
                    &text, "{\"Body\":\"body %u\",\"MessageId\":\"m-%u\",\"ReceiptHandle\":\"r\"}",
                    i, i);
        }
        (void)buf_puts(&text, "]}");
        ck_succeeds(parse(buf_text(&text), text.len), err);
        ck_assert(received.whole);
        ck_assert_uint_eq(received.count, odd_messages[_i].problem == NULL ? 10 : 9);
        ck_assert_uint_eq(received.unreadable, odd_messages[_i].problem == NULL ? 0 : 1);
        if (odd_messages[_i].problem != NULL)
            ck_assert_str_eq(received.fault.text, odd_messages[_i].problem);
        for (unsigned i = 0; i < received.count; i++)
            ck_assert_str_eq(received.messages[i].receipt_handle, "r");
        buf_release(&text);
    }
}
END_TEST

static const struct {
    const char *written;
    const char *body;
    size_t len;
} bodies[] = {
    {"", "", 0},
    {"{\\\"order_id\\\": \\\"ORD-1\\\"}", "{\"order_id\": \"ORD-1\"}", 21},
    {"a\\nb\\tc\\\\d\\/e\\b\\f\\r", "a\nb\tc\\d/e\b\f\r", 12},
    {"caf\\u00e9 \xC3\xA9 \\u20AC \\ud83d\\ude00",
     "caf\xC3\xA9 \xC3\xA9 \xE2\x82\xAC \xF0\x9F\x98\x80", 17},
    {"a\\u0000b", "a\0b", 3},
    {"\\ud83d", "\xED\xA0\xBD", 3},
    {"\xFF\xC3(", "\xFF\xC3(", 3},
};

START_TEST(hands_out_the_bytes_of_a_body)
{
    char text[300];
    int len =
        snprintf(text, sizeof(text),
                 "{\"Messages\":[{\"MessageId\":\"m\",\"ReceiptHandle\":\"r\",\"Body\":\"%s\"}]}",
                 bodies[_i].written);

    ck_succeeds(parse(text, (size_t)len), err);
    ck_assert_uint_eq(received.count, 1);
    ck_assert_uint_eq(received.messages[0].body_len, bodies[_i].len);
    ck_assert_mem_eq(received.messages[0].body, bodies[_i].body, bodies[_i].len + 1);
}
END_TEST

static const struct {
    const char *written;
    int64_t number;
} numbers[] = {
    {"\"1\"", 1},
    {"\"0\"", 0},
    {"\"999999999999999999\"", 999999999999999999},
    {"\"1000000000000000000\"", 0},
    {"\"-1\"", 0},
    {"\"1.5\"", 0},
    {"\" 1\"", 0},
    {"\"x\"", 0},
    {"\"\"", 0},
    {"1", 1},
    {"-1", 0},
    {"1.5", 0},
    {"null", 0},
    {"{\"a\":\"1\"}", 0},
};

START_TEST(takes_numbers_that_are_numbers)
{
    char text[300];
    int len = snprintf(
        text, sizeof(text),
        "{\"Messages\":[{\"Attributes\":{\"ApproximateReceiveCount\":%s,"
        "\"SentTimestamp\":%s},\"MessageId\":\"m\",\"ReceiptHandle\":\"r\",\"Body\":\"b\"}]}",
        numbers[_i].written, numbers[_i].written);

    ck_succeeds(parse(text, (size_t)len), err);
    ck_assert_uint_eq(received.count, 1);
    ck_assert_int_eq(received.messages[0].receive_count, numbers[_i].number);
    ck_assert_int_eq(received.messages[0].sent_ms, numbers[_i].number);
}
END_TEST

START_TEST(keeps_what_came_before_a_cut_at_any_byte)
{
    struct buf text = BUF_INIT(10000);
    size_t ends[SQS_BATCH_MAX];

    (void)buf_puts(&text, "{\"Other\":[],\"Messages\":[");
    for (unsigned i = 0; i < SQS_BATCH_MAX; i++) {
        (void)buf_printf(
            &text,
            "%s{\"MessageId\":\"m-%u\",\"ReceiptHandle\":\"r%u\",\"Body\":\"\\u00e9 \\\"%u\\\"\","
            "\"Attributes\":{\"ApproximateReceiveCount\":\"%u\"},\"New\":[{}]}",
            i > 0 ? ", " : "", i, i, i, i + 1);
        ends[i] = text.len;
    }
    (void)buf_puts(&text, "],\"More\":{}} ");
    for (size_t len = 0; len <= text.len; len++) {
        unsigned expected = 0;
        bool whole = len >= text.len - 1;

        while (expected < SQS_BATCH_MAX && ends[expected] <= len)
            expected++;
        ck_assert_msg(parse(buf_text(&text), len) == (expected > 0), "cut at byte %zu", len);
        ck_assert_uint_eq(received.count, expected);
        ck_assert_uint_eq(received.unreadable, 0);
        ck_assert_int_eq(received.whole, whole);
        if (!whole)
            ck_assert(received.fault.kind == ERROR_MALFORMED && received.fault.maybe_sent);
        for (unsigned i = 0; i < expected; i++)
            ck_assert_int_eq(received.messages[i].receive_count, i + 1);
    }
    buf_release(&text);
}
END_TEST

START_TEST(takes_no_more_than_it_has_room_for)
{
    struct buf text = BUF_INIT(10000);

    (void)buf_puts(&text, "{\"Messages\":[");
    for (unsigned i = 0; i < 13; i++)
        (void)buf_printf(&text, "%s{\"MessageId\":\"m-%u\",\"ReceiptHandle\":\"r\",\"Body\":\"b\"}",
                         i > 0 ? "," : "", i);
    (void)buf_puts(&text, "]}");
    ck_succeeds(parse(buf_text(&text), text.len), err);
    ck_assert(received.whole);
    ck_assert_uint_eq(received.count, SQS_BATCH_MAX);
    ck_assert_uint_eq(received.unreadable, 3);
    ck_assert_str_eq(received.fault.text, "a received message m-12 is more than was asked for");
    buf_release(&text);
}
END_TEST

START_TEST(takes_ids_that_fit)
{
    for (int len = SQS_ID_MAX - 2; len < SQS_ID_MAX + 2; len++) {
        struct buf text = BUF_INIT(10000);

        (void)buf_printf(&text,
                         "{\"Messages\":[{\"MessageId\":\"%0*d\",\"ReceiptHandle\":\"r\",\"Body\":"
                         "\"b\"}]}",
                         len, 1);
        ck_succeeds(parse(buf_text(&text), text.len), err);
        ck_assert_uint_eq(received.count, len < SQS_ID_MAX);
        ck_assert_uint_eq(received.unreadable, len >= SQS_ID_MAX);
        buf_release(&text);
    }
}
END_TEST

START_TEST(takes_handles_and_bodies_of_any_length)
{
    struct buf text = BUF_INIT(10000000);

    (void)buf_puts(&text, "{\"Messages\":[{\"MessageId\":\"m\",\"ReceiptHandle\":\"");
    for (int i = 0; i < 50000; i++)
        (void)buf_putc(&text, 'h');
    (void)buf_puts(&text, "\",\"Body\":\"");
    for (int i = 0; i < SQS_BODY_MAX; i++)
        (void)buf_puts(&text, "\\u0001");
    (void)buf_puts(&text, "\"}]}");
    ck_succeeds(parse(buf_text(&text), text.len), err);
    ck_assert_uint_eq(received.count, 1);
    ck_assert_uint_eq(strlen(received.messages[0].receipt_handle), 50000);
    ck_assert_uint_eq(received.messages[0].body_len, SQS_BODY_MAX);
    buf_release(&text);
}
END_TEST

/* MD5 of {"a":1}: made with md5sum. */
static const struct {
    const char *md5, *body;
    bool usable;
} sums[] = {
    {"bb6cb5c68df4652941caf652a366f2d8", "{\\\"a\\\":1}", true},
    {"BB6CB5C68DF4652941CAF652A366F2D8", "{\\\"a\\\":1}", true},
    {"bb6cb5c68df4652941caf652a366f2d8", "{\\\"a\\\":2}", false},
    {"bb6cb5c68df4652941caf652a366f2d9", "{\\\"a\\\":1}", false},
    {"d41d8cd98f00b204e9800998ecf8427e", "", true},
    {"none", "{\\\"a\\\":1}", true}, /* nothing that could be compared */
    {"", "{\\\"a\\\":1}", true},
};

START_TEST(compares_bodies_with_their_sums)
{
    char text[400];
    int len = snprintf(text, sizeof(text),
                       "{\"Messages\":[{\"MD5OfBody\":\"%s\",\"MessageId\":\"m-1\","
                       "\"ReceiptHandle\":\"h\",\"Body\":\"%s\"},"
                       "{\"MessageId\":\"m-2\",\"ReceiptHandle\":\"h\",\"Body\":\"x\"}]}",
                       sums[_i].md5, sums[_i].body);

    ck_succeeds(parse(text, (size_t)len), err);
    ck_assert(received.whole);
    ck_assert_uint_eq(received.count, sums[_i].usable ? 2 : 1);
    ck_assert_uint_eq(received.unreadable, sums[_i].usable ? 0 : 1);
    ck_assert_str_eq(received.messages[received.count - 1].id, "m-2");
    if (!sums[_i].usable)
        ck_assert_ptr_nonnull(strstr(received.fault.text, "m-1 has a body of another MD5"));
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_loop_test(tc, compares_bodies_with_their_sums, 0, COUNT(sums));
    tcase_add_test(tc, reads_everything_about_a_message);
    tcase_add_test(tc, reads_what_a_message_bears);
    tcase_add_loop_test(tc, reads_reply, 0, COUNT(whole_replies));
    tcase_add_loop_test(tc, refuses_reply, 0, COUNT(unreadable_replies));
    tcase_add_loop_test(tc, one_odd_message_spoils_no_other, 0, COUNT(odd_messages));
    tcase_add_loop_test(tc, hands_out_the_bytes_of_a_body, 0, COUNT(bodies));
    tcase_add_loop_test(tc, takes_numbers_that_are_numbers, 0, COUNT(numbers));
    tcase_add_test(tc, keeps_what_came_before_a_cut_at_any_byte);
    tcase_add_test(tc, takes_no_more_than_it_has_room_for);
    tcase_add_test(tc, takes_ids_that_fit);
    tcase_add_test(tc, takes_handles_and_bodies_of_any_length);
}

int main(void)
{
    return check_run("sqs_received", add_tests, setup, teardown);
}
