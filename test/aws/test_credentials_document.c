#include "aws/credentials_document.h"

#include "base/clock.h"
#include "check_main.h"

#include <stdio.h>
#include <string.h>

static struct error err;
static struct credentials_document document;

static void setup(void)
{
    document = CREDENTIALS_DOCUMENT_INIT;
}

static void teardown(void)
{
    credentials_document_release(&document);
}

#define KEYS "\"AccessKeyId\":\"AKID\",\"SecretAccessKey\":\"s3cret/+=\""

static const struct {
    enum credentials_form form;
    const char *text;
    const char *token;
    int64_t expires_ms;
} good[] = {
    {CREDENTIALS_FORM_PROCESS, "{\"Version\":1," KEYS "}", "", INT64_MAX},
    {CREDENTIALS_FORM_PROCESS,
     " {\"Version\": 1, " KEYS ", \"SessionToken\": \"tok\\/en\", \"AccountId\": \"123\",\n"
     "\"Expiration\": \"2026-11-22T13:05:09Z\", \"more\": {\"a\": [1, {}]}}\n",
     "tok/en", 1795352709000},
    {CREDENTIALS_FORM_PROCESS,
     "{\"Version\":1," KEYS ",\"SessionToken\":null,\"Expiration\":null,\"Token\":\"other\"}", "",
     INT64_MAX},
    {CREDENTIALS_FORM_PROCESS, "{\"AccessKeyId\":7,\"Version\":2," KEYS ",\"Version\":1}", "",
     INT64_MAX}, /* the last of equal members */
    {CREDENTIALS_FORM_CONTAINER, "{" KEYS "}", "", INT64_MAX},
    {CREDENTIALS_FORM_CONTAINER, "{\"Version\":9," KEYS ",\"Token\":\"t\",\"SessionToken\":\"x\"}",
     "t", INT64_MAX},
    {CREDENTIALS_FORM_CONTAINER,
     "{\"RoleArn\":\"arn\"," KEYS ",\"Token\":\"t\",\"Expiration\":\"2026-11-22T13:05:09Z\"}", "t",
     1795352709000},
    {CREDENTIALS_FORM_CONTAINER, "{\"\\u0041ccessKeyId\":\"AKID\"," KEYS "}", "", INT64_MAX},
    {CREDENTIALS_FORM_INSTANCE,
     "{\"Code\":\"Success\",\"LastUpdated\":\"x\",\"Type\":\"AWS-HMAC\"," KEYS
     ",\"Token\":\"t\",\"Expiration\":\"2001-09-09T01:46:40Z\"}",
     "t", 1000000000000}, /* past: not this module's business */
    {CREDENTIALS_FORM_INSTANCE,
     "{" KEYS ",\"Token\":\"t\",\"Expiration\":\"2026-11-22T13:05:09Z\"}", "t", 1795352709000},
};

START_TEST(reads_keys)
{
    ck_succeeds(credentials_document_read(good[_i].form, good[_i].text, strlen(good[_i].text),
                                          &document, &err),
                err);
    ck_assert_str_eq(document.access_key_id, "AKID");
    ck_assert_str_eq(document.secret_access_key, "s3cret/+=");
    ck_assert_str_eq(document.session_token, good[_i].token);
    ck_assert_int_eq(document.expires_ms, good[_i].expires_ms);
}
END_TEST

#define WHOLE KEYS ",\"Token\":\"t\",\"Expiration\":\"2026-11-22T13:05:09Z\""

