#include "aws/sqs_move.h"

#include "base/mem.h"

#include <stdio.h>
#include <string.h>

static const char *const statuses[] = {
    [SQS_MOVE_RUNNING] = "RUNNING",     [SQS_MOVE_CANCELLING] = "CANCELLING",
    [SQS_MOVE_COMPLETED] = "COMPLETED", [SQS_MOVE_CANCELLED] = "CANCELLED",
    [SQS_MOVE_FAILED] = "FAILED",
};

static int64_t number_of(const json_t *object, const char *member)
{
    const json_t *number = json_object_get(object, member);

    return json_is_integer(number) ? json_integer_value(number) : -1;
}

/* Copies a task's handle; "" when there is none that fits. */
static void take_handle(const json_t *object, char handle[SQS_MOVE_HANDLE_MAX])
{
    const char *text = json_string_value(json_object_get(object, "TaskHandle"));
    bool usable = text != NULL && strlen(text) < SQS_MOVE_HANDLE_MAX;

    (void)snprintf(handle, SQS_MOVE_HANDLE_MAX, "%s", usable ? text : "");
}

bool sqs_move_start(struct sqs *s, const char *source_arn, unsigned rate, const struct stop *stop,
                    char handle[SQS_MOVE_HANDLE_MAX], struct error *err)
{
    CLEANUP(json_decrefp) json_t *request = json_pack("{s:s}", "SourceArn", source_arn);
    CLEANUP(json_decrefp) json_t *reply = NULL;

    if (rate > 0)
        (void)json_object_set_new(request, "MaxNumberOfMessagesPerSecond", json_integer(rate));
    if (!sqs_call(s, "StartMessageMoveTask", request, stop, &reply, err))
        return false;
    take_handle(reply, handle);
    return true;
}

/* Reads a task's row; false when its status is none that is known. */
static bool read_task(const json_t *row, struct sqs_move *out)
{
    const char *status = json_string_value(json_object_get(row, "Status"));
    const char *reason = json_string_value(json_object_get(row, "FailureReason"));

    *out = (struct sqs_move){
        .moved = number_of(row, "ApproximateNumberOfMessagesMoved"),
        .to_move = number_of(row, "ApproximateNumberOfMessagesToMove"),
        .started_ms = number_of(row, "StartedTimestamp"),
    };
    if (out->started_ms < 0)
        out->started_ms = 0;
    take_handle(row, out->handle);
    (void)snprintf(out->reason, sizeof(out->reason), "%s", reason != NULL ? reason : "");
    for (size_t i = SQS_MOVE_RUNNING; status != NULL && i <= SQS_MOVE_FAILED; i++)
        if (strcmp(status, statuses[i]) == 0)
            out->status = (enum sqs_move_status)i;
    return out->status != SQS_MOVE_NONE;
}

bool sqs_move_latest(struct sqs *s, const char *source_arn, const struct stop *stop,
                     struct sqs_move *out, struct error *err)
{
    CLEANUP(json_decrefp)
    json_t *request = json_pack("{s:s,s:i}", "SourceArn", source_arn, "MaxResults", 1);
    CLEANUP(json_decrefp) json_t *reply = NULL;
    struct sqs_move task = {.moved = -1, .to_move = -1};
    const json_t *row;

    if (!sqs_call(s, "ListMessageMoveTasks", request, stop, &reply, err))
        return false;
    row = json_array_get(json_object_get(reply, "Results"), 0); /* the most recent one is first */
    if (row != NULL && !read_task(row, &task))
        return error_set(err, ERROR_MALFORMED, "MalformedReply",
                         "SQS's reply has a move task of no known status");
    *out = task;
    return true;
}

bool sqs_move_cancel(struct sqs *s, const char *handle, int64_t *moved, struct error *err)
{
    CLEANUP(json_decrefp) json_t *request = json_pack("{s:s}", "TaskHandle", handle);
    CLEANUP(json_decrefp) json_t *reply = NULL;

    if (!sqs_call(s, "CancelMessageMoveTask", request, NULL, &reply, err))
        return false;
    *moved = number_of(reply, "ApproximateNumberOfMessagesMoved");
    return true;
}
