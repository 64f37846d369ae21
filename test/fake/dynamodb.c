#include "fake/dynamodb.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { WORD_SIZE = 64 };

/* An expression, word by word, with what its words stand for. */
struct expression {
    const char *at;
    char word[WORD_SIZE]; /* "" at the end */
    json_t *request, *item;
    bool wrong;
};

static void next(struct expression *e)
{
    size_t len = 0;

    e->at += strspn(e->at, " ");
    while (isalnum((unsigned char)e->at[len]) || (e->at[len] != '\0' && strchr("#:_", e->at[len])))
        len++;
    if (len == 0 && *e->at != '\0')
        len = strncmp(e->at, "<>", 2) == 0 ? 2 : 1;
    if (len >= WORD_SIZE)
        abort();
    memcpy(e->word, e->at, len);
    e->word[len] = '\0';
    e->at += len;
}

static struct expression begin(json_t *request, const char *member, json_t *item)
{
    const char *text = json_string_value(json_object_get(request, member));
    struct expression e = {.at = text != NULL ? text : "", .request = request, .item = item};

    next(&e);
    return e;
}

static bool is(const struct expression *e, const char *word)
{
    return strcmp(e->word, word) == 0;
}

/* Goes beyond a word that has to be there. */
static void expect(struct expression *e, const char *word)
{
    if (!is(e, word))
        e->wrong = true;
    next(e);
}

/* Borrows the name that the word is or stands for. */
static const char *name_of(struct expression *e, char out[WORD_SIZE])
{
    const char *name = e->word;

    if (name[0] == '#')
        name = json_string_value(
            json_object_get(json_object_get(e->request, "ExpressionAttributeNames"), e->word));
    if (name == NULL || name[0] == '\0' || name[0] == ':')
        e->wrong = true;
    (void)snprintf(out, WORD_SIZE, "%s", name != NULL ? name : "");
    next(e);
    return out;
}

/* Borrows a value: one that came with the request, or an attribute's; NULL when it has none. */
static json_t *value_of(struct expression *e)
{
    char name[WORD_SIZE];
    json_t *value;

    if (e->word[0] != ':')
        return json_object_get(e->item, name_of(e, name));
    value = json_object_get(json_object_get(e->request, "ExpressionAttributeValues"), e->word);
    e->wrong = e->wrong || value == NULL;
    next(e);
    return value;
}

static bool test_term(struct expression *e)
{
    bool wants = is(e, "attribute_exists");
    char name[WORD_SIZE];
    json_t *left;
    bool equal;

    if (wants || is(e, "attribute_not_exists")) {
        next(e);
        expect(e, "(");
        left = json_object_get(e->item, name_of(e, name));
        expect(e, ")");
        return (left != NULL) == wants;
    }
    left = value_of(e);
    wants = is(e, "=");
    if (!wants && !is(e, "<>"))
        e->wrong = true;
    next(e);
    equal = json_equal(left, value_of(e)) != 0;
    return equal == wants;
}

static bool test_all(struct expression *e)
{
    bool holds = test_term(e);

    while (is(e, "AND")) {
        next(e);
        holds = test_term(e) && holds;
    }
    return holds;
}

static bool test_any(struct expression *e)
{
    bool holds = test_all(e);

    while (is(e, "OR")) {
        next(e);
        holds = test_all(e) || holds;
    }
    return holds;
}

static void set_one(struct expression *e, json_t *into)
{
    char name[WORD_SIZE];
    char other[WORD_SIZE];
    json_t *value;

    (void)name_of(e, name);
    expect(e, "=");
    if (is(e, "if_not_exists")) {
        json_t *old;

        next(e);
        expect(e, "(");
        old = json_object_get(e->item, name_of(e, other));
        expect(e, ",");
        value = value_of(e);
        expect(e, ")");
        value = old != NULL ? old : value;
    } else {
        value = value_of(e);
    }
    (void)json_object_set(into, name, value);
}

static void remove_one(struct expression *e, json_t *from)
{
    char name[WORD_SIZE];

    (void)json_object_del(from, name_of(e, name));
}