static const struct {
    enum credentials_form form;
    const char *text;
    enum error_kind kind;
    const char *problem;
} bad[] = {
    {CREDENTIALS_FORM_PROCESS, "", ERROR_MALFORMED, "the document is not a JSON object"},
    {CREDENTIALS_FORM_PROCESS, "s3cret", ERROR_MALFORMED, "the document is not a JSON object"},
    {CREDENTIALS_FORM_PROCESS, "[]", ERROR_MALFORMED, "the document is not a JSON object"},
    {CREDENTIALS_FORM_PROCESS, "{\"Version\":1," KEYS, ERROR_MALFORMED,
     "the document is not whole JSON"},
    {CREDENTIALS_FORM_PROCESS, "{\"Version\":1," KEYS "} x", ERROR_MALFORMED,
     "the document is not whole JSON"},
    {CREDENTIALS_FORM_PROCESS, "{\"Version\":1," KEYS ",}", ERROR_MALFORMED,
     "the document is not whole JSON"},
    {CREDENTIALS_FORM_PROCESS, "{\"Version\":1,\"x\":[}," KEYS "}", ERROR_MALFORMED,
     "the document is not whole JSON"},
    {CREDENTIALS_FORM_PROCESS, "{\"Version\":}", ERROR_MALFORMED, "the document is not whole JSON"},
    {CREDENTIALS_FORM_PROCESS, "{" KEYS "}", ERROR_MALFORMED, "Version is missing"},
    {CREDENTIALS_FORM_PROCESS, "{\"Version\":null," KEYS "}", ERROR_MALFORMED,
     "Version is missing"},
    {CREDENTIALS_FORM_PROCESS, "{\"Version\":\"1\"," KEYS "}", ERROR_MALFORMED,
     "Version is not a number"},
    {CREDENTIALS_FORM_PROCESS, "{\"Version\":2," KEYS "}", ERROR_MALFORMED,
     "Version is 2; only 1 is known"},
    {CREDENTIALS_FORM_PROCESS, "{\"Version\":1.0," KEYS "}", ERROR_MALFORMED,
     "Version is 1.0; only 1 is known"},
    {CREDENTIALS_FORM_PROCESS, "{\"Version\":1}", ERROR_MALFORMED, "AccessKeyId is missing"},
    {CREDENTIALS_FORM_PROCESS, "{\"Version\":1,\"AccessKeyId\":1,\"SecretAccessKey\":\"s3cret\"}",
     ERROR_MALFORMED, "AccessKeyId is not a string"},
    {CREDENTIALS_FORM_PROCESS, "{\"Version\":1,\"AccessKeyId\":\"\",\"SecretAccessKey\":\"s\"}",
     ERROR_MALFORMED, "AccessKeyId is empty"},
    {CREDENTIALS_FORM_PROCESS, "{\"Version\":1,\"AccessKeyId\":\"s3cret\\r\\nx\"}", ERROR_MALFORMED,
     "AccessKeyId holds a character that no key has"},
    {CREDENTIALS_FORM_PROCESS, "{\"Version\":1,\"AccessKeyId\":\"a\\u0000b\"}", ERROR_MALFORMED,
     "AccessKeyId holds a character that no key has"},
    {CREDENTIALS_FORM_PROCESS, "{\"Version\":1,\"AccessKeyId\":\"\\ud800\"}", ERROR_MALFORMED,
     "AccessKeyId holds a character that no key has"},
    {CREDENTIALS_FORM_PROCESS, "{\"Version\":1,\"AccessKeyId\":\"\xff\"}", ERROR_MALFORMED,
     "AccessKeyId holds a character that no key has"},
    {CREDENTIALS_FORM_PROCESS, "{\"Version\":1,\"AccessKeyId\":\"AKID\"}", ERROR_MALFORMED,
     "SecretAccessKey is missing"},
    {CREDENTIALS_FORM_PROCESS,
     "{\"Version\":1,\"AccessKeyId\":\"AKID\",\"SecretAccessKey\":{\"s3cret\":1}}", ERROR_MALFORMED,
     "SecretAccessKey is not a string"},
    {CREDENTIALS_FORM_PROCESS,
     "{\"Version\":1,\"AccessKeyId\":\"AKID\",\"SecretAccessKey\":\"s3 cret\"}", ERROR_MALFORMED,
     "SecretAccessKey holds a character that no key has"},
    {CREDENTIALS_FORM_PROCESS, "{\"Version\":1," KEYS ",\"SessionToken\":[\"s3cret\"]}",
     ERROR_MALFORMED, "SessionToken is not a string"},
    {CREDENTIALS_FORM_PROCESS, "{\"Version\":1," KEYS ",\"SessionToken\":\"s3cret\\n\"}",
     ERROR_MALFORMED, "SessionToken holds a character that no key has"},
    {CREDENTIALS_FORM_PROCESS, "{\"Version\":1," KEYS ",\"Expiration\":1795352709}",
     ERROR_MALFORMED, "Expiration is not a time as in \"2026-11-22T13:05:09Z\""},
    {CREDENTIALS_FORM_CONTAINER, "{" KEYS ",\"Expiration\":\"s3cret\"}", ERROR_MALFORMED,
     "Expiration is not a time as in \"2026-11-22T13:05:09Z\""},
    {CREDENTIALS_FORM_CONTAINER, "{\"code\":\"x\"}", ERROR_MALFORMED, "AccessKeyId is missing"},
    {CREDENTIALS_FORM_INSTANCE,
     "{\"Code\":\"AssumeRoleUnauthorizedAccess\",\"Message\":\"s3cret\"}", ERROR_AUTH,
     "there are no keys: Code is \"AssumeRoleUnauthorizedAccess\""},
    {CREDENTIALS_FORM_INSTANCE, "{\"Code\":\"a\\n<b>\"," WHOLE "}", ERROR_AUTH,
     "there are no keys: Code is \"a?n?b?\""},
    {CREDENTIALS_FORM_INSTANCE, "{\"Code\":200," WHOLE "}", ERROR_MALFORMED,
     "Code is not a string"},
    {CREDENTIALS_FORM_INSTANCE, "{\"Code\":\"Success\"," KEYS ",\"Token\":\"t\"}", ERROR_MALFORMED,
     "Expiration is missing"},
    {CREDENTIALS_FORM_INSTANCE,
     "{\"Code\":\"Success\"," KEYS ",\"Expiration\":\"2026-11-22T13:05:09Z\"}", ERROR_MALFORMED,
     "Token is missing"},
    {CREDENTIALS_FORM_INSTANCE,
     "{\"Code\":\"Success\"," KEYS ",\"Token\":\"\",\"Expiration\":\"2026-11-22T13:05:09Z\"}",
     ERROR_MALFORMED, "Token is empty"},
};

