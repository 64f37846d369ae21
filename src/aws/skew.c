#include "aws/skew.h"

#include <stddef.h>
#include <string.h>

#define POSSIBLE_FROM_MS (4 * 60 * INT64_C(1000))
/* The Date header has whole seconds, and a reply takes time: less than this corrects nothing. */
#define DEFINITE_FROM_MS INT64_C(2000)

static bool is_one_of(const char *code, const char *const *codes)
{
    for (; *codes != NULL; codes++)
        if (strcmp(code, *codes) == 0)
            return true;
    return false;
}

bool skew_explains(const char *code, int64_t behind_ms)
{
    static const char *const definite[] = {"RequestTimeTooSkewed", "RequestExpired",
                                           "RequestInTheFuture", NULL};
    static const char *const possible[] = {"InvalidSignatureException", "SignatureDoesNotMatch",
                                           "AuthFailure", NULL};
    int64_t away_ms = behind_ms < 0 ? -behind_ms : behind_ms;

    return (away_ms >= DEFINITE_FROM_MS && is_one_of(code, definite)) ||
           (away_ms >= POSSIBLE_FROM_MS && is_one_of(code, possible));
}
