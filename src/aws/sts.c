#include "aws/sts.h"

#include "aws/credentials_document.h"
#include "aws/endpoint.h"
#include "aws/fault.h"
#include "aws/fetch.h"
#include "aws/retry.h"
#include "aws/sigv4.h"
#include "aws/skew.h"
#include "aws/sts_reply.h"
#include "base/clock.h"
#include "base/mem.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum {
    ATTEMPTS = 3,
    ATTEMPT_MS = 5000,
    PAUSE_MS = 50,                                /* before the second attempt, doubling */
    FORM_MAX = 16 * 1024 + 3 * STS_WEB_TOKEN_MAX, /* bytes; encoding trebles them at worst */
    HEADER_MAX = 20 * 1024,
};

#define FORM_TYPE "application/x-www-form-urlencoded; charset=utf-8"

/* One question, with all its attempts. */
struct question {
    const struct credentials_options *options;
    const struct credentials *signer; /* NULL: it is not signed */
    const char *source;               /* that the keys will be named after */
    struct sts_identity *identity;    /* what is asked for; NULL: keys are */
    int64_t skew_ms;                  /* added to the host's time when signing */
    struct buf form;
    struct buf date, token, authorization; /* header lines */
    struct fetch_reply reply;
};

static void question_init(struct question *q, const struct credentials_options *options,
                          const struct credentials *signer, const char *source)
{
    *q = (struct question){.options = options,
                           .signer = signer,
                           .source = source,
                           .form = BUF_INIT(FORM_MAX),
                           .date = BUF_INIT(HEADER_MAX),
                           .token = BUF_INIT(HEADER_MAX),
                           .authorization = BUF_INIT(HEADER_MAX),
                           .reply = FETCH_REPLY_INIT};
}

static void question_release(struct question *q)
{
    buf_wipe(&q->form);
    buf_wipe(&q->date);
    buf_wipe(&q->token);
    buf_wipe(&q->authorization);
    fetch_reply_release(&q->reply);
}

bool sts_session_name_valid(const char *name)
{
    static const char characters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_+=,.@-";
    size_t len = strlen(name);

    return len >= 2 && len < STS_SESSION_NAME_SIZE && strspn(name, characters) == len;
}

void sts_session_name(char out[STS_SESSION_NAME_SIZE])
{
    char host[STS_SESSION_NAME_SIZE] = "";

    /* the kernel may cut it without a NUL; the last byte is left alone */
    if (gethostname(host, sizeof(host) - 1) != 0 || host[0] == '\0')
        (void)snprintf(host, sizeof(host), "%ld", (long)getpid());
    (void)snprintf(out, STS_SESSION_NAME_SIZE, "orderd-%.57s", host);
    if (!sts_session_name_valid(out)) /* a host can be named nearly anything */
        (void)snprintf(out, STS_SESSION_NAME_SIZE, "orderd-%ld", (long)getpid());
}

/* Appends TEXT percent-encoded (RFC 3986, section 2.3: the unreserved characters stay). */
static void put_encoded(struct buf *form, const char *text, size_t len)
{
    for (size_t i = 0; i < len; i++) {
        unsigned char c = (unsigned char)text[i];

        if (c < 0x80 && (isalnum(c) || (c != '\0' && strchr("-._~", c) != NULL)))
            (void)buf_putc(form, (char)c);
        else
            (void)buf_printf(form, "%%%02X", c);
    }
}

static void put_member(struct buf *form, const char *name, const char *text, size_t len)
{
    (void)buf_putc(form, '&');
    (void)buf_puts(form, name);
    (void)buf_putc(form, '=');
    put_encoded(form, text, len);
}

static void put_text(struct buf *form, const char *name, const char *text)
{
    if (text[0] != '\0')
        put_member(form, name, text, strlen(text));
}

static void begin_form(struct question *q, const char *action, const struct sts_role *role)
{
    (void)buf_printf(&q->form, "Action=%s&Version=2011-06-15", action);
    put_text(&q->form, "RoleArn", role->arn);
    put_text(&q->form, "RoleSessionName", role->session_name);
    if (role->duration_s > 0)
        (void)buf_printf(&q->form, "&DurationSeconds=%d", role->duration_s);
}

/* Empties a buffer and takes all its memory at once: one that grows leaves copies behind. */
static void begin_secret(struct buf *b)
{
    buf_reset(b, b->max + 1); /* with the NUL */
    (void)buf_reserve(b, b->max);
}