START_TEST(refuses_what_has_no_keys)
{
    ck_fails(credentials_document_read(bad[_i].form, bad[_i].text, strlen(bad[_i].text), &document,
                                       &err),
             err, bad[_i].kind);
    ck_assert_str_eq(err.text, bad[_i].problem);
    ck_assert_ptr_null(strstr(err.text, "s3cret"));
    ck_assert_ptr_null(document.access_key_id);
    ck_assert_ptr_null(document.secret_access_key);
    ck_assert_ptr_null(document.session_token);
}
END_TEST

/* Every beginning of a document is no document; the sanitizers see to the reading. */
START_TEST(reads_no_byte_too_many)
{
    static const char whole[] = "{\"Code\":\"Success\",\"Version\":1," WHOLE "}";

    for (size_t len = 0; len < strlen(whole); len++) {
        char *text = malloc(len + 1);

        memcpy(text, whole, len);
        for (int form = 0; form < CREDENTIALS_FORMS; form++)
            ck_fails(credentials_document_read((enum credentials_form)form, text, len, &document,
                                               &err),
                     err, ERROR_MALFORMED);
        free(text);
    }
    ck_assert(!credentials_document_read(CREDENTIALS_FORM_PROCESS, NULL, 0, &document, &err));
}
END_TEST

START_TEST(shows_no_long_code)
{
    char text[1000] = "{\"Code\":\"";
    size_t len = strlen(text);

    memset(text + len, 'x', 500);
    (void)snprintf(text + len + 500, sizeof(text) - len - 500, "\"}");
    ck_fails(credentials_document_read(CREDENTIALS_FORM_INSTANCE, text, strlen(text), &document,
                                       &err),
             err, ERROR_AUTH);
    ck_assert_uint_lt(strlen(err.text), 120);
}
END_TEST

