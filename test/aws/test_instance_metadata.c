#include "aws/instance_metadata.h"

#include "base/clock.h"
#include "check_main.h"
#include "fake/clock.h"
#include "fake/peer.h"

#include <stdio.h>
#include <string.h>

static struct error err;
static struct peer *peer;
static struct fetch_reply reply;
static struct stop stop;
static struct instance_metadata metadata;
static struct instance_metadata_limits limits;

static const char *const variables[] = {"AWS_EC2_METADATA_DISABLED",
                                        "AWS_EC2_METADATA_SERVICE_ENDPOINT",
                                        "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE", "http_proxy"};

static void clear_environment(void)
{
    for (int i = 0; i < COUNT(variables); i++)
        ck_assert_int_eq(unsetenv(variables[i]), 0);
}

static void set(const char *name, const char *value)
{
    ck_assert_int_eq(setenv(name, value, 1), 0);
}

static void setup(void)
{
    clear_environment();
    ck_succeeds(http_global_init(&err), err);
    ck_succeeds(stop_init(&stop, &err), err);
    fake_clock_start(1795352709123);
    limits = instance_metadata_usual_limits;
    limits.timeout_ms = 20000;
    limits.vendor_file = "/nonexistent";
    reply = FETCH_REPLY_INIT;
    peer = NULL;
}

static void teardown(void)
{
    if (peer != NULL)
        peer_end(peer);
    instance_metadata_release(&metadata);
    fetch_reply_release(&reply);
    fake_clock_end();
    stop_release(&stop);
    http_global_release();
    clear_environment();
}

/* Begins a session with a service that follows the table. */
static void begin(const struct peer_row *rows, size_t count)
{
    peer = peer_start(rows, count);
    set("AWS_EC2_METADATA_SERVICE_ENDPOINT", peer_url(peer));
    ck_assert_int_eq(instance_metadata_init(&metadata, &limits, &stop, &err),
                     INSTANCE_METADATA_ANSWERED);
}

/* The same where nothing says that this is EC2. */
static void begin_elsewhere(const struct peer_row *rows, size_t count)
{
    begin(rows, count);
    metadata.expected = false;
}

static enum instance_metadata_answer get(const char *path)
{
    err = ERROR_INIT;
    return instance_metadata_get(&metadata, path, &reply, &err);
}

#define TOKEN_ROW(token)                                                                           \
    {                                                                                              \
        {.method = "PUT",                                                                          \
         .path = "/latest/api/token",                                                              \
         .header = "x-aws-ec2-metadata-token-ttl-seconds: 21600"},                                 \
        {                                                                                          \
            .body = (token)                                                                        \
        }                                                                                          \
    }
#define GET_ROW(token, ...)                                                                        \
    {                                                                                              \
        {.method = "GET",                                                                          \
         .path = "/latest/meta-data/x",                                                            \
         .header = "x-aws-ec2-metadata-token: " token},                                            \
        {                                                                                          \
            __VA_ARGS__                                                                            \
        }                                                                                          \
    }
#define PATH "/latest/meta-data/x"

START_TEST(keeps_its_token)
{
    static const struct peer_row rows[] = {
        TOKEN_ROW("AQAEAtoken=="),
        GET_ROW("AQAEAtoken==", .body = "one"),
        GET_ROW("AQAEAtoken==", .status = 404, .body = "<html>"),
        GET_ROW("AQAEAtoken==", .body = "three"),
    };

    begin(rows, 4);
    ck_assert_int_eq(get(PATH), INSTANCE_METADATA_ANSWERED);
    ck_assert_str_eq(buf_text(&reply.body), "one");
    ck_assert_int_eq(get(PATH), INSTANCE_METADATA_ANSWERED);
    ck_assert_int_eq(reply.status, 404);
    ck_assert_int_eq(get(PATH), INSTANCE_METADATA_ANSWERED);
    ck_assert_int_eq(reply.status, 200);
    ck_assert_str_eq(buf_text(&reply.body), "three");
}
END_TEST

