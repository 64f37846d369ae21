#include "orderd/outcome.h"

#include "check_main.h"

#include <string.h>

START_TEST(names_events)
{
    static const char *const names[] = {"processed", "duplicate", "failed", "deferred"};

    ck_assert_int_eq(EVENTS, COUNT(names));
    for (int i = 0; i < EVENTS; i++)
        ck_assert_str_eq(outcome_event_name((enum event)i), names[i]);
}
END_TEST

/* The verdict on every kind of error of every step. */
static const struct {
    enum step step;
    enum error_kind kind;
    const char *code; /* the error's */
    enum event event;
    bool permanent;
    const char *verdict_code; /* NULL: the error's */
    bool refused;
} verdicts[] = {
    /* an order is what it is */
    {STEP_ORDER, ERROR_REJECTED, "INVALID_JSON", EVENT_FAILED, true, NULL, false},
    {STEP_ORDER, ERROR_REJECTED, "INVALID_ORDER", EVENT_FAILED, true, NULL, false},
    {STEP_ORDER, ERROR_STOPPED, "Stopped", EVENT_DEFERRED, false, NULL, false},
    /* another attempt at processing may do better, whatever went wrong */
    {STEP_PROCESS, ERROR_CONFIG, "x", EVENT_FAILED, false, "PROCESSING_FAILED", false},
    {STEP_PROCESS, ERROR_AUTH, "x", EVENT_FAILED, false, "PROCESSING_FAILED", false},
    {STEP_PROCESS, ERROR_EXPIRED, "x", EVENT_FAILED, false, "PROCESSING_FAILED", false},
    {STEP_PROCESS, ERROR_NETWORK, "x", EVENT_FAILED, false, "PROCESSING_FAILED", false},
    {STEP_PROCESS, ERROR_TIMEOUT, "x", EVENT_FAILED, false, "PROCESSING_FAILED", false},
    {STEP_PROCESS, ERROR_THROTTLED, "x", EVENT_FAILED, false, "PROCESSING_FAILED", false},
    {STEP_PROCESS, ERROR_SERVER, "x", EVENT_FAILED, false, "PROCESSING_FAILED", false},
    {STEP_PROCESS, ERROR_REJECTED, "x", EVENT_FAILED, false, "PROCESSING_FAILED", false},
    {STEP_PROCESS, ERROR_MALFORMED, "x", EVENT_FAILED, false, "PROCESSING_FAILED", false},
    {STEP_PROCESS, ERROR_STOPPED, "Stopped", EVENT_DEFERRED, false, NULL, false},
    /* the order's own size, nesting and numbers */
    {STEP_RECORD, ERROR_REJECTED, "ORDER_TOO_LARGE", EVENT_FAILED, true, NULL, false},
    {STEP_RECORD, ERROR_REJECTED, "INVALID_ORDER", EVENT_FAILED, true, NULL, false},
    /* what is the table's fault is waited out before: this is about one order, and may pass */
    {STEP_RECORD, ERROR_REJECTED, "ValidationException", EVENT_FAILED, false, "RECORD_REFUSED",
     true},
    {STEP_RECORD, ERROR_REJECTED, "SerializationException", EVENT_FAILED, false, "RECORD_REFUSED",
     true},
    {STEP_RECORD, ERROR_REJECTED, "Http413", EVENT_FAILED, false, "RECORD_REFUSED", true},
    {STEP_RECORD, ERROR_REJECTED, "BadKey", EVENT_FAILED, false, "RECORD_REFUSED", true},
    {STEP_RECORD, ERROR_SERVER, "ConditionWithoutReason", EVENT_FAILED, false, "RECORD_REFUSED",
     true},
    {STEP_RECORD, ERROR_SERVER, "ORDER_TOO_LARGE", EVENT_FAILED, false, "RECORD_REFUSED", true},
    {STEP_RECORD, ERROR_CONFIG, "ResourceNotFoundException", EVENT_FAILED, false, "RECORD_REFUSED",
     true},
    {STEP_RECORD, ERROR_AUTH, "AccessDeniedException", EVENT_FAILED, false, "RECORD_REFUSED", true},
    {STEP_RECORD, ERROR_EXPIRED, "ExpiredTokenException", EVENT_FAILED, false, "RECORD_REFUSED",
     true},
    {STEP_RECORD, ERROR_NETWORK, "NetworkError", EVENT_FAILED, false, "RECORD_REFUSED", true},
    {STEP_RECORD, ERROR_TIMEOUT, "Timeout", EVENT_FAILED, false, "RECORD_REFUSED", true},
    {STEP_RECORD, ERROR_THROTTLED, "ThrottlingException", EVENT_FAILED, false, "RECORD_REFUSED",
     true},
    {STEP_RECORD, ERROR_SERVER, "InternalServerError", EVENT_FAILED, false, "RECORD_REFUSED", true},
    {STEP_RECORD, ERROR_MALFORMED, "MalformedReply", EVENT_FAILED, false, "RECORD_REFUSED", true},
    /* let go: by a lost lease, the end of a hold, or of the daemon */
    {STEP_RECORD, ERROR_STOPPED, "Stopped", EVENT_DEFERRED, false, NULL, false},
    {STEP_RECORD, ERROR_STOPPED, "LeaseLost", EVENT_DEFERRED, false, NULL, false},
    {STEP_RECORD, ERROR_STOPPED, "HoldOver", EVENT_DEFERRED, false, NULL, false},
};

