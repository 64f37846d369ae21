/* Asking STS whose keys some are. */
#include "aws/sts.h"
#include "check_main.h"
#include "fake/clock.h"
#include "fake/peer.h"
#include "fake/random.h"

#include <string.h>

#define ANSWER(arn, account)                                                                       \
    "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">"              \
    "<GetCallerIdentityResult><Arn>" arn "</Arn><UserId>U</UserId><Account>" account               \
    "</Account></GetCallerIdentityResult><ResponseMetadata><RequestId>r</RequestId>"               \
    "</ResponseMetadata></GetCallerIdentityResponse>"

static struct error err;
static struct stop stop;
static struct endpoint endpoint;
static struct credentials_options options;
static struct peer *peer;
static struct credentials *keys;
static struct sts_identity who;

static void setup(void)
{
    static const uint64_t numbers[] = {1};

    fake_clock_start(INT64_C(1795352709123)); /* 2026-11-22T13:05:09.123Z */
    fake_random_start(numbers, 1);
    ck_succeeds(stop_init(&stop, &err), err);
    keys = credentials_new("test", "AKIDEXAMPLE", "long/secret", "a/token", INT64_MAX);
    memset(&who, 0, sizeof(who));
}

static void teardown(void)
{
    peer_stop(peer);
    credentials_unref(keys);
    stop_release(&stop);
    fake_random_end();
    fake_clock_end();
    peer_end(peer);
}

static void start(const struct peer_row *rows, size_t count)
{
    peer = peer_start(rows, count);
    ck_succeeds(endpoint_of_url(peer_url(peer), &endpoint, &err), err);
    options = (struct credentials_options){.region = "eu-west-1",
                                           .sts = &endpoint,
                                           .ca_file = "",
                                           .user_agent = "orderd/test",
                                           .stop = &stop};
}

START_TEST(says_who)
{
    static const struct peer_row rows[] = {
        {{.method = "POST",
          .body = "Action=GetCallerIdentity&Version=2011-06-15",
          .header = "X-Amz-Security-Token: a/token"},
         {.body = ANSWER("arn:aws:iam::123456789012:user/orders", "123456789012")}},
    };

    start(rows, 1);
    ck_succeeds(sts_caller_identity(&options, keys, &who, &err), err);
    ck_assert_str_eq(who.account, "123456789012");
    ck_assert_str_eq(who.arn, "arn:aws:iam::123456789012:user/orders");
    ck_assert_ptr_nonnull(strstr(peer_header(peer_request(peer, 0), "Authorization"),
                                 "/20261122/eu-west-1/sts/aws4_request"));
}
END_TEST

static const char *const lacking[] = {
    ANSWER("", "123456789012"),
    ANSWER("arn:aws:iam::1:user/u", ""),
    "<GetCallerIdentityResponse></GetCallerIdentityResponse>",
    "<a><Account>1</Account><Arn>2</Arn></a>",
    ANSWER("a", "12345678901234567890123456789012345678901234567890123456789012345678901234567890"),
};

START_TEST(needs_all_of_it)
{
    const struct peer_row row = {PEER_ANY, {.body = lacking[_i]}};
    const struct peer_row rows[] = {row, row, row};

    start(rows, 3);
    ck_fails(sts_caller_identity(&options, keys, &who, &err), err, ERROR_MALFORMED);
    ck_assert_str_eq(who.arn, "");
}
END_TEST

START_TEST(a_refusal)
{
    static const struct peer_row rows[] = {
        {PEER_ANY,
         {.status = 403,
          .body = "<ErrorResponse><Error><Code>InvalidClientTokenId</Code><Message>no such key"
                  "</Message></Error></ErrorResponse>"}},
    };

    start(rows, 1);
    ck_fails(sts_caller_identity(&options, keys, &who, &err), err, ERROR_AUTH);
    ck_assert_ptr_nonnull(strstr(err.text, "STS GetCallerIdentity: no such key"));
    ck_assert_ptr_null(strstr(err.text, "secret"));
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_test(tc, says_who);
    tcase_add_loop_test(tc, needs_all_of_it, 0, COUNT(lacking));
    tcase_add_test(tc, a_refusal);
}

int main(void)
{
    return check_run("sts_identity", add_tests, setup, teardown);
}