START_TEST(renews_its_token_before_the_end)
{
    static const struct peer_row rows[] = {TOKEN_ROW("first"), GET_ROW("first", .body = "one"),
                                           GET_ROW("first", .body = "two"), TOKEN_ROW("second"),
                                           GET_ROW("second", .body = "three")};

    begin(rows, 5);
    ck_assert_int_eq(get(PATH), INSTANCE_METADATA_ANSWERED);
    fake_clock_advance((21600 - 121) * CLOCK_NS_PER_S);
    ck_assert_int_eq(get(PATH), INSTANCE_METADATA_ANSWERED);
    fake_clock_advance(2 * CLOCK_NS_PER_S);
    ck_assert_int_eq(get(PATH), INSTANCE_METADATA_ANSWERED);
}
END_TEST

START_TEST(renews_a_token_that_is_not_known_once)
{
    static const struct peer_row rows[] = {TOKEN_ROW("first"),
                                           GET_ROW("first", .status = 401),
                                           TOKEN_ROW("second"),
                                           GET_ROW("second", .body = "x"),
                                           GET_ROW("second", .status = 401),
                                           TOKEN_ROW("third"),
                                           GET_ROW("third", .status = 401)};

    begin(rows, 7);
    ck_assert_int_eq(get(PATH), INSTANCE_METADATA_ANSWERED);
    ck_assert_str_eq(buf_text(&reply.body), "x");
    ck_assert_int_eq(get(PATH), INSTANCE_METADATA_FAILED);
    ck_assert_int_eq(err.kind, ERROR_AUTH);
    ck_assert_ptr_nonnull(strstr(err.text, PATH ": status 401"));
}
END_TEST

/* What may pass is tried three times, 100 and 200 ms apart. */
static const struct {
    struct peer_reply reply;
    enum error_kind kind;
    const char *problem;
} passing[] = {
    {{.status = 500}, ERROR_SERVER, "status 500"},
    {{.status = 503, .body = "{}"}, ERROR_SERVER, "status 503"},
    {{.status = 429}, ERROR_THROTTLED, "status 429"},
    {{.fate = PEER_SILENT}, ERROR_TIMEOUT, ""},
    {{.fate = PEER_STALL, .body = "token", .cut = 2}, ERROR_TIMEOUT, ""},
    {{.fate = PEER_CLOSE}, ERROR_NETWORK, ""},
    {{.fate = PEER_CUT, .body = "token", .cut = 2}, ERROR_NETWORK, ""},
    {{.raw = "rubbish\r\n\r\n"}, ERROR_MALFORMED, ""},
};

enum { SHORT_MS = 200 }; /* where a silent service is waited for */

static void three_tries(const struct peer_row *before, const struct peer_row *row, int kind,
                        const char *problem)
{
    struct peer_row rows[4] = {{PEER_ANY, {0}}};
    size_t first = before != NULL ? 1 : 0;

    if (kind == ERROR_TIMEOUT)
        limits.timeout_ms = SHORT_MS;
    if (before != NULL)
        rows[0] = *before;
    for (size_t i = 0; i < 3; i++)
        rows[first + i] = *row;
    begin_elsewhere(rows, first + 3);
    ck_assert_int_eq(get(PATH), INSTANCE_METADATA_FAILED);
    ck_assert_msg((int)err.kind == kind, "%s", err.text);
    ck_assert_ptr_nonnull(strstr(err.text, problem));
    ck_assert_uint_eq(fake_clock_waits(), 2);
    ck_assert_int_eq(fake_clock_wait_ms(0), 100);
    ck_assert_int_eq(fake_clock_wait_ms(1), 200);
}

START_TEST(asks_for_a_token_again)
{
    const struct peer_row row = {{.method = "PUT"}, passing[_i].reply};

    three_tries(NULL, &row, (int)passing[_i].kind, passing[_i].problem);
    /* the sign of a hop limit of 1: the connection is there, the answer is not */
    ck_assert(passing[_i].kind != ERROR_TIMEOUT || strstr(err.text, "hop limit") != NULL);
}
END_TEST

START_TEST(asks_for_data_again)
{
    const struct peer_row token = TOKEN_ROW("t");
    const struct peer_row row = {{.method = "GET"}, passing[_i].reply};

    three_tries(&token, &row, (int)passing[_i].kind, passing[_i].problem);
    ck_assert_ptr_null(strstr(err.text, "hop limit"));
}
END_TEST

