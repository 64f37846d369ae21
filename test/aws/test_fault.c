#include "aws/fault.h"

#include "check_main.h"

#include <string.h>

static const struct {
    int status;
    const char *body, *error_type, *query_error;
    enum error_kind kind;
    const char *code, *text;
} replies[] = {
    /* where a name may stand, and how it may be dressed */
    {400, "{\"__type\":\"com.amazonaws.sqs#QueueDoesNotExist\",\"message\":\"No such queue.\"}",
     NULL, "AWS.SimpleQueueService.NonExistentQueue;Sender", ERROR_CONFIG, "QueueDoesNotExist",
     "No such queue. (QueueDoesNotExist, status 400)"},
    {400, "{\"__type\":\"QueueDoesNotExist\"}", NULL, NULL, ERROR_CONFIG, "QueueDoesNotExist",
     "the service gave no reason (QueueDoesNotExist, status 400)"},
    {400, "{\"code\":\"ThrottlingException\",\"Message\":\"Slow.\"}", NULL, NULL, ERROR_THROTTLED,
     "ThrottlingException", "Slow. (ThrottlingException, status 400)"},
    {400, "{\"__type\":\"a.b#ThrottlingException:http://internal.example.com/x#y\"}", NULL, NULL,
     ERROR_THROTTLED, "ThrottlingException", NULL},
    {400, "{\"message\":\"m\"}", "RequestThrottled:http://example.com/", NULL, ERROR_THROTTLED,
     "RequestThrottled", "m (RequestThrottled, status 400)"},
    {400, "", "com.amazonaws.sqs#OverLimit", NULL, ERROR_THROTTLED, "OverLimit", NULL},
    {400, "{\"__type\":\"\"}", "OverLimit", NULL, ERROR_THROTTLED, "OverLimit", NULL},
    {400, "{\"__type\":\"OverLimit\"}", "ValidationException", NULL, ERROR_THROTTLED, "OverLimit",
     NULL},
    {400, "{}", NULL, "AWS.SimpleQueueService.NonExistentQueue;Sender", ERROR_CONFIG,
     "AWS.SimpleQueueService.NonExistentQueue", NULL},
    /* a name that is unknown, beside a query name that is not */
    {400, "{\"__type\":\"NewName\"}", NULL, "KMS.ThrottlingException;Sender", ERROR_THROTTLED,
     "NewName", NULL},
    /* query names that say nothing */
    {400, "{}", NULL, "OverLimit", ERROR_REJECTED, "Http400", NULL},
    {400, "{}", NULL, "OverLimit;Sender;more", ERROR_REJECTED, "Http400", NULL},
    {400, "{}", NULL, ";Sender", ERROR_REJECTED, "Http400", NULL},
    {400, "{}", NULL, "", ERROR_REJECTED, "Http400", NULL},
    /* both spellings of SQS's own */
    {400, "{\"__type\":\"InvalidParameterValueException\"}", NULL, "InvalidParameterValue;Sender",
     ERROR_REJECTED, "InvalidParameterValueException", NULL},
    {400, "{\"__type\":\"InvalidParameterValue\"}", NULL, NULL, ERROR_REJECTED,
     "InvalidParameterValue", NULL},
    {400, "{\"__type\":\"MissingRequiredParameterException\"}", NULL, "MissingParameter;Sender",
     ERROR_REJECTED, "MissingRequiredParameterException", NULL},
    {400, "{\"__type\":\"ReceiptHandleIsInvalid\"}", NULL, "ReceiptHandleIsInvalid;Sender",
     ERROR_REJECTED, "ReceiptHandleIsInvalid", NULL},
    /* a name decides where the status would say something else */
    {403, "{\"__type\":\"RequestThrottled\"}", NULL, NULL, ERROR_THROTTLED, "RequestThrottled",
     NULL},
    {400, "{\"__type\":\"InternalFailure\"}", NULL, NULL, ERROR_SERVER, "InternalFailure", NULL},
    {400, "{\"__type\":\"AccessDeniedException\"}", NULL, NULL, ERROR_AUTH, "AccessDeniedException",
     NULL},
    {400, "{\"__type\":\"com.amazon.coral.service#ExpiredTokenException\"}", NULL, NULL,
     ERROR_EXPIRED, "ExpiredTokenException", NULL},
    {500, "{\"__type\":\"ValidationException\"}", NULL, NULL, ERROR_REJECTED, "ValidationException",
     NULL},
    {400, "{\"__type\":\"com.amazonaws.dynamodb.v20120810#ConditionalCheckFailedException\"}", NULL,
     NULL, ERROR_REJECTED, "ConditionalCheckFailedException", NULL},
    {400, "{\"__type\":\"#ProvisionedThroughputExceededException\"}", NULL, NULL, ERROR_THROTTLED,
     "ProvisionedThroughputExceededException", NULL},
    {400, "{\"__type\":\"ResourceNotFoundException\"}", NULL, NULL, ERROR_CONFIG,
     "ResourceNotFoundException", NULL},
    {403, "{\"__type\":\"RequestTimeTooSkewed\"}", NULL, NULL, ERROR_AUTH, "RequestTimeTooSkewed",
     NULL},
    {400, "{\"__type\":\"RequestInTheFuture\"}", NULL, NULL, ERROR_AUTH, "RequestInTheFuture",
     NULL},
    /* what is no name is none */
    {400, "{\"__type\":\"a b\\u0007\"}", NULL, NULL, ERROR_REJECTED, "Http400", NULL},
    /* of two names the one that says more */
    {403, "{\"__type\":\"InvalidSecurity\"}", NULL, "InvalidClientTokenId;Sender", ERROR_AUTH,
     "InvalidClientTokenId", NULL},
    {403, "{\"__type\":\"InvalidSecurity\"}", NULL, "ExpiredToken;Sender", ERROR_EXPIRED,
     "ExpiredToken", NULL},
    {403, "{\"__type\":\"PurgeQueueInProgress\"}", NULL,
     "AWS.SimpleQueueService.PurgeQueueInProgress;Sender", ERROR_REJECTED, "PurgeQueueInProgress",
     NULL},
    /* a cancelled transaction: the reasons of its actions decide */
    {400,
     "{\"__type\":\"x#TransactionCanceledException\",\"Message\":\"m\",\"CancellationReasons\":"
     "[{\"Code\":\"None\"},{\"Code\":\"TransactionConflict\"}]}",
     NULL, NULL, ERROR_SERVER, "TransactionCanceledException",
     "m (TransactionCanceledException, status 400)"},
    {400,
     "{\"__type\":\"TransactionCanceledException\",\"CancellationReasons\":"
     "[{\"Code\":\"ThrottlingError\"},{\"Code\":\"None\"}]}",
     NULL, NULL, ERROR_THROTTLED, "TransactionCanceledException", NULL},
    {400,
     "{\"__type\":\"TransactionCanceledException\",\"CancellationReasons\":"
     "[{\"Code\":\"ConditionalCheckFailed\"},{\"Code\":\"TransactionConflict\"}]}",
     NULL, NULL, ERROR_REJECTED, "TransactionCanceledException", NULL},
    {400, "{\"__type\":\"TransactionCanceledException\",\"CancellationReasons\":{\"a\":1}}", NULL,
     NULL, ERROR_REJECTED, "TransactionCanceledException", NULL},
    /* no name at all: the status decides */
    {500, "", NULL, NULL, ERROR_SERVER, "Http500",
     "the service gave no reason (Http500, status 500)"},
    {503, "<html><body>503 Service Unavailable</body></html>", NULL, NULL, ERROR_SERVER, "Http503",
     "the service gave no reason (Http503, status 503)"},
    /* XML of the older protocol says as much as JSON, when it is whole */
    {400, "<?xml version=\"1.0\"?><ErrorResponse><Error><Code>x</Code></Error></ErrorResponse>",
     NULL, NULL, ERROR_REJECTED, "x", "the service gave no reason (x, status 400)"},
    {403,
     "<ErrorResponse><Errors><Error><Code>ExpiredToken</Code><Message>old</Message></Error>"
     "</Errors></ErrorResponse>",
     NULL, NULL, ERROR_EXPIRED, "ExpiredToken", "old (ExpiredToken, status 403)"},
    {403, "<ErrorResponse><Error><Code>ExpiredToken</Code>", NULL, NULL, ERROR_AUTH, "Http403",
     NULL},
    {403, "<html/>", NULL, NULL, ERROR_AUTH, "Http403",
     "the service gave no reason; usually access is refused: check the credentials and their "
     "rights, this machine's clock, and what stands in between (a proxy, a firewall, the policy of "
     "a VPC endpoint) (Http403, status 403)"},
    {403, "", "AccessDenied", NULL, ERROR_AUTH, "AccessDenied",
     "the service gave no reason (AccessDenied, status 403)"},
    {403, "{\"message\":\"Forbidden\"}", NULL, NULL, ERROR_AUTH, "Http403",
     "Forbidden (Http403, status 403)"},
    {407, "", NULL, NULL, ERROR_AUTH, "Http407",
     "the service gave no reason; usually the proxy wants a user and a password: check HTTPS_PROXY "
     "and http_proxy (Http407, status 407)"},
    {404, "404 page not found", NULL, NULL, ERROR_REJECTED, "Http404",
     "the service gave no reason; usually this is not the service that was meant: check the "
     "endpoint, its path too (Http404, status 404)"},
    {413, "", NULL, NULL, ERROR_REJECTED, "Http413",
     "the service gave no reason; usually the request is too large for something in between: check "
     "the proxy's limits (Http413, status 413)"},
    {418, "", NULL, NULL, ERROR_REJECTED, "Http418",
     "the service gave no reason; usually something in between answered: check the endpoint, the "
     "proxy and firewalls (Http418, status 418)"},
    {408, "", NULL, NULL, ERROR_TIMEOUT, "Http408", NULL},
    {429, "", NULL, NULL, ERROR_THROTTLED, "Http429", NULL},
    {301, "", NULL, NULL, ERROR_REJECTED, "Http301", NULL},
    {404, "{\"message\":\"Not Found\"}", NULL, NULL, ERROR_REJECTED, "Http404",
     "Not Found (Http404, status 404)"},
    {502, "{\"__type\":\"Unheard#Of\"}", NULL, NULL, ERROR_SERVER, "Of", NULL},
    /* JSON of other shapes */
    {500, "[]", NULL, NULL, ERROR_SERVER, "Http500", NULL},
    {500, "\"__type\"", NULL, NULL, ERROR_SERVER, "Http500", NULL},
    {500, "null", NULL, NULL, ERROR_SERVER, "Http500", NULL},
    {500, "{\"__type\":5,\"message\":{}}", NULL, NULL, ERROR_SERVER, "Http500", NULL},
    {500, "{\"__type\":\"OverLimit\",\"message\":\"", NULL, NULL, ERROR_SERVER, "Http500", NULL},
    /* U+0000, which an item that is handed back may hold */
    {400, "{\"__type\":\"OverLimit\",\"message\":\"a\\u0000b\"}", NULL, NULL, ERROR_THROTTLED,
     "OverLimit", "a (OverLimit, status 400)"},
    /* both keys for the message; an empty one is none */
    {400, "{\"__type\":\"OverLimit\",\"message\":\"one\",\"Message\":\"two\"}", NULL, NULL,
     ERROR_THROTTLED, "OverLimit", "one (OverLimit, status 400)"},
    {400, "{\"__type\":\"OverLimit\",\"message\":\"\"}", NULL, NULL, ERROR_THROTTLED, "OverLimit",
     "the service gave no reason (OverLimit, status 400)"},
    /* the canonical request that follows the first line holds the session token */
    {403,
     "{\"__type\":\"InvalidSignatureException\",\"message\":\"The signature does not "
     "match.\\n\\nThe "
     "Canonical String should have been\\nx-amz-security-token:SECRET\"}",
     NULL, NULL, ERROR_AUTH, "InvalidSignatureException",
     "The signature does not match. (InvalidSignatureException, status 403)"},
};

