#include "aws/fault.h"

#include "aws/sts_reply.h"
#include "base/buf.h"
#include "base/mem.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum {
    MESSAGE_SIZE = 400, /* of what is shown of a service's message */
    SECRET_MIN = 60,    /* bytes without a blank that are not shown */
};

#define CODE_BYTES "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._-"

static const struct {
    const char *code;
    enum error_kind kind;
} faults[] = {
    /* throttling: the SDKs' list, and the two that it lacks (KmsThrottled, OverLimit) */
    {"BandwidthLimitExceeded", ERROR_THROTTLED},
    {"EC2ThrottledException", ERROR_THROTTLED},
    {"KmsThrottled", ERROR_THROTTLED},
    {"KMS.ThrottlingException", ERROR_THROTTLED},
    {"LimitExceededException", ERROR_THROTTLED},
    {"OverLimit", ERROR_THROTTLED},
    {"PriorRequestNotComplete", ERROR_THROTTLED},
    {"ProvisionedThroughputExceededException", ERROR_THROTTLED},
    {"RequestLimitExceeded", ERROR_THROTTLED},
    {"RequestThrottled", ERROR_THROTTLED},
    {"RequestThrottledException", ERROR_THROTTLED},
    {"SlowDown", ERROR_THROTTLED},
    {"ThrottledException", ERROR_THROTTLED},
    {"Throttling", ERROR_THROTTLED},
    {"ThrottlingException", ERROR_THROTTLED},
    {"TooManyRequestsException", ERROR_THROTTLED},
    {"TransactionInProgressException", ERROR_THROTTLED},
    /* the service's own failures */
    {"IDPCommunicationError", ERROR_SERVER}, /* STS; the answer says 400, and that it may pass */
    {"InternalError", ERROR_SERVER},
    {"InternalFailure", ERROR_SERVER},
    {"InternalServerError", ERROR_SERVER},
    {"ReplicatedWriteConflictException", ERROR_SERVER},
    {"RequestTimeout", ERROR_TIMEOUT},
    {"RequestTimeoutException", ERROR_TIMEOUT},
    {"ServiceUnavailable", ERROR_SERVER},
    {"TransactionConflictException", ERROR_SERVER},
    /* credentials that were right once */
    {"ExpiredToken", ERROR_EXPIRED},
    {"ExpiredTokenException", ERROR_EXPIRED},
    {"RequestExpired", ERROR_EXPIRED},
    {"TokenRefreshRequired", ERROR_EXPIRED},
    /* credentials that are wrong, and missing rights */
    {"AccessDenied", ERROR_AUTH},
    {"AccessDeniedException", ERROR_AUTH},
    {"AuthFailure", ERROR_AUTH},
    {"IDPRejectedClaim", ERROR_AUTH},
    {"IncompleteSignature", ERROR_AUTH},
    {"IncompleteSignatureException", ERROR_AUTH},
    {"InvalidAccessKeyId", ERROR_AUTH},
    {"InvalidClientTokenId", ERROR_AUTH},
    {"InvalidIdentityToken", ERROR_AUTH},
    {"InvalidSecurity", ERROR_AUTH},
    {"InvalidSignatureException", ERROR_AUTH},
    {"KmsAccessDenied", ERROR_AUTH},
    {"KMS.AccessDeniedException", ERROR_AUTH},
    {"MissingAuthenticationToken", ERROR_AUTH},
    {"MissingAuthenticationTokenException", ERROR_AUTH},
    {"NotAuthorized", ERROR_AUTH},
    {"OptInRequired", ERROR_AUTH},
    {"RequestInTheFuture", ERROR_AUTH},
    {"RequestTimeTooSkewed", ERROR_AUTH},
    {"SignatureDoesNotMatch", ERROR_AUTH},
    {"UnauthorizedOperation", ERROR_AUTH},
    {"UnrecognizedClient", ERROR_AUTH},
    {"UnrecognizedClientException", ERROR_AUTH},
    /* a set-up that only a person can change */
    {"AWS.SimpleQueueService.NonExistentQueue", ERROR_CONFIG},
    {"AWS.SimpleQueueService.UnsupportedOperation", ERROR_CONFIG},
    {"InvalidAddress", ERROR_CONFIG},
    {"KmsDisabled", ERROR_CONFIG},
    {"KmsInvalidKeyUsage", ERROR_CONFIG},
    {"KmsInvalidState", ERROR_CONFIG},
    {"KmsNotFound", ERROR_CONFIG},
    {"KmsOptInRequired", ERROR_CONFIG},
    {"KMS.DisabledException", ERROR_CONFIG},
    {"KMS.InvalidStateException", ERROR_CONFIG},
    {"KMS.NotFoundException", ERROR_CONFIG},
    {"KMS.OptInRequired", ERROR_CONFIG},
    {"QueueDoesNotExist", ERROR_CONFIG},
    {"ResourceNotFoundException", ERROR_CONFIG},
    {"UnsupportedOperation", ERROR_CONFIG},
    /* this very request */
    {"AWS.SimpleQueueService.BatchEntryIdsNotDistinct", ERROR_REJECTED},
    {"AWS.SimpleQueueService.BatchRequestTooLong", ERROR_REJECTED},
    {"AWS.SimpleQueueService.EmptyBatchRequest", ERROR_REJECTED},
    {"AWS.SimpleQueueService.InvalidBatchEntryId", ERROR_REJECTED},
    {"AWS.SimpleQueueService.MessageNotInflight", ERROR_REJECTED},
    {"AWS.SimpleQueueService.PurgeQueueInProgress", ERROR_REJECTED},
    {"AWS.SimpleQueueService.TooManyEntriesInBatchRequest", ERROR_REJECTED},
    {"BatchEntryIdsNotDistinct", ERROR_REJECTED},
    {"BatchRequestTooLong", ERROR_REJECTED},
    {"ConditionalCheckFailedException", ERROR_REJECTED},
    {"EmptyBatchRequest", ERROR_REJECTED},
    {"InvalidAttributeName", ERROR_REJECTED},
    {"InvalidAttributeValue", ERROR_REJECTED},
    {"InvalidBatchEntryId", ERROR_REJECTED},
    {"InvalidIdFormat", ERROR_REJECTED},
    {"InvalidMessageContents", ERROR_REJECTED},
    {"InvalidParameterValue", ERROR_REJECTED},
    {"InvalidParameterValueException", ERROR_REJECTED},
    {"ItemCollectionSizeLimitExceededException", ERROR_REJECTED},
    {"MessageNotInflight", ERROR_REJECTED},
    {"MissingParameter", ERROR_REJECTED},
    {"MissingRequiredParameterException", ERROR_REJECTED},
    {"PurgeQueueInProgress", ERROR_REJECTED}, /* comes with status 403 */
    {"QueueAlreadyExists", ERROR_REJECTED},
    {"QueueDeletedRecently", ERROR_REJECTED},
    {"QueueNameExists", ERROR_REJECTED},
    {"ReceiptHandleIsInvalid", ERROR_REJECTED},
    {"SerializationException", ERROR_REJECTED},
    {"TooManyEntriesInBatchRequest", ERROR_REJECTED},
    {"ValidationException", ERROR_REJECTED},
};

