/*
 * config_file: a settings file as libconfig reads it. The only module that includes libconfig.
 * Private to src/order/config*.c.
 */
#ifndef ORDER_CONFIG_FILE_H
#define ORDER_CONFIG_FILE_H

#include "order/config_table.h"

struct config_file;

/* Parses TEXT, which a newline ends; NAME (borrowed) is what problems call it. Notes everything
 * that is wrong, unknown names and wrong types too; what cannot be read at all is an empty file.
 * Returned owned. */
struct config_file *config_file_parse(struct config_load *l, const char *name, const char *text,
                                      size_t len)
    __attribute__((returns_nonnull, warn_unused_result));
void config_file_free(struct config_file *f);

/* Gives a row the value that the file has for it, or notes why that cannot be; false when the file
 * has none. */
bool config_file_take(const struct config_file *f, struct config_load *l,
                      const struct config_setting_row *r);

#endif