static const struct {
    const char *text, *utc;
} times[] = {
    {"2026-11-22T13:05:09Z", "2026-11-22T13:05:09.000Z"},
    {"2026-11-22t13:05:09z", "2026-11-22T13:05:09.000Z"},
    {"2026-11-22T13:05:09.1Z", "2026-11-22T13:05:09.100Z"},
    {"2026-11-22T13:05:09.123Z", "2026-11-22T13:05:09.123Z"},
    {"2026-11-22T13:05:09.123999999999Z", "2026-11-22T13:05:09.123Z"},
    {"2026-11-22T13:05:09+00:00", "2026-11-22T13:05:09.000Z"},
    {"2026-11-22T13:05:09-00:00", "2026-11-22T13:05:09.000Z"},
    {"2026-11-22T13:05:09.5+05:30", "2026-11-22T07:35:09.500Z"},
    {"2026-11-22T20:05:09-08:00", "2026-11-23T04:05:09.000Z"},
    {"2026-12-31T23:59:60Z", "2027-01-01T00:00:00.000Z"},
    {"1970-01-01T00:00:00Z", "1970-01-01T00:00:00.000Z"},
    {"1969-12-31T23:59:59Z", "1969-12-31T23:59:59.000Z"},
    {"2000-02-29T00:00:00Z", "2000-02-29T00:00:00.000Z"},
    {"2100-03-01T00:00:00Z", "2100-03-01T00:00:00.000Z"},
    {"9999-12-31T23:59:59Z", "9999-12-31T23:59:59.000Z"},
    {"0000-03-01T00:00:00Z", "0000-03-01T00:00:00.000Z"},
    {"0000-01-01T00:00:00Z", "0000-01-01T00:00:00.000Z"},
};

START_TEST(reads_times)
{
    char text[CLOCK_TEXT_SIZE];
    int64_t ms = 0;

    ck_assert(credentials_expiration_read(times[_i].text, strlen(times[_i].text), &ms));
    clock_format(ms, text);
    ck_assert_str_eq(text, times[_i].utc);
}
END_TEST

/* Day by day over the centuries against what the clock writes. */
START_TEST(knows_the_calendar)
{
    for (int64_t day = -200000; day < 500000; day += 13) {
        char text[CLOCK_TEXT_SIZE];
        int64_t ms = 0;

        clock_format(day * 86400000, text);
        ck_assert(credentials_expiration_read(text, strlen(text), &ms));
        ck_assert_int_eq(ms, day * 86400000);
    }
}
END_TEST

static const char *const no_times[] = {
    "",
    "2026",
    "2026-11-22",
    "2026-11-22T13:05:09",
    "2026-11-22 13:05:09Z",
    "2026-11-22T13:05Z",
    "2026-11-22T13:05:09.Z",
    "2026-11-22T13:05:09,5Z",
    "2026-11-22T13:05:09ZZ",
    "2026-11-22T13:05:09Z ",
    " 2026-11-22T13:05:09Z",
    "2026-11-22T13:05:09+0100",
    "2026-11-22T13:05:09+01",
    "2026-11-22T13:05:09+24:00",
    "2026-11-22T13:05:09+01:60",
    "2026-11-22T24:00:00Z",
    "2026-11-22T13:60:00Z",
    "2026-11-22T13:05:61Z",
    "2026-13-22T13:05:09Z",
    "2026-00-22T13:05:09Z",
    "2026-11-31T13:05:09Z",
    "2026-11-00T13:05:09Z",
    "2026-02-29T13:05:09Z",
    "2100-02-29T13:05:09Z",
    "26-11-22T13:05:09Z",
    "12026-11-22T13:05:09Z",
    "-2026-11-22T13:05:09Z",
    "2026-1a-22T13:05:09Z",
    "1795352709",
};

START_TEST(knows_what_is_no_time)
{
    int64_t ms = 7;

    ck_assert(!credentials_expiration_read(no_times[_i], strlen(no_times[_i]), &ms));
    ck_assert_int_eq(ms, 7);
}
END_TEST

START_TEST(takes_no_nul_for_a_mark)
{
    int64_t ms;

    ck_assert(!credentials_expiration_read("2026-11-22T13:05:09\0", 20, &ms));
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_loop_test(tc, reads_keys, 0, COUNT(good));
    tcase_add_loop_test(tc, refuses_what_has_no_keys, 0, COUNT(bad));
    tcase_add_test(tc, reads_no_byte_too_many);
    tcase_add_test(tc, shows_no_long_code);
    tcase_add_loop_test(tc, reads_times, 0, COUNT(times));
    tcase_add_test(tc, knows_the_calendar);
    tcase_add_loop_test(tc, knows_what_is_no_time, 0, COUNT(no_times));
    tcase_add_test(tc, takes_no_nul_for_a_mark);
}

int main(void)
{
    return check_run("credentials_document", add_tests, setup, teardown);
}