enum error_kind fault_kind(const char *code)
{
    for (size_t i = 0; i < sizeof(faults) / sizeof(faults[0]); i++)
        if (strcmp(faults[i].code, code) == 0)
            return faults[i].kind;
    return ERROR_NONE;
}

enum error_kind fault_kind_of_status(int status)
{
    switch (status) {
    case 401:
    case 403:
    case 407:
        return ERROR_AUTH;
    case 408:
        return ERROR_TIMEOUT;
    case 429:
        return ERROR_THROTTLED;
    default:
        return status >= 500 ? ERROR_SERVER : ERROR_REJECTED;
    }
}

/* "com.amazonaws.sqs#QueueDoesNotExist:http://..." -> "QueueDoesNotExist" */
static void clean_code(const char *raw, char out[64])
{
    size_t len = strcspn(raw, ":");
    const char *hash = memchr(raw, '#', len);

    if (hash != NULL) {
        len -= (size_t)(hash + 1 - raw);
        raw = hash + 1;
    }
    (void)snprintf(out, 64, "%.*s", len < 63 ? (int)len : 63, raw);
    /* a name is letters, digits and a few signs; what else comes from outside is not for a log */
    if (out[strspn(out, CODE_BYTES)] != '\0')
        out[0] = '\0';
}

/* "Code;Sender"; anything else (some servers send more or fewer parts) says nothing. */
static bool clean_query_error(const char *raw, char out[64])
{
    size_t len = strcspn(raw, ";");

    if (raw[len] != ';' || strchr(raw + len + 1, ';') != NULL || len == 0)
        return false;
    (void)snprintf(out, 64, "%.*s", len < 63 ? (int)len : 63, raw);
    return true;
}

