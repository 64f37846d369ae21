/*
 * Target: a message body on its way to its item (order/decode, validate, fingerprint, item).
 *
 * What holds: an order that is accepted has a canonical text that is accepted again as the same
 * order; the update that writes it is JSON, costs as many bytes as are counted, and what it writes
 * is recognised as the same order. One that is refused has its reasons, and an update all the same.
 */
#include "fuzz/fuzz.h"

#include "base/scan.h"
#include "order/decode.h"
#include "order/fingerprint.h"
#include "order/item.h"
#include "order/validate.h"
#include "orderctl/text.h"

#include <jansson.h>

static struct digest *digest;
static struct order order, again;
static struct buf text, request, work;

static void prepare(void)
{
    if (digest != NULL)
        return;
    digest = digest_new();
    order = again = ORDER_INIT;
    text = request = work = BUF_INIT(ORDER_WORK_MAX);
}

static void put_member(const char *before, const struct value *v)
{
    (void)buf_puts(&text, before);
    value_put_canonical(v, &text);
}

static void check_canonical_text(void)
{
    struct error err = ERROR_INIT;

    buf_reset(&text, 64 * 1024);
    put_member("{\"order_id\":", order.order_id);
    put_member(",\"customer_id\":", order.customer_id);
    put_member(",\"amount\":", order.amount);
    put_member(",\"items\":", order.items);
    (void)buf_putc(&text, '}');
    order_reset(&again);
    fuzz_holds(order_decode(&again, buf_text(&text), text.len, &err));
    fuzz_holds(order_validate(&again, digest, &err));
    fuzz_holds(strcmp(order.fingerprint, again.fingerprint) == 0);
}

/* DynamoDB's way to count, once more and from the request: see value_size(). */
static size_t number_size(const char *number)
{
    const char *first = number + strspn(number, "-0.");
    size_t digits = 0;
    size_t significant = 0;

    for (const char *c = first; *c != '\0'; c++) {
        digits += *c != '.';
        if (*c != '.' && *c != '0')
            significant = digits;
    }
    return (significant + 1) / 2 + 1 + (number[0] == '-');
}

static size_t attribute_size(json_t *attribute)
{
    const char *type = json_object_iter_key(json_object_iter(attribute));
    json_t *content = json_object_iter_value(json_object_iter(attribute));
    size_t size = 3;
    const char *name;
    json_t *value;
    size_t i;

    fuzz_holds(json_object_size(attribute) == 1);
    if (strcmp(type, "S") == 0)
        return json_string_length(content);
    if (strcmp(type, "N") == 0)
        return number_size(json_string_value(content));
    if (strcmp(type, "L") != 0 && strcmp(type, "M") != 0)
        return 1;
    json_array_foreach (content, i, value)
        size += 1 + attribute_size(value);
    json_object_foreach (content, name, value)
        size += 1 + strlen(name) + attribute_size(value);
    return size;
}

/* Reads the request's values by the attributes' names into an item, and counts them. */
static json_t *item_of(json_t *root, const char *key, size_t *size)
{
    json_t *values = json_object_get(root, "ExpressionAttributeValues");
    json_t *names = json_object_get(root, "ExpressionAttributeNames");
    json_t *item = json_object();
    const char *alias;
    json_t *value;

    *size = strlen("order_id") + strlen(key);
    json_object_foreach (values, alias, value) {
        char name_alias[] = "#?";
        const char *name;

        if (strcmp(alias, ":done") == 0)
            continue;
        name_alias[1] = alias[1];
        name = json_string_value(json_object_get(names, name_alias));
        fuzz_holds(name != NULL);
        *size += strlen(name) + attribute_size(value);
        (void)json_object_set(item, name, value);
    }
    return item;
}

static struct item new_item(const struct confirmation *c)
{
    return (struct item){
        .table = "orders",
        .key = order.order_id != NULL ? order_id_text(&order) : "message#1",
        .processed = c != NULL,
        .confirmation = c,
        .order = &order,
        .error_code = "INVALID_ORDER",
        .error_message = order.reasons,
        .attempts = 1,
        .message_id = "1",
        .now_ms = INT64_C(1795352709123),
        .environment = "",
        .conflicts_with = "",
    };
}

static void check_item(bool valid)
{
    static const struct confirmation confirmation = {.number = "CNF-0123456789AB",
                                                     .processor = "orderd"};
    struct item item = new_item(valid ? &confirmation : NULL);
    size_t counted;
    size_t size;
    json_t *root;
    json_t *stored;

    buf_reset(&request, 64 * 1024);
    counted = item_put_update(&item, &request);
    root = json_loadb(request.data, request.len, JSON_REJECT_DUPLICATES, NULL);
    fuzz_holds(root != NULL);
    stored = item_of(root, item.key, &size);
    fuzz_holds(size == counted);
    if (valid) {
        fuzz_holds(fingerprint_matches(stored, order.fingerprint, digest, &work));
        (void)json_object_del(stored, "fingerprint"); /* as an older system's item */
        fuzz_holds(fingerprint_matches(stored, order.fingerprint, digest, &work));
    }
    json_decref(stored);
    json_decref(root);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct error err = ERROR_INIT;
    bool decoded;
    bool valid;

    prepare();
    order_reset(&order);
    decoded = order_decode(&order, (const char *)data, size, &err);
    valid = decoded && order_validate(&order, digest, &err);
    fuzz_holds(valid == !order_refused(&order));
    fuzz_holds(valid == (order.fingerprint[0] != '\0'));
    fuzz_holds(order.reasons_len == strlen(order.reasons));
    fuzz_holds(order.reasons_len <= ORDER_REASONS_MAX);
    fuzz_holds(text_is_utf8(order.reasons, order.reasons_len));
    if (valid)
        check_canonical_text();
    else
        fuzz_holds(err.kind == ERROR_REJECTED && strncmp(err.code, "INVALID_", 8) == 0);
    if (decoded)
        check_item(valid);
    return 0;
}
