#include "bridge/json.h"

#include <setjmp.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "core/in.h"

/* Where a text cannot grow, jansson 2.14 (strbuffer.c, load.c) loses characters and goes on: it reads and
 * writes behind the end of what there is, or an assertion of its own ends the process. So it never sees a
 * failure: when memory ends, its call is left by a jump, and what it had is freed here. Until then its blocks
 * are in a ring. */
struct block {
    _Alignas(max_align_t) struct block *next;
    struct block *prev; /* NULL: in no ring, because what was read has been handed out */
};

static _Thread_local struct block ring; /* zeros: nothing is being read */
static _Thread_local jmp_buf out;

static void *take_memory(size_t size) {
    struct block *b = size > SIZE_MAX - sizeof *b ? NULL : malloc(sizeof *b + size);
    if (!b && ring.next)
        longjmp(out, 1);
    if (!b)
        return NULL;
    *b = (struct block){NULL, NULL};
    if (ring.next) {
        *b = (struct block){ring.next, &ring};
        b->next->prev = ring.next = b;
    }
    return b + 1;
}

static void free_memory(void *p) {
    struct block *b = p ? (struct block *)p - 1 : NULL;
    if (b && b->prev) {
        b->prev->next = b->next;
        b->next->prev = b->prev;
    }
    free(b);
}

/* Empties the ring: frees the blocks, or keeps them. */
static void leave(int kept) {
    for (struct block *b = ring.next, *next; b != &ring; b = next) {
        next = b->next;
        b->next = b->prev = NULL;
        if (!kept)
            free(b);
    }
    ring = (struct block){NULL, NULL};
}

/* NULL with e set. */
static json_t *load(const char *text, size_t len, const char *name, struct ser_error *e) {
    json_error_t why;
    ring = (struct block){&ring, &ring};
    json_set_alloc_funcs(take_memory, free_memory);
    if (setjmp(out)) {
        leave(0);
        ser_no_memory(e);
        return NULL;
    }
    json_t *json = json_loadb(text, len, JSON_REJECT_DUPLICATES, &why);
    leave(1);
    if (!json)
        ser_fail(e, SER_BAD, "%s: line %d: not JSON: %s", name, why.line, why.text);
    return json;
}

/* Looks for the limits in text [len], and replaces \u0000. Whether it is JSON is jansson's to say. */
static int look(char *text, size_t len, int depth, const char *name, struct ser_error *e) {
    int deep = 0, quoted = 0;
    size_t values = 1;
    for (size_t i = 0; i < len; i++) {
        char c = text[i];
        if (quoted && c == '\\') {
            if (len - i > 5 && !memcmp(text + i, "\\u0000", 6))
                memcpy(text + i, "\\uE000", 6);
            i++;
        } else if (c == '"') {
            quoted = !quoted;
        } else if (!quoted) {
            deep += (c == '{' || c == '[') - (c == '}' || c == ']');
            values += c == ',' || c == '{' || c == '[';
        }
        if (deep > depth)
            return ser_fail(e, SER_BAD,
                            "%s: objects and arrays lie more than %d deep: not such a file", name,
                            depth);
    }
    if (values > SER_JSON_VALUES)
        return ser_fail(e, SER_BAD, "%s: has more than %d values: not such a file", name,
                        SER_JSON_VALUES);
    return 0;
}

json_t *ser_json_parse(const char *text, size_t len, int depth, const char *name,
                       struct ser_error *e) {
    if (len > SER_JSON_BYTES) {
        ser_fail(e, SER_BAD, "%s: %zu bytes of JSON: more than %d, so not such a file", name, len,
                 SER_JSON_BYTES);
        return NULL;
    }
    if (!len || *text != '{') {
        ser_fail(e, SER_BAD, "%s: does not begin with '{', as its JSON should", name);
        return NULL;
    }
    char *copy = malloc(len);
    if (!copy) {
        ser_no_memory(e);
        return NULL;
    }
    memcpy(copy, text, len);
    json_t *json = NULL;
    if (!look(copy, len, depth, name, e))
        json = load(copy, len, name, e);
    free(copy);
    return json;
}

json_t *ser_json_load(const char *path, int depth, struct ser_error *e) {
    struct ser_in in;
    unsigned char *text = NULL;
    size_t len;
    json_t *json = NULL;
    if (ser_in_open(&in, path, e))
        return NULL;
    if (!ser_in_rest(&in, SER_JSON_BYTES, &text, &len, e))
        json = ser_json_parse((const char *)text, len, depth, path, e);
    free(text);
    ser_in_close(&in);
    return json;
}