START_TEST(judges_every_error)
{
    for (int step = 0; step < STEPS; step++) {
        for (int kind = ERROR_NONE + 1; kind < ERROR_KINDS; kind++) {
            struct verdict v =
                outcome_of_error((enum step)step, &(struct error){.kind = (enum error_kind)kind});

            ck_assert_int_eq(v.event, kind == ERROR_STOPPED ? EVENT_DEFERRED : EVENT_FAILED);
            ck_assert(!(v.permanent && v.refused));
        }
    }
}
END_TEST

START_TEST(judges_error)
{
    struct error err = {.kind = verdicts[_i].kind};
    struct verdict v;

    (void)snprintf(err.code, sizeof(err.code), "%s", verdicts[_i].code);
    v = outcome_of_error(verdicts[_i].step, &err);
    ck_assert_int_eq(v.event, verdicts[_i].event);
    ck_assert_int_eq(v.permanent, verdicts[_i].permanent);
    ck_assert_int_eq(v.refused, verdicts[_i].refused);
    if (verdicts[_i].verdict_code == NULL)
        ck_assert_ptr_null(v.code);
    else
        ck_assert_pstr_eq(v.code, verdicts[_i].verdict_code);
}
END_TEST

static const struct {
    enum error_kind kind;
    const char *code;
    bool orders;
} own_faults[] = {
    {ERROR_REJECTED, "ORDER_TOO_LARGE", true},
    {ERROR_REJECTED, "INVALID_ORDER", true},
    {ERROR_REJECTED, "ValidationException", false},
    {ERROR_REJECTED, "ORDER_CONFLICT", false},
    {ERROR_REJECTED, "", false},
    {ERROR_SERVER, "ORDER_TOO_LARGE", false},
    {ERROR_CONFIG, "INVALID_ORDER", false},
};

START_TEST(knows_what_is_the_orders_own_fault)
{
    struct error err = {.kind = own_faults[_i].kind};

    (void)snprintf(err.code, sizeof(err.code), "%s", own_faults[_i].code);
    ck_assert_int_eq(outcome_is_orders_fault(&err), own_faults[_i].orders);
}
END_TEST

static const struct {
    int64_t max_receive_count, receive_count;
    bool final;
} finals[] = {
    {3, 1, false},  {3, 2, false},      {3, 3, true},       {3, 4, true},
    {1, 1, true},   {1, 0, false},      {0, 0, false},      {0, 1, false},
    {0, 99, false}, {1000, 999, false}, {1000, 1000, true},
};

START_TEST(knows_the_last_attempt)
{
    const struct redrive redrive = {.max_receive_count = finals[_i].max_receive_count};

    ck_assert_int_eq(outcome_is_final(&redrive, finals[_i].receive_count), finals[_i].final);
}
END_TEST

enum { PERMANENT = true, PASSING = false };