START_TEST(reads_reply)
{
    const struct fault_reply reply = {
        .status = replies[_i].status,
        .body = replies[_i].body,
        .body_len = strlen(replies[_i].body),
        .error_type = replies[_i].error_type,
        .query_error = replies[_i].query_error,
    };
    struct error err = ERROR_INIT;
    json_t *body = NULL;
    json_t *expected = json_loads(reply.body, JSON_ALLOW_NUL, NULL);

    err.maybe_sent = true;
    fault_read(&reply, &body, &err);
    ck_assert_str_eq(error_kind_name(err.kind), error_kind_name(replies[_i].kind));
    ck_assert_str_eq(err.code, replies[_i].code);
    if (replies[_i].text != NULL)
        ck_assert_str_eq(err.text, replies[_i].text);
    ck_assert_msg(!err.maybe_sent, "this was a whole answer");
    ck_assert(json_is_object(expected) ? json_equal(body, expected) : body == NULL);
    json_decref(expected);
    json_decref(body);
}
END_TEST

/* Whatever the status is: words to act on where it is a client's, and no more than fits. */
START_TEST(says_what_to_look_at)
{
    for (int status = 100; status < 1000; status++) {
        const struct fault_reply reply = {.status = status, .body = ""};
        struct error err = ERROR_INIT;
        json_t *body = NULL;
        char end[40];

        fault_read(&reply, &body, &err);
        ck_assert_ptr_null(body);
        ck_assert_int_eq(strstr(err.text, "; usually ") != NULL, status >= 300 && status < 500);
        (void)snprintf(end, sizeof(end), " (Http%d, status %d)", status, status);
        ck_assert_pstr_eq(strstr(err.text, " (Http"), end);
        ck_assert_uint_lt(strlen(err.text), 300);
    }
}
END_TEST

