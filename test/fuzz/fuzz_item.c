/*
 * Target: items as a table holds them, whoever wrote them: as orderctl shows them
 * (orderctl/plain), and as an order is compared with them (order/value, order/fingerprint).
 */
#include "fuzz/fuzz.h"

#include "order/fingerprint.h"
#include "orderctl/plain.h"

#include <jansson.h>

static struct digest *digest;
static struct arena arena;
static struct buf text, work;

static void prepare(void)
{
    if (digest != NULL)
        return;
    digest = digest_new();
    arena = ARENA_INIT;
    text = work = BUF_INIT(ORDER_WORK_MAX);
}

/* Whatever stands in the table, what is shown of it is JSON. */
static void check_plain(json_t *item)
{
    static struct output out = {.json = true};
    CLEANUP(record_release) struct record r = RECORD_INIT(&out);
    json_t *shown;

    buf_reset(&text, 64 * 1024);
    plain_put(item, &text);
    shown = json_loadb(buf_text(&text), text.len,
                       JSON_DECODE_ANY | JSON_ALLOW_NUL | JSON_DECODE_INT_AS_REAL, NULL);
    fuzz_holds(shown != NULL || strpbrk(buf_text(&text), "eE0123456789") != NULL);
    json_decref(shown);
    if (!json_is_object(item))
        return;
    plain_record(item, &r);
    plain_put_cell(item, "status", &text);
    plain_put_cell(item, "items", &text);
}

/* A value that an order can hold is written as an attribute that reads as the same value. */
static void check_value(json_t *attribute)
{
    const struct value *v;
    const struct value *again;
    json_t *written;

    arena_reset(&arena);
    v = value_from_attribute(attribute, &arena);
    if (v == NULL)
        return;
    buf_reset(&text, 64 * 1024);
    value_put_attribute(v, &text);
    written = json_loadb(buf_text(&text), text.len, JSON_ALLOW_NUL, NULL);
    again = value_from_attribute(written, &arena);
    fuzz_holds(again != NULL && value_size(again) == value_size(v));
    buf_reset(&text, 64 * 1024);
    buf_reset(&work, 64 * 1024);
    value_put_canonical(v, &text);
    value_put_canonical(again, &work);
    fuzz_holds(text.len == work.len && memcmp(buf_text(&text), buf_text(&work), text.len) == 0);
    json_decref(written);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    json_t *item = json_loadb((const char *)data, size, JSON_ALLOW_NUL, NULL);
    const char *name;
    json_t *attribute;

    if (item == NULL)
        return 0;
    prepare();
    check_plain(item);
    check_value(item);
    json_object_foreach (item, name, attribute)
        check_value(attribute);
    (void)fingerprint_matches(item, "1:0", digest, &work);
    json_decref(item);
    return 0;
}
