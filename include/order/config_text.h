/*
 * config_text: looks over the text of a settings file for what libconfig 1.5 would not report.
 *
 * libconfig wraps integers beyond 32 bits without a word, turns 1e400 into infinity, follows
 * @include, leaves \x00 out of strings, and takes a comment that never ends for the end of the
 * file. So the tokens are checked first. Pure; takes any bytes.
 */
#ifndef ORDER_CONFIG_TEXT_H
#define ORDER_CONFIG_TEXT_H

#include "base/error.h"

#include <stdbool.h>
#include <stddef.h>

enum { CONFIG_TEXT_PATH_SIZE = 256 };

struct config_number {
    char path[CONFIG_TEXT_PATH_SIZE]; /* dotted name of the setting it stands for */
    const char *text;                 /* as written */
    size_t len;
    unsigned line;
};

/*
 * Calls SEE for each number token that is the value of a setting; stops with false when SEE does,
 * or at an @include, a NUL byte, a \x00 or a comment without an end. Other bad syntax is left to
 * libconfig.
 */
bool config_text_scan(const char *name, const char *text, size_t len,
                      bool (*see)(const struct config_number *number, void *arg, struct error *err),
                      void *arg, struct error *err) __attribute__((warn_unused_result));

#endif
