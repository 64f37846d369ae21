#include "aws/sqs_move.h"

#include "check_main.h"
#include "fake/client.h"
#include "fake/clock.h"
#include "fake/peer.h"

#include <string.h>

#define DEAD "arn:aws:sqs:eu-west-1:1:dead"

static struct error err;
static struct fake_client fake;
static struct sqs sqs;
static struct peer *peer;

static void start(const struct peer_row *rows, size_t count)
{
    peer = peer_start(rows, count);
    fake_client_start(&fake, &service_sqs, peer_url(peer), "");
    sqs_init(&sqs, &fake.client, fake.group, "https://sqs.eu-west-1.amazonaws.com/1/dead");
}

static void teardown(void)
{
    peer_stop(peer);
    sqs_release(&sqs);
    fake_client_end(&fake);
    peer_end(peer);
}

START_TEST(starts_a_task)
{
    static const struct peer_row rows[] = {
        {{.operation = "StartMessageMoveTask", .body = "{\"SourceArn\":\"" DEAD "\"}"},
         {.body = "{\"TaskHandle\":\"t-1\"}"}},
        {{.operation = "StartMessageMoveTask", .body = "\"MaxNumberOfMessagesPerSecond\":7"},
         {.body = "{}"}},
        {PEER_ANY,
         {.status = 400,
          .body = "{\"__type\":\"InvalidParameterValueException\",\"message\":\"no\"}"}},
    };
    char handle[SQS_MOVE_HANDLE_MAX];

    start(rows, 3);
    ck_succeeds(sqs_move_start(&sqs, DEAD, 0, NULL, handle, &err), err);
    ck_assert_str_eq(handle, "t-1");
    ck_succeeds(sqs_move_start(&sqs, DEAD, 7, NULL, handle, &err), err);
    ck_assert_str_eq(handle, "");
    ck_fails(sqs_move_start(&sqs, DEAD, 0, NULL, handle, &err), err, ERROR_REJECTED);
}
END_TEST

static const struct {
    const char *reply;
    struct sqs_move expected;
} tasks[] = {
    {"{}", {.moved = -1, .to_move = -1}},
    {"{\"Results\":[]}", {.moved = -1, .to_move = -1}},
    {"{\"Results\":[{\"TaskHandle\":\"t\",\"Status\":\"RUNNING\","
     "\"ApproximateNumberOfMessagesMoved\":3,\"ApproximateNumberOfMessagesToMove\":9,"
     "\"StartedTimestamp\":1795352709123},{\"Status\":\"FAILED\"}]}",
     {.status = SQS_MOVE_RUNNING,
      .handle = "t",
      .moved = 3,
      .to_move = 9,
      .started_ms = 1795352709123}},
    {"{\"Results\":[{\"Status\":\"CANCELLING\",\"ApproximateNumberOfMessagesMoved\":0}]}",
     {.status = SQS_MOVE_CANCELLING, .to_move = -1}},
    {"{\"Results\":[{\"Status\":\"COMPLETED\"}]}",
     {.status = SQS_MOVE_COMPLETED, .moved = -1, .to_move = -1}},
    {"{\"Results\":[{\"Status\":\"CANCELLED\"}]}",
     {.status = SQS_MOVE_CANCELLED, .moved = -1, .to_move = -1}},
    {"{\"Results\":[{\"Status\":\"FAILED\",\"FailureReason\":\"AccessDenied\"}]}",
     {.status = SQS_MOVE_FAILED, .moved = -1, .to_move = -1, .reason = "AccessDenied"}},
};

START_TEST(tells_how_a_task_stands)
{
    const struct sqs_move *expected = &tasks[_i].expected;
    const struct peer_row row = {{.operation = "ListMessageMoveTasks",
                                  .body = "{\"SourceArn\":\"" DEAD "\",\"MaxResults\":1}"},
                                 {.body = tasks[_i].reply}};
    struct sqs_move task;

    start(&row, 1);
    ck_succeeds(sqs_move_latest(&sqs, DEAD, NULL, &task, &err), err);
    ck_assert_int_eq(task.status, expected->status);
    ck_assert_str_eq(task.handle, expected->handle);
    ck_assert_int_eq(task.moved, expected->moved);
    ck_assert_int_eq(task.to_move, expected->to_move);
    ck_assert_int_eq(task.started_ms, expected->started_ms);
    ck_assert_str_eq(task.reason, expected->reason);
}
END_TEST

START_TEST(knows_no_other_status)
{
    static const struct peer_row rows[] = {
        {PEER_ANY, {.body = "{\"Results\":[{\"Status\":\"NONE\"}]}"}},
        {PEER_ANY, {.body = "{\"Results\":[7]}"}},
    };
    struct sqs_move task;

    start(rows, 2);
    ck_fails(sqs_move_latest(&sqs, DEAD, NULL, &task, &err), err, ERROR_MALFORMED);
    ck_fails(sqs_move_latest(&sqs, DEAD, NULL, &task, &err), err, ERROR_MALFORMED);
}
END_TEST

START_TEST(cancels_a_task)
{
    static const struct peer_row rows[] = {
        {{.operation = "CancelMessageMoveTask", .body = "{\"TaskHandle\":\"t-1\"}"},
         {.body = "{\"ApproximateNumberOfMessagesMoved\":5}"}},
        {PEER_ANY, {.body = "{}"}},
        {PEER_ANY,
         {.status = 404, .body = "{\"__type\":\"ResourceNotFoundException\",\"message\":\"no\"}"}},
    };
    int64_t moved = 0;

    start(rows, 3);
    ck_succeeds(sqs_move_cancel(&sqs, "t-1", &moved, &err), err);
    ck_assert_int_eq(moved, 5);
    ck_succeeds(sqs_move_cancel(&sqs, "t-1", &moved, &err), err);
    ck_assert_int_eq(moved, -1);
    ck_fails(sqs_move_cancel(&sqs, "t-1", &moved, &err), err, ERROR_CONFIG);
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_test(tc, starts_a_task);
    tcase_add_loop_test(tc, tells_how_a_task_stands, 0, COUNT(tasks));
    tcase_add_test(tc, knows_no_other_status);
    tcase_add_test(tc, cancels_a_task);
}

int main(void)
{
    return check_run("sqs: move tasks", add_tests, NULL, teardown);
}