START_TEST(survives_names_and_texts_of_any_length)
{
    static char long_text[5000];
    static char long_name[5000];
    struct error err = ERROR_INIT;
    struct fault_reply reply = {.status = 500, .body = "", .error_type = long_text};
    json_t *body = NULL;
    json_t *made;
    char *text;

    memset(long_text, 'x', sizeof(long_text) - 1);
    memset(long_name, 'x', sizeof(long_name) - 1);
    fault_read(&reply, &body, &err);
    ck_assert_uint_eq(strlen(err.code), 63);
    ck_assert_ptr_null(body);
    for (size_t i = 0; i < sizeof(long_text) - 1; i += 10)
        long_text[i] = ' '; /* words: a long run would be taken for a secret */
    long_text[0] = 'x';
    made = json_pack("{s:s, s:s}", "__type", long_name, "message", long_text);
    text = json_dumps(made, 0);
    reply = (struct fault_reply){.status = 500, .body = text, .body_len = strlen(text)};
    fault_read(&reply, &body, &err);
    ck_assert_uint_eq(strlen(err.code), 63);
    ck_assert_uint_gt(strlen(err.text), 350);
    ck_assert_uint_lt(strlen(err.text), sizeof(err.text));
    ck_assert_int_eq(err.kind, ERROR_SERVER);
    json_decref(body);
    json_decref(made);
    free(text);
}
END_TEST

