#include "aws/sts_reply.h"

#include "base/utf8.h"

#include <string.h>

enum { DEPTH_MAX = 16, ENTITY_MAX = 10 };

static const char blanks[] = " \t\r\n";

struct name {
    const char *text; /* as written, so that an end can be compared with its beginning */
    size_t len;
    size_t local; /* where the part behind the prefix begins */
};

struct reader {
    const char *start, *at, *end;
    struct name open[DEPTH_MAX];
    size_t depth;
    bool root_seen;
    unsigned fields_seen; /* a bit a field */
    struct buf *field;    /* that the text goes to; NULL: nowhere */
    struct sts_reply *out;
    struct error *err;
};

static const struct {
    const char *parent, *name;
} fields[STS_FIELDS] = {
    [STS_ACCESS_KEY_ID] = {"Credentials", "AccessKeyId"},
    [STS_SECRET_ACCESS_KEY] = {"Credentials", "SecretAccessKey"},
    [STS_SESSION_TOKEN] = {"Credentials", "SessionToken"},
    [STS_EXPIRATION] = {"Credentials", "Expiration"},
    [STS_CODE] = {"Error", "Code"},
    [STS_MESSAGE] = {"Error", "Message"},
    [STS_ACCOUNT] = {"GetCallerIdentityResult", "Account"},
    [STS_ARN] = {"GetCallerIdentityResult", "Arn"},
};

void sts_reply_init(struct sts_reply *r)
{
    for (int i = 0; i < STS_FIELDS; i++)
        r->fields[i] = BUF_INIT(STS_FIELD_MAX);
}

void sts_reply_release(struct sts_reply *r)
{
    for (int i = 0; i < STS_FIELDS; i++)
        buf_wipe(&r->fields[i]);
}

static bool refuse(struct reader *r, const char *problem)
{
    return error_set(r->err, ERROR_MALFORMED, "MalformedReply",
                     "the answer is not the XML that it should be: %s at byte %zu", problem,
                     (size_t)(r->at - r->start));
}

static bool is_blank(char c)
{
    return c != '\0' && strchr(blanks, c) != NULL;
}

/* Tells whether TEXT comes next, and goes behind it if so. */
static bool skip(struct reader *r, const char *text)
{
    size_t len = strlen(text);

    if ((size_t)(r->end - r->at) < len || memcmp(r->at, text, len) != 0)
        return false;
    r->at += len;
    return true;
}

/* Returns where the next MARK stands and goes behind it; NULL when there is none. */
static const char *skip_to(struct reader *r, const char *mark)
{
    const char *found = memmem(r->at, (size_t)(r->end - r->at), mark, strlen(mark));

    if (found != NULL)
        r->at = found + strlen(mark);
    return found;
}

static bool put(struct reader *r, const char *text, size_t len)
{
    while (r->field->len == 0 && len > 0 && is_blank(*text)) {
        text++;
        len--;
    }
    return buf_append(r->field, text, len) || refuse(r, "a text that is too long");
}

/* Finds the character of "&#233;", "&#xE9;": what is between '#' and ';'; 0 when it is none. */
static uint32_t numbered(const char *text, size_t len)
{
    bool hex = len > 0 && text[0] == 'x';
    uint32_t code = 0;

    for (size_t i = hex; i < len; i++) {
        static const char digits[] = "0123456789abcdefABCDEF";
        const char *digit = text[i] != '\0' ? strchr(digits, text[i]) : NULL;
        uint32_t value;

        if (digit == NULL)
            return 0;
        value = (uint32_t)(digit - digits);
        value = value > 15 ? value - 6 : value;
        if (value > 9 && !hex)
            return 0;
        code = code * (hex ? 16 : 10) + value; /* ENTITY_MAX keeps it from overflowing */
    }
    return code > 0x10FFFF || (code >= 0xD800 && code < 0xE000) ? 0 : code;
}

static uint32_t entity(const char *text, size_t len)
{
    static const struct {
        const char *name;
        char character;
    } named[] = {{"amp", '&'}, {"lt", '<'}, {"gt", '>'}, {"quot", '"'}, {"apos", '\''}};

    if (len > 1 && text[0] == '#')
        return numbered(text + 1, len - 1);
    for (size_t i = 0; i < sizeof(named) / sizeof(named[0]); i++)
        if (strlen(named[i].name) == len && memcmp(text, named[i].name, len) == 0)
            return (unsigned char)named[i].character;
    return 0;
}

static bool read_entity(struct reader *r)
{
    const char *name = r->at + 1;
    size_t room = (size_t)(r->end - name);
    const char *semicolon = memchr(name, ';', room < ENTITY_MAX ? room : ENTITY_MAX);
    uint32_t code = semicolon != NULL ? entity(name, (size_t)(semicolon - name)) : 0;
    char utf8[4];

    if (code == 0)
        return refuse(r, "an unknown entity");
    r->at = semicolon + 1;
    return put(r, utf8, utf8_encode(code, utf8));
}

/* Reads up to the next tag. */
static bool read_text(struct reader *r)
{
    while (r->at < r->end && *r->at != '<') {
        const char *from = r->at;

        if (r->depth == 0 && !is_blank(*from))
            return refuse(r, "text outside of an element");
        if (r->field == NULL) {
            r->at++;
            continue;
        }
        if (*from == '&') {
            if (!read_entity(r))
                return false;
            continue;
        }
        while (r->at < r->end && *r->at != '<' && *r->at != '&')
            r->at++;
        if (!put(r, from, (size_t)(r->at - from)))
            return false;
    }
    return true;
}

