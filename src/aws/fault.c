#include "aws/fault.h"

#include "base/buf.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum {
    MESSAGE_SIZE = 400, /* of what is shown of a service's message */
    SECRET_MIN = 60,    /* bytes without a blank that are not shown */
};

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
    {"IncompleteSignature", ERROR_AUTH},
    {"IncompleteSignatureException", ERROR_AUTH},
    {"InvalidAccessKeyId", ERROR_AUTH},
    {"InvalidClientTokenId", ERROR_AUTH},
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
    {"ConditionalCheckFailedException", ERROR_REJECTED},
    {"InvalidParameterValue", ERROR_REJECTED},
    {"InvalidParameterValueException", ERROR_REJECTED},
    {"ItemCollectionSizeLimitExceededException", ERROR_REJECTED},
    {"ReceiptHandleIsInvalid", ERROR_REJECTED},
    {"SerializationException", ERROR_REJECTED},
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

void fault_read(const struct fault_reply *reply, json_t **body, struct error *err)
{
    /* a failed condition brings a stored item along, whose texts may hold U+0000 */
    json_t *parsed = json_loadb(reply->body, reply->body_len, JSON_ALLOW_NUL, NULL);
    const char *type = text_of(parsed, "__type", "code");
    const char *message = text_of(parsed, "message", "Message");
    char code[64] = "";
    char query_code[64] = "";
    char shown[MESSAGE_SIZE];
    enum error_kind kind;

    if (type == NULL || type[0] == '\0')
        type = reply->error_type;
    if (type != NULL)
        clean_code(type, code);
    if (reply->query_error == NULL || !clean_query_error(reply->query_error, query_code))
        query_code[0] = '\0';
    kind = fault_kind(code);
    if (kind == ERROR_NONE)
        kind = fault_kind(query_code);
    if (kind == ERROR_NONE)
        kind = fault_kind_of_status(reply->status);
    if (code[0] == '\0')
        (void)snprintf(code, sizeof(code), "%s", query_code);
    if (code[0] == '\0')
        (void)snprintf(code, sizeof(code), "Http%d", reply->status);
    if (message == NULL || message[0] == '\0')
        message = "the service gave no reason";
    clean_message(message, shown);
    (void)error_set(err, kind, code, "%s (%s, status %d)", shown, code, reply->status);
    if (!json_is_object(parsed)) {
        json_decref(parsed);
        parsed = NULL;
    }
    *body = parsed;
}
