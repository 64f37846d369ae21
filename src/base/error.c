#include "base/error.h"

#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>

bool error_set(struct error *err, enum error_kind kind, const char *code, const char *format, ...)
{
    va_list args;

    err->kind = kind;
    err->maybe_sent = false;
    (void)snprintf(err->code, sizeof(err->code), "%s", code);
    va_start(args, format);
    (void)vsnprintf(err->text, sizeof(err->text), format, args);
    va_end(args);
    return false;
}

bool error_prefix(struct error *err, const char *format, ...)
{
    struct buf prefixed = BUF_INIT(4 * sizeof(err->text));
    char prefix[sizeof(err->text)];
    va_list args;

    va_start(args, format);
    (void)vsnprintf(prefix, sizeof(prefix), format, args);
    va_end(args);
    (void)buf_printf(&prefixed, "%s: %s", prefix, err->text);
    (void)snprintf(err->text, sizeof(err->text), "%s", buf_text(&prefixed));
    buf_release(&prefixed);
    return false;
}

const char *error_kind_name(enum error_kind kind)
{
    static const char *const names[ERROR_KINDS] = {
        [ERROR_NONE] = "none",           [ERROR_CONFIG] = "config",   [ERROR_AUTH] = "auth",
        [ERROR_EXPIRED] = "expired",     [ERROR_NETWORK] = "network", [ERROR_TIMEOUT] = "timeout",
        [ERROR_THROTTLED] = "throttled", [ERROR_SERVER] = "server",   [ERROR_REJECTED] = "rejected",
        [ERROR_MALFORMED] = "malformed", [ERROR_STOPPED] = "stopped",
    };

    return kind < ERROR_KINDS ? names[kind] : "unknown";
}