START_TEST(goes_on_after_what_passed)
{
    static const struct peer_row rows[] = {
        {{.method = "PUT"}, {.status = 500}},
        {{.method = "PUT"}, {.fate = PEER_SILENT}},
        TOKEN_ROW("t"),
        GET_ROW("t", .status = 503),
        GET_ROW("t", .fate = PEER_DRIBBLE, .body = "slow"),
    };

    limits.timeout_ms = SHORT_MS;
    begin(rows, 5);
    ck_assert_int_eq(get(PATH), INSTANCE_METADATA_ANSWERED);
    ck_assert_str_eq(buf_text(&reply.body), "slow");
}
END_TEST

/* What cannot pass; where nothing says that this is EC2 some of it means another service. */
static const struct {
    struct peer_reply reply;
    enum instance_metadata_answer elsewhere;
    enum error_kind kind;
    const char *problem;
} refusals[] = {
    {{.status = 400}, INSTANCE_METADATA_FAILED, ERROR_AUTH, "no session token: status 400"},
    {{.status = 401}, INSTANCE_METADATA_FAILED, ERROR_AUTH, "no session token: status 401"},
    {{.status = 404}, INSTANCE_METADATA_ABSENT, ERROR_AUTH, "no session token: status 404"},
    {{.status = 405}, INSTANCE_METADATA_ABSENT, ERROR_AUTH, "no session token: status 405"},
    {{.status = 302, .headers = "Location: http://169.254.1.1/\r\n"},
     INSTANCE_METADATA_ABSENT,
     ERROR_AUTH,
     "no session token: status 302"},
    {{.body = ""}, INSTANCE_METADATA_FAILED, ERROR_MALFORMED, "the session token is none"},
    {{.body = "tok en"}, INSTANCE_METADATA_FAILED, ERROR_MALFORMED, "the session token is none"},
    {{.body = "tok\r\nX-Evil: 1"},
     INSTANCE_METADATA_FAILED,
     ERROR_MALFORMED,
     "the session token is none"},
};

START_TEST(takes_no_for_an_answer)
{
    const struct peer_row row = {{.method = "PUT"}, refusals[_i].reply};

    begin(&row, 1);
    ck_assert_int_eq(get(PATH), INSTANCE_METADATA_FAILED);
    ck_assert_int_eq(err.kind, refusals[_i].kind);
    ck_assert_ptr_nonnull(strstr(err.text, refusals[_i].problem));
    ck_assert_ptr_nonnull(strstr(err.text, peer_url(peer)));
}
END_TEST

START_TEST(knows_another_service)
{
    const struct peer_row row = {{.method = "PUT"}, refusals[_i].reply};

    begin_elsewhere(&row, 1);
    ck_assert_int_eq(get(PATH), refusals[_i].elsewhere);
    ck_assert_str_ne(err.text, "");
}
END_TEST

START_TEST(is_absent_where_it_is_switched_off)
{
    static const struct peer_row rows[] = {{{.method = "PUT"}, {.status = 403}}};

    begin(rows, 1);
    ck_assert_int_eq(get(PATH), INSTANCE_METADATA_ABSENT);
    ck_assert_int_eq(err.kind, ERROR_CONFIG);
    ck_assert_ptr_nonnull(strstr(err.text, "instance metadata is switched off, or refused, at "));
}
END_TEST

START_TEST(has_a_ceiling_for_tokens)
{
    static char token[5000];
    const struct peer_row row = {{.method = "PUT"}, {.body = token}};

    memset(token, 't', sizeof(token) - 1);
    begin(&row, 1);
    ck_assert_int_eq(get(PATH), INSTANCE_METADATA_FAILED);
    ck_assert_int_eq(err.kind, ERROR_MALFORMED);
}
END_TEST

START_TEST(is_absent_where_nobody_answers)
{
    begin_elsewhere(NULL, 0);
    peer_refuse(peer, true);
    ck_assert_int_eq(get(PATH), INSTANCE_METADATA_ABSENT);
    ck_assert_int_eq(err.kind, ERROR_CONFIG);
    ck_assert_str_eq(err.code, "NoInstanceMetadata");
    ck_assert_ptr_nonnull(strstr(err.text, "no instance metadata at http://127.0.0.1:"));
    ck_assert_uint_eq(fake_clock_waits(), 0); /* not tried again */
}
END_TEST