static const char *text_of(const json_t *body, const char *first, const char *second)
{
    const char *text = json_string_value(json_object_get(body, first));

    return text != NULL ? text : json_string_value(json_object_get(body, second));
}

/* Tells whether a byte can be part of a token, a signature or a receipt handle. */
static bool is_opaque(char c)
{
    return isalnum((unsigned char)c) || (c != '\0' && strchr("+/=_%-", c) != NULL);
}

/*
 * Copies the first line of a service's message without what may be a secret: some quote the receipt
 * handle, the signature or the token that they refuse. Such things are long runs without a blank, a
 * dot or a colon; names and URLs are not.
 */
static void clean_message(const char *message, char out[MESSAGE_SIZE])
{
    struct buf text = {.data = out, .capacity = MESSAGE_SIZE, .max = MESSAGE_SIZE - 1};
    size_t len = strcspn(message, "\r\n");

    out[0] = '\0';
    for (size_t i = 0; i < len;) {
        size_t run = 0;

        while (i + run < len && is_opaque(message[i + run]))
            run++;
        if (run >= SECRET_MIN)
            (void)buf_puts(&text, "[...]");
        else
            (void)buf_append(&text, message + i, run > 0 ? run : 1);
        i += run > 0 ? run : 1;
    }
}

/*
 * What a status usually means, and what to look at, for replies that say nothing themselves. The
 * services always give a name and a reason, so it was mostly something else that answered.
 */
static const char *hint_of_status(int status)
{
    static const struct {
        int from, to;
        const char *text;
    } hints[] = {
        {300, 399, "the endpoint is another one: check its scheme, host and port"},
        {400, 400, "this is not the service that was meant: check the endpoint"},
        {401, 401, "something in between wants a login: check the endpoint and the proxy"},
        {403, 403,
         "access is refused: check the credentials and their rights, this machine's clock, and "
         "what "
         "stands in between (a proxy, a firewall, the policy of a VPC endpoint)"},
        {404, 405, "this is not the service that was meant: check the endpoint, its path too"},
        {407, 407, "the proxy wants a user and a password: check HTTPS_PROXY and http_proxy"},
        {408, 408, "the request took too long on its way: check the network and the proxy"},
        {411, 411, "something in between takes no such request: check the proxy"},
        {413, 413, "the request is too large for something in between: check the proxy's limits"},
        {421, 421, "the endpoint does not serve this name: check it, and the proxy"},
        {426, 426, "the endpoint wants another protocol: check its scheme"},
        {429, 429, "there are too many requests: something in between may have limits of its own"},
        {431, 431,
         "the headers are too large for something in between; the session token is the long one"},
        {400, 499, "something in between answered: check the endpoint, the proxy and firewalls"},
    };

    for (size_t i = 0; i < sizeof(hints) / sizeof(hints[0]); i++)
        if (status >= hints[i].from && status <= hints[i].to)
            return hints[i].text;
    return NULL;
}

/* Stands for a message that is missing. Where there is at least a name, that says more than the
 * status. */
static void put_no_reason(bool named, int status, char out[MESSAGE_SIZE])
{
    const char *hint = named ? NULL : hint_of_status(status);

    if (hint != NULL)
        (void)snprintf(out, MESSAGE_SIZE, "the service gave no reason; usually %s", hint);
    else
        (void)snprintf(out, MESSAGE_SIZE, "the service gave no reason");
}

void fault_tell(enum error_kind kind, const char *code, const char *message, int status,
                struct error *err)
{
    char own_code[64];
    char shown[MESSAGE_SIZE];

