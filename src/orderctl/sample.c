/*
 * DESIGN: numbers come from splitmix64 (Steele, Lea, Flood: "Fast splittable pseudorandom number
 * generators", 2014), so that a seed means the same orders on every machine. An order id holds a
 * tag of the seed and a running number: unique within a run, and, unless a seed is chosen, between
 * runs. Amounts are added up in cents.
 */
#include "orderctl/sample.h"

#include <stddef.h>

enum { ITEMS_MAX = 5, QUANTITY_MAX = 4, CUSTOMERS = 5000, ONE_IN_DETAILED = 3 };

static const struct {
    const char *name;
    uint64_t cents;
} goods[] = {
    {"bulb", 349},       {"chair", 7500},  {"desk", 24900}, {"lamp", 3999},  {"mug", 1250},
    {"notebook", 499},   {"pencil", 10},   {"rug", 12000},  {"shelf", 8990}, {"stool", 4550},
    {"table fan", 2995}, {"teapot", 1899}, {"vase", 2220},  {"clock", 5600}, {"coat hook", 75},
};

static uint64_t draw(struct sample *s)
{
    uint64_t z = s->state += UINT64_C(0x9E3779B97F4A7C15);

    z = (z ^ (z >> 30)) * UINT64_C(0xBF58476D1CE4E5B9);
    z = (z ^ (z >> 27)) * UINT64_C(0x94D049BB133111EB);
    return z ^ (z >> 31);
}

static uint64_t draw_below(struct sample *s, uint64_t bound)
{
    return draw(s) % bound;
}

void sample_init(struct sample *s, uint64_t seed)
{
    static const char symbols[] = "0123456789ABCDEFGHJKMNPQRSTVWXYZ";
    uint64_t bits;

    *s = (struct sample){.state = seed};
    bits = draw(s);
    for (size_t i = 0; i + 1 < sizeof(s->tag); i++, bits >>= 5)
        s->tag[i] = symbols[bits & 31];
}

static void put_cents(uint64_t cents, struct buf *out)
{
    (void)buf_printf(out, "%llu.%02llu", (unsigned long long)(cents / 100),
                     (unsigned long long)(cents % 100));
}

/* Appends one entry of items and returns what it costs. */
static uint64_t put_item(struct sample *s, bool detailed, struct buf *out)
{
    size_t which = draw_below(s, sizeof(goods) / sizeof(goods[0]));
    uint64_t quantity = 1 + draw_below(s, QUANTITY_MAX);

    if (!detailed) {
        (void)buf_printf(out, "\"%s\"", goods[which].name);
        return goods[which].cents;
    }
    (void)buf_printf(out, "{\"sku\": \"%s\", \"quantity\": %llu, \"price\": ", goods[which].name,
                     (unsigned long long)quantity);
    put_cents(goods[which].cents, out);
    (void)buf_putc(out, '}');
    return goods[which].cents * quantity;
}

void sample_next(struct sample *s, struct buf *out)
{
    char text[SAMPLE_BODY_MAX];
    struct buf items = BUF_FIXED(text);
    bool detailed = draw_below(s, ONE_IN_DETAILED) == 0;
    uint64_t count = 1 + draw_below(s, ITEMS_MAX);
    uint64_t cents = 0;
    uint64_t customer;

    for (uint64_t i = 0; i < count; i++) {
        (void)buf_puts(&items, i > 0 ? ", " : "");
        cents += put_item(s, detailed, &items);
    }
    customer = 1 + draw_below(s, CUSTOMERS);
    (void)buf_printf(out, "{\"order_id\": \"ORD-%s-%06llu\", \"customer_id\": \"CUST-%llu\"",
                     s->tag, (unsigned long long)++s->count, (unsigned long long)customer);
    (void)buf_puts(out, ", \"amount\": ");
    put_cents(cents, out);
    (void)buf_printf(out, ", \"items\": [%s]}", buf_text(&items));
}
