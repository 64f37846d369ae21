/*
 * sts_reply: the XML answers of STS, of which only a handful of texts matters.
 *
 * No XML library: of a document that closes all it opens, the texts of the elements named below are
 * taken, whatever stands around them, namespaces, prefixes, comments and CDATA allowed for. Takes
 * any bytes. Pure; any thread. Source: "AssumeRole" and "Common errors" of the AWS STS API
 * reference; "Extensible Markup Language (XML) 1.0", section 2.
 */
#ifndef AWS_STS_REPLY_H
#define AWS_STS_REPLY_H

#include "base/buf.h"
#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

enum { STS_FIELD_MAX = 16 * 1024 }; /* bytes; session tokens are the long ones */

enum sts_field {
    STS_ACCESS_KEY_ID, /* of Credentials */
    STS_SECRET_ACCESS_KEY,
    STS_SESSION_TOKEN,
    STS_EXPIRATION,
    STS_CODE, /* of Error */
    STS_MESSAGE,
    STS_ACCOUNT, /* of GetCallerIdentityResult */
    STS_ARN,
    STS_FIELDS
};

struct sts_reply {
    struct buf fields[STS_FIELDS]; /* empty when absent; blanks at both ends taken away */
};

/* Prepares an empty reply. */
void sts_reply_init(struct sts_reply *r);

/* Frees and wipes. */
void sts_reply_release(struct sts_reply *r);

/* Reads a document into an empty reply, whose fields mean nothing after a failure. Errors:
 * malformed (not XML, not whole, a field twice or too long). */
bool sts_read_reply(struct sts_reply *r, const char *text, size_t len, struct error *err)
    __attribute__((warn_unused_result));

#endif