START_TEST(fails_where_somebody_should_answer)
{
    begin(NULL, 0);
    peer_refuse(peer, true);
    ck_assert_int_eq(get(PATH), INSTANCE_METADATA_FAILED);
    ck_assert_int_eq(err.kind, ERROR_NETWORK);
}
END_TEST

START_TEST(is_asked_without_a_proxy)
{
    static const struct peer_row rows[] = {TOKEN_ROW("t"), GET_ROW("t", .body = "x")};

    set("http_proxy", "http://127.0.0.1:1");
    begin(rows, 2);
    ck_assert_int_eq(get(PATH), INSTANCE_METADATA_ANSWERED);
}
END_TEST

static void raise_stop(void *arg)
{
    stop_raise(arg);
}

START_TEST(ends_at_once_when_told_to)
{
    const struct peer_row row = {{.method = "PUT"},
                                 {.fate = PEER_SILENT, .hook = raise_stop, .arg = &stop}};

    begin_elsewhere(&row, 1);
    ck_assert_int_eq(get(PATH), INSTANCE_METADATA_FAILED);
    ck_assert_int_eq(err.kind, ERROR_STOPPED);
}
END_TEST

START_TEST(ends_in_a_pause_when_told_to)
{
    static const struct peer_row rows[] = {{{.method = "PUT"}, {.status = 500}}};

    begin(rows, 1);
    fake_clock_on_wait(raise_stop, &stop);
    ck_assert_int_eq(get(PATH), INSTANCE_METADATA_FAILED);
    ck_assert_int_eq(err.kind, ERROR_STOPPED);
}
END_TEST

static const struct {
    const char *values[3]; /* of the variables above */
    enum instance_metadata_answer answer;
    const char *endpoint; /* or what is wrong */
    bool expected;
} settings[] = {
    {{"", "", ""}, INSTANCE_METADATA_ANSWERED, "http://169.254.169.254", false},
    {{"false", "", "ipv4"}, INSTANCE_METADATA_ANSWERED, "http://169.254.169.254", false},
    {{"", "", "IPv6"}, INSTANCE_METADATA_ANSWERED, "http://[fd00:ec2::254]", false},
    {{"", "http://10.0.0.1:8080/", "IPv6"},
     INSTANCE_METADATA_ANSWERED,
     "http://10.0.0.1:8080",
     true},
    {{"", "http://imds/prefix//", ""}, INSTANCE_METADATA_ANSWERED, "http://imds/prefix", true},
    {{"True", "http://imds", ""},
     INSTANCE_METADATA_ABSENT,
     "instance metadata is not asked: AWS_EC2_METADATA_DISABLED is set",
     false},
    {{"", "", "IPv5"},
     INSTANCE_METADATA_FAILED,
     "AWS_EC2_METADATA_SERVICE_ENDPOINT_MODE is neither IPv4 nor IPv6",
     false},
    {{"", "169.254.169.254", ""},
     INSTANCE_METADATA_FAILED,
     "AWS_EC2_METADATA_SERVICE_ENDPOINT: \"169.254.169.254\" is not an endpoint: "
     "http://host[:port][/path] or https://... is",
     false},
};

START_TEST(is_where_the_environment_says)
{
    for (int i = 0; i < 3; i++)
        set(variables[i], settings[_i].values[i]);
    ck_assert_int_eq(instance_metadata_init(&metadata, &limits, NULL, &err), settings[_i].answer);
    if (settings[_i].answer == INSTANCE_METADATA_ANSWERED) {
        ck_assert_str_eq(metadata.endpoint, settings[_i].endpoint);
        ck_assert_int_eq(metadata.expected, settings[_i].expected);
    } else {
        ck_assert_str_eq(err.text, settings[_i].endpoint);
        ck_assert_int_eq(err.kind, ERROR_CONFIG);
    }
}
END_TEST

static const struct {
    const char *vendor;
    bool expected;
} vendors[] = {{"Amazon EC2\n", true}, {"QEMU\n", false}, {"", false}, {"Xen\n", false}};