/* Applies the update to INTO; values are read from the item as it was. */
static void update(struct expression *e, json_t *into)
{
    while (e->word[0] != '\0' && !e->wrong) {
        bool sets = is(e, "SET");

        e->wrong = !sets && !is(e, "REMOVE");
        do {
            next(e);
            if (sets)
                set_one(e, into);
            else
                remove_one(e, into);
        } while (is(e, ",") && !e->wrong);
    }
}

static void refuse(struct peer_reply *reply, const char *code, json_t *item)
{
    json_t *answer = json_pack("{s:s, s:s}", "__type", code, "message", "refused");

    if (item != NULL)
        (void)json_object_set(answer, "Item", item);
    reply->status = 400;
    reply->made = json_dumps(answer, JSON_COMPACT);
    json_decref(answer);
}

static void answer_update(struct fake_dynamodb *d, json_t *request, const char *key,
                          struct peer_reply *reply)
{
    json_t *old = json_object_get(d->items, key);
    struct expression condition = begin(request, "ConditionExpression", old);
    struct expression change = begin(request, "UpdateExpression", old);
    bool holds = condition.word[0] == '\0' || test_any(&condition);
    json_t *item = old != NULL ? json_copy(old) : json_pack("{s:{s:s}}", "order_id", "S", key);

    if (d->before_update != NULL)
        d->before_update(d->arg, key, request);
    update(&change, item);
    if (condition.wrong || condition.word[0] != '\0' || change.wrong) {
        refuse(reply, "ValidationException", NULL);
    } else if (!holds) {
        refuse(reply, "ConditionalCheckFailedException",
               json_object_get(request, "ReturnValuesOnConditionCheckFailure") != NULL ? old
                                                                                       : NULL);
    } else {
        if (d->before_write != NULL)
            d->before_write(d->arg, key, old, item);
        (void)json_object_set(d->items, key, item);
        reply->body = "{}";
    }
    json_decref(item);
}

static void answer_get(const struct fake_dynamodb *d, const char *key, struct peer_reply *reply)
{
    json_t *item = fake_dynamodb_get(d, key);
    json_t *answer = item != NULL ? json_pack("{s:O}", "Item", item) : json_object();

    reply->made = json_dumps(answer, JSON_COMPACT);
    json_decref(answer);
}

void fake_dynamodb_answer(struct fake_dynamodb *d, const struct peer_request *request,
                          struct peer_reply *reply)
{
    json_t *r = json_loadb(request->body, request->body_len, JSON_REJECT_DUPLICATES, NULL);
    const char *key = json_string_value(
        json_object_get(json_object_get(json_object_get(r, "Key"), "order_id"), "S"));

    if (key == NULL)
        refuse(reply, "ValidationException", NULL);
    else if (strcmp(request->operation, "UpdateItem") == 0)
        answer_update(d, r, key, reply);
    else if (strcmp(request->operation, "GetItem") == 0)
        answer_get(d, key, reply);
    else
        refuse(reply, "UnknownOperationException", NULL);
    json_decref(r);
}

void fake_dynamodb_init(struct fake_dynamodb *d)
{
    *d = (struct fake_dynamodb){.items = json_object()};
}

void fake_dynamodb_release(struct fake_dynamodb *d)
{
    json_decref(d->items);
    d->items = NULL;
}

void fake_dynamodb_put(struct fake_dynamodb *d, const char *item)
{
    json_t *parsed = json_loads(item, 0, NULL);
    const char *key = json_string_value(json_object_get(json_object_get(parsed, "order_id"), "S"));

    if (key == NULL)
        abort();
    (void)json_object_set_new(d->items, key, parsed);
}

json_t *fake_dynamodb_get(const struct fake_dynamodb *d, const char *key)
{
    return json_object_get(d->items, key);
}

const char *fake_dynamodb_text(const struct fake_dynamodb *d, const char *key, const char *name)
{
    json_t *value = json_object_get(fake_dynamodb_get(d, key), name);
    const char *text = json_string_value(json_object_get(value, "S"));

    return text != NULL ? text : json_string_value(json_object_get(value, "N"));
}