    if (message != NULL)
        message += strspn(message, " \t\r\n"); /* its first line is shown: not an empty one */
    if (message != NULL && message[0] != '\0')
        clean_message(message, shown);
    else
        put_no_reason(code[0] != '\0', status, shown);
    if (code[0] == '\0') {
        (void)snprintf(own_code, sizeof(own_code), "Http%d", status);
        code = own_code;
    }
    (void)error_set(err, kind, code, "%s (%s, status %d)", shown, code, status);
}

/*
 * Why a transaction was cancelled stands in a list, an entry for each of its actions, with the code
 * "None" for those that were not to blame. The codes are names of their own. Failed for good is
 * what one of them refuses; else the whole may pass.
 */
static enum error_kind kind_of_cancellation(const json_t *body)
{
    static const struct {
        const char *code;
        enum error_kind kind;
    } reasons[] = {
        {"ConditionalCheckFailed", ERROR_REJECTED},
        {"ItemCollectionSizeLimitExceeded", ERROR_REJECTED},
        {"ValidationError", ERROR_REJECTED},
        {"ProvisionedThroughputExceeded", ERROR_THROTTLED},
        {"ThrottlingError", ERROR_THROTTLED},
        {"TransactionConflict", ERROR_SERVER},
    };
    enum error_kind kind = ERROR_NONE;
    size_t i;
    json_t *row;

    json_array_foreach (json_object_get(body, "CancellationReasons"), i, row) {
        const char *code = json_string_value(json_object_get(row, "Code"));

        for (size_t j = 0; code != NULL && j < sizeof(reasons) / sizeof(reasons[0]); j++)
            if (strcmp(reasons[j].code, code) == 0 && kind != ERROR_REJECTED)
                kind = reasons[j].kind;
    }
    return kind != ERROR_NONE ? kind : ERROR_REJECTED;
}

/* Some servers refuse in the XML of the older protocol, whatever was asked: its Error has a code
 * and a message as well. */
static bool read_xml(const struct fault_reply *reply, struct sts_reply *xml)
{
    struct error ignored = ERROR_INIT;

    return reply->body_len > 0 && reply->body[strspn(reply->body, " \t\r\n")] == '<' &&
           sts_read_reply(xml, reply->body, reply->body_len, &ignored);
}

void fault_read(const struct fault_reply *reply, json_t **body, struct error *err)
{
    CLEANUP(sts_reply_release) struct sts_reply xml;
    /* a failed condition brings a stored item along, whose texts may hold U+0000 */
    json_t *parsed = json_loadb(reply->body, reply->body_len, JSON_ALLOW_NUL, NULL);
    const char *type = text_of(parsed, "__type", "code");
    const char *message = text_of(parsed, "message", "Message");
    char code[64] = "";
    char query_code[64] = "";
    enum error_kind kind;

    sts_reply_init(&xml);
    if (type == NULL && message == NULL && read_xml(reply, &xml)) {
        type = buf_text(&xml.fields[STS_CODE]);
        message = buf_text(&xml.fields[STS_MESSAGE]);
    }
    if (type == NULL || type[0] == '\0')
        type = reply->error_type;
    if (type != NULL)
        clean_code(type, code);
    if (reply->query_error == NULL || !clean_query_error(reply->query_error, query_code))
        query_code[0] = '\0';
    kind = fault_kind(code);
    if (strcmp(code, "InvalidSecurity") == 0 && fault_kind(query_code) != ERROR_NONE)
        (void)snprintf(code, sizeof(code), "%s", query_code); /* which says in what way */
    if (kind == ERROR_NONE || kind == ERROR_AUTH)
        kind = fault_kind(query_code) != ERROR_NONE ? fault_kind(query_code) : kind;
    if (kind == ERROR_NONE)
        kind = fault_kind_of_status(reply->status);
    if (strcmp(code, "TransactionCanceledException") == 0)
        kind = kind_of_cancellation(parsed);
    if (code[0] == '\0')
        (void)snprintf(code, sizeof(code), "%s", query_code);
    fault_tell(kind, code, message, reply->status, err);
    if (!json_is_object(parsed)) {
        json_decref(parsed);
        parsed = NULL;
    }
    *body = parsed;
}