START_TEST(is_expected_on_a_machine_of_ec2)
{
    char path[] = "/tmp/orderd-vendor-XXXXXX";
    int fd = mkstemp(path);
    FILE *file = fdopen(fd, "w");

    ck_assert_ptr_nonnull(file);
    (void)fputs(vendors[_i].vendor, file);
    (void)fclose(file);
    limits.vendor_file = path;
    ck_assert_int_eq(instance_metadata_init(&metadata, &limits, NULL, &err),
                     INSTANCE_METADATA_ANSWERED);
    ck_assert_int_eq(metadata.expected, vendors[_i].expected);
    (void)remove(path);
}
END_TEST

static const struct {
    struct peer_reply reply;
    const char *region; /* NULL: none */
    enum error_kind kind;
} regions[] = {
    {{.body = "eu-west-1"}, "eu-west-1", ERROR_NONE},
    {{.body = "eu-west-1\n"}, "eu-west-1", ERROR_NONE},
    {{.status = 404}, NULL, ERROR_CONFIG},
    {{.body = ""}, NULL, ERROR_MALFORMED},
    {{.body = "<html>oh</html>"}, NULL, ERROR_MALFORMED},
    {{.body = "a\0b", .body_len = 3}, NULL, ERROR_MALFORMED},
    {{.body = "a-very-very-very-very-very-very-very-very-very-very-very-long-region"},
     NULL,
     ERROR_MALFORMED},
    {{.status = 403}, NULL, ERROR_AUTH},
};

START_TEST(tells_the_region)
{
    const struct peer_row rows[] = {
        TOKEN_ROW("t"), {{.path = "/latest/meta-data/placement/region"}, regions[_i].reply}};
    char region[ENDPOINT_REGION_SIZE] = "unset";

    begin(rows, 2);
    if (regions[_i].region != NULL) {
        ck_succeeds(instance_metadata_region(&limits, &stop, region, &err), err);
        ck_assert_str_eq(region, regions[_i].region);
    } else {
        ck_fails(instance_metadata_region(&limits, &stop, region, &err), err, regions[_i].kind);
        ck_assert_str_eq(region, "unset");
    }
}
END_TEST

START_TEST(tells_no_region_where_it_is_disabled)
{
    char region[ENDPOINT_REGION_SIZE];

    set("AWS_EC2_METADATA_DISABLED", "true");
    ck_fails(instance_metadata_region(&limits, &stop, region, &err), err, ERROR_CONFIG);
    ck_assert_str_eq(err.code, "NoInstanceMetadata");
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_test(tc, keeps_its_token);
    tcase_add_test(tc, renews_its_token_before_the_end);
    tcase_add_test(tc, renews_a_token_that_is_not_known_once);
    tcase_add_loop_test(tc, asks_for_a_token_again, 0, COUNT(passing));
    tcase_add_loop_test(tc, asks_for_data_again, 0, COUNT(passing));
    tcase_add_test(tc, goes_on_after_what_passed);
    tcase_add_loop_test(tc, takes_no_for_an_answer, 0, COUNT(refusals));
    tcase_add_loop_test(tc, knows_another_service, 0, COUNT(refusals));
    tcase_add_test(tc, is_absent_where_it_is_switched_off);
    tcase_add_test(tc, has_a_ceiling_for_tokens);
    tcase_add_test(tc, is_absent_where_nobody_answers);
    tcase_add_test(tc, fails_where_somebody_should_answer);
    tcase_add_test(tc, is_asked_without_a_proxy);
    tcase_add_test(tc, ends_at_once_when_told_to);
    tcase_add_test(tc, ends_in_a_pause_when_told_to);
    tcase_add_loop_test(tc, is_where_the_environment_says, 0, COUNT(settings));
    tcase_add_loop_test(tc, is_expected_on_a_machine_of_ec2, 0, COUNT(vendors));
    tcase_add_loop_test(tc, tells_the_region, 0, COUNT(regions));
    tcase_add_test(tc, tells_no_region_where_it_is_disabled);
}

int main(void)
{
    return check_run("instance_metadata", add_tests, setup, teardown);
}