static const struct {
    enum event event;
    bool permanent;
    int64_t max_receive_count, receive_count;
    enum disposal disposal;
    unsigned seconds;
} disposals[] = {
    {EVENT_PROCESSED, PASSING, 3, 1, DISPOSAL_DELETE, 0},
    {EVENT_DUPLICATE, PASSING, 3, 3, DISPOSAL_DELETE, 0},
    {EVENT_PROCESSED, PASSING, 0, 0, DISPOSAL_DELETE, 0},
    {EVENT_DUPLICATE, PERMANENT, 3, 9, DISPOSAL_DELETE, 0},
    {EVENT_DEFERRED, PASSING, 3, 1, DISPOSAL_LEAVE, 0},
    {EVENT_DEFERRED, PERMANENT, 0, 0, DISPOSAL_LEAVE, 0},
    /* a failure that may pass waits, longer each time */
    {EVENT_FAILED, PASSING, 3, 1, DISPOSAL_CHANGE, 5},
    {EVENT_FAILED, PASSING, 3, 2, DISPOSAL_CHANGE, 30},
    {EVENT_FAILED, PASSING, 3, 3, DISPOSAL_CHANGE, 120},
    {EVENT_FAILED, PASSING, 9, 4, DISPOSAL_CHANGE, 300},
    {EVENT_FAILED, PASSING, 9, 5, DISPOSAL_CHANGE, 900},
    {EVENT_FAILED, PASSING, 9, 6, DISPOSAL_CHANGE, 900},
    {EVENT_FAILED, PASSING, 0, 1000000, DISPOSAL_CHANGE, 900},
    {EVENT_FAILED, PASSING, 3, 0, DISPOSAL_CHANGE, 120}, /* how often is not known */
    {EVENT_FAILED, PASSING, 0, 0, DISPOSAL_CHANGE, 120},
    /* a permanent one hurries to the dead-letter queue, where there is one and it is near */
    {EVENT_FAILED, PERMANENT, 3, 1, DISPOSAL_CHANGE, 0},
    {EVENT_FAILED, PERMANENT, 3, 2, DISPOSAL_CHANGE, 0},
    {EVENT_FAILED, PERMANENT, 3, 3, DISPOSAL_CHANGE, 0},
    {EVENT_FAILED, PERMANENT, 1, 1, DISPOSAL_CHANGE, 0},
    {EVENT_FAILED, PERMANENT, 1000, 3, DISPOSAL_CHANGE, 0},
    {EVENT_FAILED, PERMANENT, 1000, 4, DISPOSAL_CHANGE, 300},
    {EVENT_FAILED, PERMANENT, 1000, 500, DISPOSAL_CHANGE, 900},
    {EVENT_FAILED, PERMANENT, 3, 0, DISPOSAL_CHANGE, 120},
    {EVENT_FAILED, PERMANENT, 0, 0, DISPOSAL_CHANGE, 120},
    {EVENT_FAILED, PERMANENT, 0, 1, DISPOSAL_CHANGE, 5},
    {EVENT_FAILED, PERMANENT, 0, 2, DISPOSAL_CHANGE, 30},
    {EVENT_FAILED, PERMANENT, 0, 5, DISPOSAL_CHANGE, 900},
};

START_TEST(disposes)
{
    const struct redrive redrive = {.max_receive_count = disposals[_i].max_receive_count};
    struct message m = {.disposal_s = 0, .sqs = {.receive_count = disposals[_i].receive_count}};

    outcome_dispose(&m, disposals[_i].event, disposals[_i].permanent, &redrive);
    ck_assert_int_eq(m.disposal, disposals[_i].disposal);
    ck_assert_uint_eq(m.disposal_s, disposals[_i].seconds);
}
END_TEST

START_TEST(never_lets_a_message_spin)
{
    /* visible at once at most three times, whatever the event, the policy and the count */
    for (int64_t max = 0; max < 20; max++) {
        const struct redrive redrive = {.max_receive_count = max};

        for (int64_t count = 0; count < 20; count++) {
            for (int event = 0; event < EVENTS; event++) {
                struct message m = {.sqs = {.receive_count = count}};

                outcome_dispose(&m, (enum event)event, true, &redrive);
                if (m.disposal == DISPOSAL_CHANGE && m.disposal_s == 0)
                    ck_assert(max > 0 && count >= 1 && count <= 3);
            }
        }
    }
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_test(tc, names_events);
    tcase_add_test(tc, judges_every_error);
    tcase_add_loop_test(tc, judges_error, 0, COUNT(verdicts));
    tcase_add_loop_test(tc, knows_what_is_the_orders_own_fault, 0, COUNT(own_faults));
    tcase_add_loop_test(tc, knows_the_last_attempt, 0, COUNT(finals));
    tcase_add_loop_test(tc, disposes, 0, COUNT(disposals));
    tcase_add_test(tc, never_lets_a_message_spin);
}

int main(void)
{
    return check_run("outcome", add_tests, NULL, NULL);
}
