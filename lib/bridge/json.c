#include "bridge/json.h"

#include <stdlib.h>
#include <string.h>

#include "core/in.h"

/* Without memory jansson 2.14 drops characters of a text and says nothing, or has another reason. So it
 * gets its memory here, and what it made is not used when that failed once. */
static _Thread_local int starved;

static void *take_memory(size_t size) {
    void *p = malloc(size);
    starved |= !p;
    return p;
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
    json_error_t why;
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
    if (!look(copy, len, depth, name, e)) {
        starved = 0;
        json_set_alloc_funcs(take_memory, free);
        json = json_loadb(copy, len, JSON_REJECT_DUPLICATES, &why);
        if (starved) {
            json_decref(json);
            json = NULL;
            ser_no_memory(e);
        } else if (!json)
            ser_fail(e, SER_BAD, "%s: line %d: not JSON: %s", name, why.line, why.text);
    }
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
