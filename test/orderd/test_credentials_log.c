#include "orderd/credentials_log.h"

#include "check_main.h"
#include "fake/clock.h"
#include "orderd/given.h"

static int log_fd;

static void setup(void)
{
    fake_clock_start(INT64_C(1795352709123));
    log_fd = given_log_begin();
}

static void teardown(void)
{
    given_log_end(log_fd);
    fake_clock_end();
}

static const struct {
    enum credentials_event event;
    const char *name, *level;
    bool fails;
} events[] = {
    {CREDENTIALS_REFRESHED, "credentials_refreshed", "info", false},
    {CREDENTIALS_REFRESH_FAILED, "credentials_refresh_failed", "warning", true},
    {CREDENTIALS_EXPIRED_IN_USE, "credentials_expired_in_use", "warning", true},
    {CREDENTIALS_EXPIRED, "credentials_expired", "error", true},
};

START_TEST(logs_event)
{
    struct credentials_state state = {
        .source = "instance metadata",
        .expires_ms = INT64_C(1795352709123),
        .last_error = {.kind = ERROR_TIMEOUT, .code = "Timeout", .text = "no answer"},
    };
    CLEANUP(json_decrefp) json_t *line = NULL;

    credentials_log.notice(credentials_log.arg, events[_i].event, &state);
    line = given_logged_once(log_fd, events[_i].name);
    given_field(line, "level", events[_i].level);
    given_field(line, "source", "instance metadata");
    given_field(line, "expires", "2026-11-22T13:05:09.123Z");
    if (events[_i].fails) {
        given_field(line, "error_code", "Timeout");
        given_field(line, "error", "no answer");
    }
    ck_assert_uint_eq(json_object_size(line), events[_i].fails ? 7 : 5);
}
END_TEST

START_TEST(leaves_out_the_end_of_keys_that_have_none)
{
    const struct credentials_state state = {.source = "environment", .expires_ms = INT64_MAX};
    CLEANUP(json_decrefp) json_t *line = NULL;

    credentials_log.notice(credentials_log.arg, CREDENTIALS_REFRESHED, &state);
    line = given_logged_once(log_fd, "credentials_refreshed");
    ck_assert_ptr_null(json_object_get(line, "expires"));
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_loop_test(tc, logs_event, 0, COUNT(events));
    tcase_add_test(tc, leaves_out_the_end_of_keys_that_have_none);
}

int main(void)
{
    return check_run("credentials_log", add_tests, setup, teardown);
}