/* What the services document or were seen to say, beyond the rows above: each has a kind. */
static const struct {
    enum error_kind kind;
    const char *codes[20];
} kinds[] = {
    {ERROR_THROTTLED,
     {"Throttling", "ThrottlingException", "ThrottledException", "RequestThrottledException",
      "TooManyRequestsException", "ProvisionedThroughputExceededException",
      "TransactionInProgressException", "RequestLimitExceeded", "BandwidthLimitExceeded",
      "LimitExceededException", "RequestThrottled", "SlowDown", "PriorRequestNotComplete",
      "EC2ThrottledException", "KmsThrottled", "OverLimit"}},
    {ERROR_SERVER,
     {"InternalServerError", "ServiceUnavailable", "ReplicatedWriteConflictException"}},
    {ERROR_TIMEOUT, {"RequestTimeout", "RequestTimeoutException"}},
    {ERROR_EXPIRED, {"ExpiredToken", "RequestExpired"}},
    {ERROR_AUTH,
     {"AccessDenied", "InvalidClientTokenId", "UnrecognizedClientException",
      "SignatureDoesNotMatch", "MissingAuthenticationToken", "OptInRequired", "KmsAccessDenied",
      "InvalidSecurity"}},
    {ERROR_CONFIG,
     {"KmsDisabled", "KmsInvalidKeyUsage", "KmsInvalidState", "KmsNotFound", "KmsOptInRequired",
      "InvalidAddress", "UnsupportedOperation"}},
    {ERROR_REJECTED, {"ItemCollectionSizeLimitExceededException", "SerializationException"}},
    {ERROR_NONE, {"", "throttling", "NoSuchError"}},
};

START_TEST(knows_the_kind)
{
    for (size_t i = 0; kinds[_i].codes[i] != NULL; i++)
        ck_assert_msg(fault_kind(kinds[_i].codes[i]) == kinds[_i].kind, "%s: %s",
                      kinds[_i].codes[i], error_kind_name(fault_kind(kinds[_i].codes[i])));
}
END_TEST

/* What a service quotes of a request must not get into a log. */
START_TEST(does_not_repeat_secrets)
{
    static const char handle[] =
        "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a9Fjy7vJXkPq1zTzMwqpGz5ZkYkVsr8bB6mHbAq";
    char body[400];
    struct fault_reply reply = {.status = 400, .body = body};
    struct error err = ERROR_INIT;
    json_t *parsed = NULL;

    reply.body_len =
        (size_t)snprintf(body, sizeof(body),
                         "{\"__type\":\"x#ReceiptHandleIsInvalid\",\"message\":\"The input "
                         "receipt handle \\\"%s\\\" is not valid for queue orders.\"}",
                         handle);
    fault_read(&reply, &parsed, &err);
    ck_assert_ptr_null(strstr(err.text, "AQEB"));
    ck_assert_ptr_nonnull(
        strstr(err.text, "receipt handle \"[...]\" is not valid for queue orders."));
    json_decref(parsed);
}
END_TEST

static void add_tests(TCase *tc)
{
    tcase_add_test(tc, does_not_repeat_secrets);
    tcase_add_loop_test(tc, reads_reply, 0, COUNT(replies));
    tcase_add_test(tc, says_what_to_look_at);
    tcase_add_test(tc, survives_names_and_texts_of_any_length);
    tcase_add_loop_test(tc, knows_the_kind, 0, COUNT(kinds));
}

int main(void)
{
    return check_run("fault", add_tests, NULL, NULL);
}
