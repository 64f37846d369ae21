#include "standin_piece.h"

#include <string.h>

struct piece piece_member(struct piece in, const char *name)
{
    const char *at = in.text == NULL ? NULL : memmem(in.text, in.len, name, strlen(name));
    if (at == NULL)
        return (struct piece){NULL, 0};
    const char *end = in.text + in.len;
    at += strlen(name);
    while (at < end && (*at == ' ' || *at == ':'))
        at++;
    return (struct piece){at, (size_t)(end - at)};
}

struct piece piece_string(struct piece piece)
{
    if (piece.len < 2 || *piece.text != '"')
        return (struct piece){NULL, 0};
    const char *quote = memchr(piece.text + 1, '"', piece.len - 1);
    if (quote == NULL)
        return (struct piece){NULL, 0};
    return (struct piece){piece.text + 1, (size_t)(quote - piece.text) - 1};
}

struct piece piece_behind(struct piece whole, struct piece part)
{
    const char *end = part.text + part.len;
    return (struct piece){end, whole.len - (size_t)(end - whole.text)};
}

uint64_t piece_number(struct piece in, const char *name, uint64_t otherwise, uint64_t max)
{
    struct piece value = piece_member(in, name);
    if (value.text == NULL)
        return otherwise;
    uint64_t number = 0;
    for (size_t i = 0; i < value.len && number <= max; i++) {
        char digit = value.text[i];
        if (digit < '0' || digit > '9')
            break;
        number = number * 10 + (uint64_t)(digit - '0');
    }
    return number < max ? number : max;
}
