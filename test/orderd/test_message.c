#include "orderd/message.h"

#include "base/mem.h"
#include "check_main.h"
#include "order/document.h"

#include <stdio.h>
#include <string.h>

static struct message *new_message(int64_t number)
{
    struct sqs_message received = {.body_len = 4, .receive_count = 2, .sent_ms = number};

    (void)snprintf(received.id, sizeof(received.id), "m-%d", (int)number);
    received.receipt_handle = xstrdup("handle");
    received.body = xstrdup("body");
    return message_new(&received, 1000, 80);
}

START_TEST(takes_what_was_received)
{
    struct sqs_message received = {.id = "m-1", .body_len = 4, .receive_count = 3, .sent_ms = 5};
    struct message *m;
    char *handle = xstrdup("handle");
    char *body = xstrdup("body");

    received.receipt_handle = handle;
    received.body = body;
    m = message_new(&received, 1000, 80);
    ck_assert_ptr_null(received.receipt_handle);
    ck_assert_ptr_null(received.body);
    ck_assert_ptr_eq(m->sqs.receipt_handle, handle);
    ck_assert_ptr_eq(m->sqs.body, body);
    ck_assert_str_eq(m->sqs.id, "m-1");
    ck_assert_uint_eq(m->sqs.body_len, 4);
    ck_assert_int_eq(m->sqs.receive_count, 3);
    ck_assert_int_eq(m->sqs.sent_ms, 5);
    ck_assert_int_eq(m->received_ns, 1000);
    ck_assert_int_eq(lease_end_ns(&m->lease), 1080);
    ck_assert_str_eq(m->confirmation.number, "");
    ck_assert_uint_eq(m->tries, 0);
    message_free(m);
    message_free(NULL);
}
END_TEST

START_TEST(ends_its_lease)
{
    struct leases *r = leases_new();
    struct message *m = new_message(1);

    ck_assert_ptr_null(m->lease.leases); /* whoever received it registers it */
    (void)lease_begin(r, &m->lease);
    ck_assert_int_eq(leases_received_again(r, "m-1", (char[LEASE_CONFIRMATION_SIZE]){0}),
                     LEASE_IN_WORK);
    message_free(m);
    ck_assert_int_eq(leases_received_again(r, "m-1", (char[LEASE_CONFIRMATION_SIZE]){0}),
                     LEASE_UNKNOWN);
    leases_free(r);
}
END_TEST

START_TEST(keeps_messages_in_order)
{
    struct message_list list = MESSAGE_LIST_INIT;

    ck_assert_ptr_null(message_list_take(&list));
    for (int round = 0; round < 2; round++) { /* also after it was empty again */
        for (int i = 0; i < 3; i++)
            message_list_add(&list, new_message(i));
        ck_assert_uint_eq(list.count, 3);
        for (int i = 0; i < 3; i++) {
            struct message *m = message_list_take(&list);

            ck_assert_int_eq(m->sqs.sent_ms, i);
            ck_assert_ptr_null(m->next);
            message_free(m);
        }
        ck_assert_ptr_null(message_list_take(&list));
        ck_assert_uint_eq(list.count, 0);
    }
    for (int i = 0; i < 3; i++)
        message_list_add(&list, new_message(i));
    message_list_release(&list);
    ck_assert_uint_eq(list.count, 0);
    ck_assert_ptr_null(list.first);
}
END_TEST

enum { LISTS = 3, OPERATIONS = 5000, MESSAGES_MAX = 60 };

/* Lists beside plain arrays of numbers that the same is done to. */
static struct message_list lists[LISTS];
static int64_t expected[LISTS][MESSAGES_MAX];
static unsigned counts[LISTS];

static bool is_as_expected(const struct message_list *list, const int64_t *numbers, unsigned count)
{
    const struct message *m = list->first;

    if (list->count != count || (list->last == NULL) != (count == 0))
        return false;
    for (unsigned i = 0; i < count; i++, m = m->next)
        if (m == NULL || m->sqs.sent_ms != numbers[i] || (m == list->last) != (i == count - 1))
            return false;
    return m == NULL;
}

static void do_something(struct dice *d, int64_t number)
{
    unsigned to = dice_below(d, LISTS);
    unsigned from = (to + 1 + dice_below(d, LISTS - 1)) % LISTS;
    struct message *m;

    switch (dice_below(d, 5)) {
    case 0:
        if (counts[to] + counts[from] > MESSAGES_MAX)
            return;
        message_list_move(&lists[to], &lists[from]);
        memcpy(expected[to] + counts[to], expected[from], counts[from] * sizeof(expected[0][0]));
        counts[to] += counts[from];
        counts[from] = 0;
        break;
    case 1:
    case 2:
        m = message_list_take(&lists[to]);
        ck_assert_int_eq(m == NULL, counts[to] == 0);
        if (m == NULL)
            return;
        ck_assert_int_eq(m->sqs.sent_ms, expected[to][0]);
        memmove(expected[to], expected[to] + 1, --counts[to] * sizeof(expected[0][0]));
        message_free(m);
        break;
    default:
        if (counts[to] == MESSAGES_MAX)
            return;
        message_list_add(&lists[to], new_message(number));
        expected[to][counts[to]++] = number;
    }
}

START_TEST(keeps_lists_whole_under_random_operations)
{
    struct dice d = {.state = 1};

    for (int l = 0; l < LISTS; l++) {
        lists[l] = MESSAGE_LIST_INIT;
        counts[l] = 0;
    }
    for (int64_t i = 0; i < OPERATIONS; i++) {
        do_something(&d, i);
        for (int l = 0; l < LISTS; l++)
            ck_assert(is_as_expected(&lists[l], expected[l], counts[l]));
    }
    for (int l = 0; l < LISTS; l++)
        message_list_release(&lists[l]);
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_test(tc, takes_what_was_received);
    tcase_add_test(tc, ends_its_lease);
    tcase_add_test(tc, keeps_messages_in_order);
    tcase_add_test(tc, keeps_lists_whole_under_random_operations);
}

int main(void)
{
    return check_run("message", add_tests, NULL, NULL);
}