/* Reads a name; an empty one is refused. */
static bool read_name(struct reader *r, struct name *out)
{
    const char *from = r->at;
    const char *colon;

    while (r->at < r->end && !is_blank(*r->at) && strchr("<>/=\"'&", *r->at) == NULL)
        r->at++;
    *out = (struct name){.text = from, .len = (size_t)(r->at - from)};
    colon = memrchr(from, ':', out->len);
    out->local = colon != NULL ? (size_t)(colon + 1 - from) : 0;
    return out->local < out->len || refuse(r, "no name");
}

static bool is_named(const struct name *n, const char *text)
{
    size_t len = n->len - n->local;

    return strlen(text) == len && memcmp(n->text + n->local, text, len) == 0;
}

/* Tells which field the innermost element is; STS_FIELDS: none. */
static enum sts_field field_here(const struct reader *r)
{
    for (int i = 0; i < STS_FIELDS && r->depth > 1; i++)
        if (is_named(&r->open[r->depth - 1], fields[i].name) &&
            is_named(&r->open[r->depth - 2], fields[i].parent))
            return (enum sts_field)i;
    return STS_FIELDS;
}

static bool begin_element(struct reader *r, const struct name *name)
{
    size_t rest = (size_t)(r->end - r->at);
    enum sts_field which;

    r->open[r->depth++] = *name;
    which = field_here(r);
    r->field = which < STS_FIELDS ? &r->out->fields[which] : NULL;
    if (r->field == NULL)
        return true;
    if ((r->fields_seen & 1U << which) != 0)
        return refuse(r, "an element that was there before");
    r->fields_seen |= 1U << which;
    /* all its memory at once: a buffer that grows leaves copies of a secret behind */
    (void)buf_reserve(r->field, rest < STS_FIELD_MAX ? rest : STS_FIELD_MAX);
    return true;
}

static void end_element(struct reader *r)
{
    enum sts_field which;

    if (r->field != NULL)
        while (r->field->len > 0 && is_blank(r->field->data[r->field->len - 1]))
            r->field->data[--r->field->len] = '\0';
    r->depth--;
    which = field_here(r);
    r->field = which < STS_FIELDS ? &r->out->fields[which] : NULL;
}

/* Skips the attributes and reads the tag's end; EMPTY tells of "<a/>". */
static bool read_tag_end(struct reader *r, bool *empty)
{
    while (r->at < r->end) {
        char c = *r->at++;

        if (c == '>') {
            *empty = r->at[-2] == '/';
            return true;
        }
        if (c == '<')
            break;
        if (c == '"' || c == '\'') {
            r->at = memchr(r->at, c, (size_t)(r->end - r->at));
            if (r->at == NULL) {
                r->at = r->end;
                break;
            }
            r->at++;
        }
    }
    return refuse(r, "a tag without an end");
}

static bool read_beginning(struct reader *r)
{
    struct name name;
    bool empty = false;

    if (!read_name(r, &name) || !read_tag_end(r, &empty))
        return false;
    if (r->depth == 0 && r->root_seen)
        return refuse(r, "a second document");
    if (r->depth == DEPTH_MAX)
        return refuse(r, "too many elements in one another");
    r->root_seen = true;
    if (!begin_element(r, &name))
        return false;
    if (empty)
        end_element(r);
    return true;
}

static bool read_ending(struct reader *r)
{
    struct name name;
    const struct name *open = r->depth > 0 ? &r->open[r->depth - 1] : NULL;

    if (!read_name(r, &name))
        return false;
    if (open == NULL || open->len != name.len || memcmp(open->text, name.text, name.len) != 0)
        return refuse(r, "the end of an element that is not open");
    while (r->at < r->end && is_blank(*r->at))
        r->at++;
    if (!skip(r, ">"))
        return refuse(r, "a tag without an end");
    end_element(r);
    return true;
}

static bool read_cdata(struct reader *r)
{
    const char *from = r->at;
    const char *to = skip_to(r, "]]>");

    if (to == NULL || r->depth == 0)
        return refuse(r, "a misplaced CDATA section");
    return r->field == NULL || put(r, from, (size_t)(to - from));
}

/* Reads what begins with '<'. */
static bool read_markup(struct reader *r)
{
    if (skip(r, "<!--"))
        return skip_to(r, "-->") != NULL || refuse(r, "a comment without an end");
    if (skip(r, "<![CDATA["))
        return read_cdata(r);
    if (skip(r, "<?"))
        return skip_to(r, "?>") != NULL || refuse(r, "an instruction without an end");
    if (skip(r, "</"))
        return read_ending(r);
    r->at++;
    return read_beginning(r); /* also of "<!DOCTYPE", whose end will not come: STS sends none */
}

bool sts_read_reply(struct sts_reply *reply, const char *text, size_t len, struct error *err)
{
    struct reader r = {.start = text, .at = text, .end = text + len, .out = reply, .err = err};

    r.at = memchr(text, '\0', len); /* it would cut a text short */
    if (r.at != NULL)
        return refuse(&r, "a NUL");
    r.at = text;
    (void)skip(&r, "\xEF\xBB\xBF");
    while (r.at < r.end)
        if (!(*r.at == '<' ? read_markup(&r) : read_text(&r)))
            return false;
    if (r.depth > 0 || !r.root_seen)
        return refuse(&r, "its end too early");
    return true;
}