/* Signs: a date of its own for each attempt. */
static void sign(struct question *q)
{
    const char *token = credentials_session_token(q->signer);
    char stamp[CLOCK_STAMP_SIZE];
    const struct sigv4_header headers[] = {{"content-type", FORM_TYPE},
                                           {"host", q->options->sts->host},
                                           {"x-amz-date", stamp},
                                           {"x-amz-security-token", token}};
    const struct sigv4_request r = {
        .method = "POST",
        .path = q->options->sts->path,
        .query = "",
        .headers = headers,
        .header_count = sizeof(headers) / sizeof(headers[0]) - (token[0] == '\0' ? 1 : 0),
        .body = buf_text(&q->form),
        .body_len = q->form.len,
        .stamp = stamp,
        .region = q->options->region,
        .service = "sts",
        .access_key_id = credentials_access_key_id(q->signer),
        .secret_access_key = credentials_secret_access_key(q->signer),
    };
    struct sigv4 signer;

    clock_format_stamp(clock_wall_ms() + q->skew_ms, stamp);
    buf_reset(&q->date, HEADER_MAX + 1); /* with the NUL */
    begin_secret(&q->token);
    begin_secret(&q->authorization);
    (void)buf_printf(&q->date, "X-Amz-Date: %s", stamp);
    (void)buf_printf(&q->token, "X-Amz-Security-Token: %s", token);
    (void)buf_puts(&q->authorization, "Authorization: ");
    sigv4_init(&signer);
    sigv4_authorize(&signer, &r, &q->authorization);
    sigv4_release(&signer);
}

static bool post(struct question *q, struct error *err)
{
    const char *lines[4] = {"Content-Type: " FORM_TYPE};
    size_t count = 1;

    if (q->signer != NULL) {
        sign(q);
        if (q->token.overflowed || q->authorization.overflowed)
            return error_set(err, ERROR_AUTH, "BadCredentials", "%s: the session token is too long",
                             credentials_source(q->signer));
        lines[count++] = buf_text(&q->date);
        lines[count++] = buf_text(&q->authorization);
        if (credentials_session_token(q->signer)[0] != '\0')
            lines[count++] = buf_text(&q->token);
    }
    return fetch(&(struct fetch_request){.method = HTTP_POST,
                                         .url = q->options->sts->url,
                                         .headers = lines,
                                         .header_count = count,
                                         .body = buf_text(&q->form),
                                         .body_len = q->form.len,
                                         .timeout_ms = ATTEMPT_MS,
                                         .ca_file = q->options->ca_file,
                                         .user_agent = q->options->user_agent,
                                         .stop = q->options->stop},
                 &q->reply, err);
}

static bool is_key(const struct buf *b)
{
    return b->len > 0 && credentials_text_valid(buf_text(b), b->len);
}

static bool make_credentials(const struct question *q, const struct sts_reply *reply,
                             struct credentials **out, struct error *err)
{
    const struct buf *id = &reply->fields[STS_ACCESS_KEY_ID];
    const struct buf *secret = &reply->fields[STS_SECRET_ACCESS_KEY];
    const struct buf *token = &reply->fields[STS_SESSION_TOKEN];
    const struct buf *expiration = &reply->fields[STS_EXPIRATION];
    const char *lacking = NULL;
    int64_t expires_ms = 0;

    if (!is_key(id))
        lacking = "AccessKeyId";
    else if (!is_key(secret))
        lacking = "SecretAccessKey";
    else if (!is_key(token))
        lacking = "SessionToken";
    else if (!credentials_expiration_read(buf_text(expiration), expiration->len, &expires_ms))
        lacking = "Expiration";
    if (lacking != NULL)
        return error_set(err, ERROR_MALFORMED, "MalformedReply",
                         "the answer has no %s, or one that cannot be right", lacking);
    *out = credentials_new(q->source, buf_text(id), buf_text(secret), buf_text(token), expires_ms);
    return true;
}

static bool read_identity(const struct question *q, const struct sts_reply *reply,
                          struct error *err)
{
    const struct buf *account = &reply->fields[STS_ACCOUNT];
    const struct buf *arn = &reply->fields[STS_ARN];

    if (account->len == 0 || account->len >= sizeof(q->identity->account) || arn->len == 0 ||
        arn->len >= sizeof(q->identity->arn))
        return error_set(err, ERROR_MALFORMED, "MalformedReply",
                         "the answer has no account or ARN, or one that cannot be right");
    (void)snprintf(q->identity->account, sizeof(q->identity->account), "%s", buf_text(account));
    (void)snprintf(q->identity->arn, sizeof(q->identity->arn), "%s", buf_text(arn));
    return true;
}

