#include "order/fingerprint.h"

#include "base/mem.h"

#include <string.h>

enum { WORK_KEEP = 64 * 1024 };

void fingerprint_order(const struct value *customer_id, const struct value *amount,
                       const struct value *items, struct digest *digest, struct buf *work,
                       char out[ORDER_FINGERPRINT_SIZE])
{
    buf_reset(work, WORK_KEEP);
    (void)buf_puts(work, "{\"amount\":");
    value_put_canonical(amount, work);
    (void)buf_puts(work, ",\"customer_id\":");
    value_put_canonical(customer_id, work);
    (void)buf_puts(work, ",\"items\":");
    value_put_canonical(items, work);
    (void)buf_putc(work, '}');
    memcpy(out, "1:", 2);
    digest_sha256_hex(digest, buf_text(work), work->len, out + 2);
    buf_reset(work, WORK_KEEP); /* the text of a hostile order is large */
}

bool fingerprint_matches(json_t *item, const char *fingerprint, struct digest *digest,
                         struct buf *work)
{
    CLEANUP(arena_release) struct arena arena = ARENA_INIT;
    const char *stored =
        json_string_value(json_object_get(json_object_get(item, "fingerprint"), "S"));
    char computed[ORDER_FINGERPRINT_SIZE];
    const struct value *customer_id;
    const struct value *amount;
    const struct value *items;

    if (fingerprint[0] == '\0')
        return false;
    if (stored != NULL)
        return strcmp(stored, fingerprint) == 0;
    customer_id = value_from_attribute(json_object_get(item, "customer_id"), &arena);
    amount = value_from_attribute(json_object_get(item, "amount"), &arena);
    items = value_from_attribute(json_object_get(item, "items"), &arena);
    if (customer_id == NULL || amount == NULL || items == NULL)
        return false;
    fingerprint_order(customer_id, amount, items, digest, work, computed);
    return strcmp(computed, fingerprint) == 0;
}
