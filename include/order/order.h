/*
 * order: one order on its way from a message body to its item.
 *
 * Filled step by step: order_decode (decode.h), order_validate (validate.h); plain data between
 * them. Borrows the message body, which outlives it. Owned by one worker, which uses the same
 * struct for one order after the other so that its memory is reused.
 */
#ifndef ORDER_ORDER_H
#define ORDER_ORDER_H

#include "base/arena.h"
#include "base/buf.h"
#include "order/value.h"

#include <stdbool.h>
#include <stddef.h>

enum {
    ORDER_TEXT_MAX = 255,       /* bytes of order_id and customer_id */
    ORDER_ITEMS_MAX = 1000,     /* entries */
    ORDER_DEPTH_MAX = 32,       /* the root is level 1 */
    ORDER_REASONS_MAX = 1024,   /* bytes of an error message */
    ORDER_FINGERPRINT_SIZE = 67 /* "1:", 64 hex digits, NUL */
};

/* Begins the keys of items that are about a message and not about an order. */
#define ORDER_MESSAGE_KEY_PREFIX "message#"

struct order {
    struct arena arena; /* holds the values and what had to be decoded */
    struct value *root; /* the whole body; NULL when it could not be read */

    /* Members of the root. After order_decode: what stands there, of any type, NULL when absent.
     * After order_validate: only what is valid; the others are NULL. */
    struct value *order_id, *customer_id, *amount, *items;

    char fingerprint[ORDER_FINGERPRINT_SIZE]; /* "" unless all of the order is valid */

    /* Why it is refused, "; " between reasons; empty when it is not. */
    char reasons[ORDER_REASONS_MAX + 1];
    size_t reasons_len;
    unsigned reasons_more; /* that did not fit */
    bool malformed;        /* a reason is about the JSON, not about the rules of an order */

    struct buf work; /* work space of the fingerprint */
};

/* What the longest canonical text of a body of 1 MiB needs: 1e125 has 126 digits there, so 6 bytes
 * become 127, 22 million in all. */
enum { ORDER_WORK_MAX = 24 * 1024 * 1024 };

#define ORDER_INIT ((struct order){.work = BUF_INIT(ORDER_WORK_MAX)})

/* Forgets the order and keeps the memory for the next one. */
void order_reset(struct order *o);

/* Frees everything. */
void order_release(struct order *o);

/* Notes a reason, "WHERE: text"; WHERE may be "". */
void order_refuse(struct order *o, const char *where, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Notes a reason about the JSON itself. */
void order_refuse_json(struct order *o, const char *where, const char *reason);

/* Tells whether any reason was noted. */
bool order_refused(const struct order *o);

/* Ends the list of reasons: adds "(+N more)" when some did not fit. */
void order_close_reasons(struct order *o);

/* Borrows the order's id as a C string; "" when it is not usable. */
const char *order_id_text(const struct order *o);

#endif