/* Says what an answer that is no success means. It need not be one of the service's own. */
static bool refuse(const struct question *q, struct sts_reply *reply, bool whole, struct error *err)
{
    const char *code = whole ? buf_text(&reply->fields[STS_CODE]) : "";
    const char *message = whole ? buf_text(&reply->fields[STS_MESSAGE]) : "";
    char shown[sizeof(err->code)];
    enum error_kind kind = fault_kind(code);

    if (kind == ERROR_NONE)
        kind = fault_kind_of_status(q->reply.status);
    (void)snprintf(shown, sizeof(shown), "%s", code);
    fault_tell(kind, shown, message, q->reply.status, err);
    /* what the service does not like about the request is how the role was set up */
    if (err->kind == ERROR_REJECTED || err->kind == ERROR_CONFIG)
        err->kind = ERROR_AUTH;
    return false;
}

static bool judge(const struct question *q, struct credentials **out, struct error *err)
{
    CLEANUP(sts_reply_release) struct sts_reply reply;
    bool whole;

    sts_reply_init(&reply);
    whole = sts_read_reply(&reply, buf_text(&q->reply.body), q->reply.body.len, err);
    if (q->reply.status < 200 || q->reply.status > 299)
        return refuse(q, &reply, whole, err);
    if (!whole)
        return false;
    return q->identity != NULL ? read_identity(q, &reply, err)
                               : make_credentials(q, &reply, out, err);
}

/* Tells whether the service refused because of the host's clock; from then on its own time is
 * signed with. */
static bool correct_clock(struct question *q, const struct error *err)
{
    int64_t skew_ms = q->reply.date_ms - clock_wall_ms();

    if (q->signer == NULL || !q->reply.dated || !skew_explains(err->code, skew_ms - q->skew_ms))
        return false;
    q->skew_ms = skew_ms;
    return true;
}

/* Sleeps before the next attempt; false when that ends the question. */
static bool pause_for(const struct stop *stop, int64_t delay_ms, struct error *err)
{
    int64_t until = clock_now() + delay_ms * CLOCK_NS_PER_MS;

    if (stop == NULL)
        (void)clock_wait(-1, until);
    else if (stop_wait(stop, until))
        return error_set(err, ERROR_STOPPED, "Stopped", "given up because of a stop request");
    return true;
}

static bool ask(struct question *q, struct credentials **out, struct error *err)
{
    static const struct retry_rules rules = {ATTEMPTS, PAUSE_MS};
    struct retry_bucket bucket = RETRY_BUCKET_INIT;
    struct retry_state state = {0};
    int64_t delay_ms = 0;

    if (q->options->sts == NULL)
        return error_set(err, ERROR_CONFIG, "NoEndpoint", "it is not known where STS is");
    if (q->form.overflowed)
        return error_set(err, ERROR_AUTH, "BadCredentials", "the request would be too long");
    do {
        if (post(q, err) && judge(q, out, err))
            return true;
        if (correct_clock(q, err) && post(q, err) && judge(q, out, err))
            return true;
    } while (retry_next(&rules, &bucket, &state, err->kind, -1, &delay_ms) &&
             pause_for(q->options->stop, delay_ms, err));
    return false;
}

bool sts_assume_role(const struct credentials_options *options, const struct sts_role *role,
                     const struct credentials *signer, const char *source, struct credentials **out,
                     struct error *err)
{
    CLEANUP(question_release) struct question q;

    question_init(&q, options, signer, source);
    begin_form(&q, "AssumeRole", role);
    put_text(&q.form, "ExternalId", role->external_id);
    return ask(&q, out, err) || error_prefix(err, "STS AssumeRole of %s", role->arn);
}

bool sts_assume_role_with_web_identity(const struct credentials_options *options,
                                       const struct sts_role *role, const char *token,
                                       size_t token_len, const char *source,
                                       struct credentials **out, struct error *err)
{
    CLEANUP(question_release) struct question q;

    question_init(&q, options, NULL, source);
    (void)buf_reserve(&q.form, FORM_MAX); /* at once: a growing one leaves copies of the token */
    begin_form(&q, "AssumeRoleWithWebIdentity", role);
    put_member(&q.form, "WebIdentityToken", token, token_len);
    return ask(&q, out, err) || error_prefix(err, "STS AssumeRoleWithWebIdentity of %s", role->arn);
}

bool sts_caller_identity(const struct credentials_options *options,
                         const struct credentials *signer, struct sts_identity *out,
                         struct error *err)
{
    CLEANUP(question_release) struct question q;
    struct credentials *none = NULL; /* keys are not what is asked for */

    question_init(&q, options, signer, credentials_source(signer));
    q.identity = out;
    (void)buf_puts(&q.form, "Action=GetCallerIdentity&Version=2011-06-15");
    return ask(&q, &none, err) || error_prefix(err, "STS GetCallerIdentity");
}
