/* The pickle of torchfile.h: a stack machine of which only what builds a flat dictionary of tensors is
 * here. Values are small and copied; what is made of several lies in arrays that only grow: so nothing
 * is ever freed, or walked, by following what names what. */
#include <stdlib.h>
#include <string.h>

#include "bridge/torchfile.h"
#include "core/bytes.h"

enum {
    MAX_STEPS = 2000000,
    MAX_STACK = 100000,
    MAX_BUILDS = 64,
    MAX_GLOBAL = 200, /* bytes of a name */
    MAX_KEY = 20      /* digits of a storage's */
};
#define MAX_SIZE (1ULL << 48)

enum kind { MARK, NOTHING, NUMBER, TEXT, TUPLE, LIST, DICT, GLOBAL, STORAGE, TENSOR };

struct value {
    enum kind kind;
    uint32_t n; /* bytes of a text, items of a tuple */
    int64_t
        i; /* a number; place of a tuple's items, of a tensor; number of a dictionary, a global */
    const void *text; /* [n] in the pickle */
};

/* What a dictionary holds; those of all lie in one array. */
struct pair {
    int64_t dict;
    struct value key, value;
};

struct storage {
    const unsigned char *at;
    uint64_t count;
    int global;
};

struct machine {
    const struct ser_zip *z;
    const unsigned char *p, *end; /* what is left of the pickle */
    struct value *stack, *memo, *item;
    size_t depth, stack_cap, memos, memo_cap, items, item_cap;
    struct pair *pair;
    size_t pairs, pair_cap;
    struct storage *storage;
    size_t storages, storage_cap;
    struct ser_tensor *tensor;
    size_t tensors, tensor_cap;
    int64_t dicts;
    int builds, file;
    const char *wrong; /* what is; "": memory ended */
};

/* ---- names that may be used ---- */

enum { ORDERED_DICT, REBUILD_TENSOR, REBUILD_PARAMETER, FIRST_STORAGE };

static const struct {
    const char *module, *name;
    size_t width; /* bytes of an element */
    enum ser_element element;
} globals[] = {
    {"collections", "OrderedDict", 0, SER_ELEMENT_OTHER},
    {"torch._utils", "_rebuild_tensor_v2", 0, SER_ELEMENT_OTHER},
    {"torch._utils", "_rebuild_parameter", 0, SER_ELEMENT_OTHER},
    {"torch", "FloatStorage", 4, SER_ELEMENT_F32},
    {"torch", "HalfStorage", 2, SER_ELEMENT_F16},
    {"torch", "BFloat16Storage", 2, SER_ELEMENT_BF16},
    {"torch", "DoubleStorage", 8, SER_ELEMENT_F64},
    {"torch", "LongStorage", 8, SER_ELEMENT_OTHER},
    {"torch", "IntStorage", 4, SER_ELEMENT_OTHER},
    {"torch", "ShortStorage", 2, SER_ELEMENT_OTHER},
    {"torch", "CharStorage", 1, SER_ELEMENT_OTHER},
    {"torch", "ByteStorage", 1, SER_ELEMENT_OTHER},
    {"torch", "BoolStorage", 1, SER_ELEMENT_OTHER},
};

/* ---- small steps ---- */

static int fail(struct machine *m, const char *wrong) {
    m->wrong = wrong;
    return -1;
}

static int no_memory(struct machine *m) {
    return fail(m, "");
}

/* The next n bytes, or NULL. */
static const unsigned char *take(struct machine *m, size_t n) {
    const unsigned char *at = m->p;
    if ((size_t)(m->end - m->p) < n) {
        m->wrong = "its pickle ends early";
        return NULL;
    }
    m->p += n;
    return at;
}

static int push(struct machine *m, struct value v) {
    if (m->depth == MAX_STACK)
        return fail(m, "its pickle lays too much on its stack");
    if (ser_grow(&m->stack, &m->stack_cap, m->depth + 1, sizeof *m->stack))
        return no_memory(m);
    m->stack[m->depth++] = v;
    return 0;
}

static int push_number(struct machine *m, int64_t i) {
    return push(m, (struct value){.kind = NUMBER, .i = i});
}

/* The topmost value, which is not a mark, taken off. */
static int pop(struct machine *m, struct value *v) {
    if (!m->depth || m->stack[m->depth - 1].kind == MARK)
        return fail(m, "its pickle takes more off its stack than there is");
    *v = m->stack[--m->depth];
    return 0;
}

/* Where what is above the topmost mark begins, or -1. */
static ptrdiff_t above_mark(struct machine *m) {
    for (size_t i = m->depth; i > 0; i--)
        if (m->stack[i - 1].kind == MARK)
            return (ptrdiff_t)i;
    return fail(m, "its pickle has no mark where it needs one");
}

static int is_text(const struct value *v, const char *text) {
    return v->kind == TEXT && v->n == strlen(text) && !memcmp(v->text, text, v->n);
}

/* ---- instructions ---- */

/* Makes a tuple of what is on the stack from first on, below which skip marks go, too. */
static int make_tuple(struct machine *m, size_t first, size_t skip) {
    size_t n = m->depth - first;
    struct value v = {.kind = TUPLE, .n = (uint32_t)n, .i = (int64_t)m->items};
    for (size_t i = first; i < m->depth; i++)
        if (m->stack[i].kind == MARK)
            return fail(m, "its pickle has a mark in a tuple");
    if (ser_grow(&m->item, &m->item_cap, m->items + n, sizeof *m->item))
        return no_memory(m);
    if (n)
        memcpy(m->item + m->items, m->stack + first, n * sizeof *m->item);
    m->items += n;
    m->depth = first - skip;
    return push(m, v);
}

static int tuple_to_mark(struct machine *m) {
    ptrdiff_t first = above_mark(m);
    return first < 0 ? -1 : make_tuple(m, (size_t)first, 1);
}

static int tuple_of(struct machine *m, size_t n) {
    if (m->depth < n)
        return fail(m, "its pickle takes more off its stack than there is");
    return make_tuple(m, m->depth - n, 0);
}

/* Puts the pairs on the stack from first on into the dictionary below them and below skip marks. */
static int set_items(struct machine *m, size_t first, size_t skip) {
    if (first < skip + 1 || m->stack[first - skip - 1].kind != DICT || (m->depth - first) % 2)
        return fail(m, "its pickle sets items of what is no dictionary");
    for (size_t i = first; i < m->depth; i += 2) {
        if (m->stack[i].kind == MARK || m->stack[i + 1].kind == MARK)
            return fail(m, "its pickle has a mark in a dictionary");
        if (ser_grow(&m->pair, &m->pair_cap, m->pairs + 1, sizeof *m->pair))
            return no_memory(m);
        m->pair[m->pairs++] =
            (struct pair){m->stack[first - skip - 1].i, m->stack[i], m->stack[i + 1]};
    }
    m->depth = first - skip;
    return 0;
}

static int set_to_mark(struct machine *m) {
    ptrdiff_t first = above_mark(m);
    return first < 0 ? -1 : set_items(m, (size_t)first, 1);
}

/* Lists are read and dropped: none is part of what is wanted. */
static int append(struct machine *m, size_t first, size_t skip) {
    if (first < skip + 1 || m->stack[first - skip - 1].kind != LIST)
        return fail(m, "its pickle appends to what is no list");
    m->depth = first - skip;
    return 0;
}

static int append_to_mark(struct machine *m) {
    ptrdiff_t first = above_mark(m);
    return first < 0 ? -1 : append(m, (size_t)first, 1);
}

/* Values are kept under numbers that count up. */
static int put(struct machine *m, uint64_t at) {
    if (!m->depth || m->stack[m->depth - 1].kind == MARK || at > m->memos)
        return fail(m, "its pickle keeps a value under a number out of order");
    if (at == m->memos) {
        if (ser_grow(&m->memo, &m->memo_cap, m->memos + 1, sizeof *m->memo))
            return no_memory(m);
        m->memos++;
    }
    m->memo[at] = m->stack[m->depth - 1];
    return 0;
}

static int get(struct machine *m, uint64_t at) {
    return at < m->memos ? push(m, m->memo[at])
                         : fail(m, "its pickle asks for a value that it has not kept");
}

/* One line of a global's name. */
static const char *take_line(struct machine *m, size_t *n) {
    const char *at = (const char *)m->p;
    size_t left = (size_t)(m->end - m->p), most = left < MAX_GLOBAL ? left : MAX_GLOBAL;
    const char *end = most ? memchr(at, '\n', most) : NULL;
    if (!end)
        return NULL;
    *n = (size_t)(end - at);
    m->p += *n + 1;
    return at;
}

static int push_global(struct machine *m) {
    size_t n = 0, k = 0;
    const char *module = take_line(m, &n), *name = module ? take_line(m, &k) : NULL;
    for (size_t i = 0; name && i < sizeof globals / sizeof *globals; i++)
        if (n == strlen(globals[i].module) && !memcmp(module, globals[i].module, n) &&
            k == strlen(globals[i].name) && !memcmp(name, globals[i].name, k))
            return push(m, (struct value){.kind = GLOBAL, .i = (int64_t)i});
    return fail(m, "its pickle names what no dictionary of tensors needs, and might do harm");
}

/* ("storage", its type, its key, where it was, its elements) becomes a storage. */
static int push_storage(struct machine *m) {
    struct value v;
    char name[8 + MAX_KEY] = "data/";
    if (pop(m, &v))
        return -1;
    const struct value *a = v.kind == TUPLE && v.n == 5 ? m->item + v.i : NULL;
    if (!a || !is_text(&a[0], "storage") || a[1].kind != GLOBAL || a[1].i < FIRST_STORAGE ||
        a[2].kind != TEXT || a[4].kind != NUMBER)
        return fail(m, "its pickle refers to what is no storage");
    const char *key = a[2].text;
    int digits = a[2].n > 0 && a[2].n <= MAX_KEY;
    for (uint32_t i = 0; digits && i < a[2].n; i++)
        digits = key[i] >= '0' && key[i] <= '9';
    if (!digits)
        return fail(m, "the key of a storage is no number");
    memcpy(name + 5, key, a[2].n);
    const struct ser_zip_entry *e = ser_zip_find(m->z, name, 5 + a[2].n);
    if (!e)
        return fail(m, "a storage is missing");
    size_t width = globals[a[1].i].width;
    if (a[4].i < 0 || e->size % width || e->size / width != (uint64_t)a[4].i)
        return fail(m, "a storage has not as many bytes as its pickle says");
    if (ser_grow(&m->storage, &m->storage_cap, m->storages + 1, sizeof *m->storage))
        return no_memory(m);
    m->storage[m->storages] = (struct storage){e->at, (uint64_t)a[4].i, (int)a[1].i};
    return push(m, (struct value){.kind = STORAGE, .i = (int64_t)m->storages++});
}

/* The numbers of a tuple: 0, or -1. */
static int read_sizes(const struct machine *m, const struct value *v, uint64_t *to) {
    if (v->kind != TUPLE || v->n > SER_TENSOR_MAX_RANK)
        return -1;
    for (uint32_t i = 0; i < v->n; i++) {
        const struct value *one = &m->item[v->i + i];
        if (one->kind != NUMBER || one->i < 0 || (uint64_t)one->i > MAX_SIZE)
            return -1;
        to[i] = (uint64_t)one->i;
    }
    return 0;
}

/* Whether all elements lie inside the storage; sets count. */
static int is_inside(struct ser_tensor *t, uint64_t offset, uint64_t size) {
    uint64_t last = offset;
    t->count = 1;
    for (int i = 0; i < t->rank; i++)
        if (__builtin_mul_overflow(t->count, t->dim[i], &t->count) || t->count > MAX_SIZE)
            return 0;
    if (!t->count)
        return 1;
    for (int i = 0; i < t->rank; i++) {
        uint64_t far;
        if (__builtin_mul_overflow(t->dim[i] - 1, t->stride[i], &far) ||
            __builtin_add_overflow(last, far, &last))
            return 0;
    }
    return last < size;
}

/* (storage, offset, sizes, strides, ...) */
static int push_tensor(struct machine *m, const struct value *a, uint32_t n) {
    struct ser_tensor t = {.file = m->file};
    if (n < 6 || a[0].kind != STORAGE || a[1].kind != NUMBER || a[1].i < 0 ||
        read_sizes(m, &a[2], t.dim) || read_sizes(m, &a[3], t.stride) || a[2].n != a[3].n)
        return fail(m, "a tensor is not given by storage, offset, sizes and strides");
    const struct storage *s = &m->storage[a[0].i];
    t.rank = (int)a[2].n;
    t.element = globals[s->global].element;
    if (!is_inside(&t, (uint64_t)a[1].i, s->count))
        return fail(m, "a tensor reaches beyond its storage");
    t.at = s->at + (t.count ? (uint64_t)a[1].i * globals[s->global].width : 0);
    if (ser_grow(&m->tensor, &m->tensor_cap, m->tensors + 1, sizeof *m->tensor))
        return no_memory(m);
    m->tensor[m->tensors] = t;
    return push(m, (struct value){.kind = TENSOR, .i = (int64_t)m->tensors++});
}

static int push_dict(struct machine *m) {
    return push(m, (struct value){.kind = DICT, .i = m->dicts++});
}

/* What would be a call. */
static int reduce(struct machine *m) {
    struct value args, f;
    if (pop(m, &args) || pop(m, &f))
        return -1;
    const struct value *a = args.kind == TUPLE && args.n ? m->item + args.i : NULL;
    if (f.kind == GLOBAL && args.kind == TUPLE && f.i == ORDERED_DICT && !args.n)
        return push_dict(m);
    if (f.kind == GLOBAL && a && f.i == REBUILD_TENSOR)
        return push_tensor(m, a, args.n);
    if (f.kind == GLOBAL && a && f.i == REBUILD_PARAMETER && args.n == 3 && a[0].kind == TENSOR)
        return push(m, a[0]);
    return fail(m, "its pickle calls what it should not");
}

/* The state of an OrderedDict is its _metadata, which nobody needs. */
static int build(struct machine *m) {
    struct value state;
    if (pop(m, &state))
        return -1;
    int ok = ++m->builds <= MAX_BUILDS && state.kind == DICT && m->depth &&
             m->stack[m->depth - 1].kind == DICT;
    for (size_t i = 0; ok && i < m->pairs; i++)
        ok = m->pair[i].dict != state.i || is_text(&m->pair[i].key, "_metadata");
    return ok ? 0 : fail(m, "its pickle gives an object a state that it should not have");
}

static int64_t get_signed(const unsigned char *p, size_t n) {
    uint64_t v = n && p[n - 1] & 0x80 ? ~0ULL : 0;
    for (size_t i = n; i > 0; i--)
        v = v << 8 | p[i - 1];
    return (int64_t)v;
}

static int push_long(struct machine *m) {
    const unsigned char *n = take(m, 1), *p = n ? take(m, *n) : NULL;
    if (!p)
        return -1;
    return *n <= 8 ? push_number(m, get_signed(p, *n))
                   : fail(m, "its pickle has a number of more than 64 bits");
}

static int push_text(struct machine *m) {
    const unsigned char *n = take(m, 4), *p = n ? take(m, ser_get32(n)) : NULL;
    return p ? push(m, (struct value){.kind = TEXT, .n = ser_get32(n), .text = p}) : -1;
}

/* A number of n bytes behind the instruction. */
static int with(struct machine *m, size_t n, int (*then)(struct machine *, uint64_t)) {
    const unsigned char *p = take(m, n);
    if (!p)
        return -1;
    uint64_t v = 0;
    for (size_t i = n; i > 0; i--)
        v = v << 8 | p[i - 1];
    return then(m, v);
}

static int push_unsigned(struct machine *m, uint64_t v) {
    return push_number(m, (int64_t)v);
}

static int push_int(struct machine *m, uint64_t v) {
    return push_number(m, (int32_t)(uint32_t)v);
}

static int push_real(struct machine *m, uint64_t v) {
    (void)v; /* none is part of what is wanted */
    return push(m, (struct value){.kind = NOTHING});
}

static int step(struct machine *m, unsigned char op) {
    switch (op) {
    case '(':
        return push(m, (struct value){.kind = MARK});
    case ')':
        return make_tuple(m, m->depth, 0);
    case 't':
        return tuple_to_mark(m);
    case 0x85:
    case 0x86:
    case 0x87:
        return tuple_of(m, op - 0x84u);
    case '}':
        return push_dict(m);
    case 's':
        return m->depth < 2 ? fail(m, "its pickle takes more off its stack than there is")
                            : set_items(m, m->depth - 2, 0);
    case 'u':
        return set_to_mark(m);
    case ']':
        return push(m, (struct value){.kind = LIST});
    case 'a':
        return m->depth < 1 ? fail(m, "its pickle takes more off its stack than there is")
                            : append(m, m->depth - 1, 0);
    case 'e':
        return append_to_mark(m);
    case 'N':
        return push(m, (struct value){.kind = NOTHING});
    case 0x88:
    case 0x89:
        return push_number(m, op == 0x88);
    case 'K':
        return with(m, 1, push_unsigned);
    case 'M':
        return with(m, 2, push_unsigned);
    case 'J':
        return with(m, 4, push_int);
    case 'G':
        return with(m, 8, push_real);
    case 0x8a:
        return push_long(m);
    case 'X':
        return push_text(m);
    case 'q':
        return with(m, 1, put);
    case 'r':
        return with(m, 4, put);
    case 'h':
        return with(m, 1, get);
    case 'j':
        return with(m, 4, get);
    case 'c':
        return push_global(m);
    case 'Q':
        return push_storage(m);
    case 'R':
        return reduce(m);
    case 'b':
        return build(m);
    default:
        return fail(m, "its pickle has an instruction that no dictionary of tensors needs");
    }
}

/* Runs to the end, which leaves one value. */
static int run(struct machine *m) {
    const unsigned char *op = take(m, 2);
    if (!op || op[0] != 0x80 || op[1] != 2)
        return fail(m, "its pickle is not of protocol 2");
    for (int steps = 0; steps < MAX_STEPS; steps++) {
        op = take(m, 1);
        if (!op)
            return -1;
        if (*op == '.')
            return m->depth == 1 && m->p == m->end ? 0 : fail(m, "its pickle ends in disorder");
        if (step(m, *op))
            return -1;
    }
    return fail(m, "its pickle has more than two million steps");
}

/* ---- the dictionary ---- */

static int add_pair(struct ser_tensors *t, const struct machine *m, const struct pair *p,
                    const char *name, struct ser_error *e) {
    if (p->key.kind != TEXT || p->value.kind != TENSOR)
        return ser_fail(
            e, SER_BAD,
            "%s: is not a flat dictionary of tensors: a training checkpoint, perhaps; save "
            "the state_dict of the model alone",
            name);
    char *key = strndup(p->key.text, p->key.n);
    if (!key)
        return ser_no_memory(e);
    int failed = ser_is_text(p->key.text, p->key.n)
                     ? ser_tensors_add(t, &m->tensor[p->value.i], key, e)
                     : ser_fail(e, SER_BAD, "%s: the name of a tensor is not text", name);
    free(key);
    return failed;
}

static int add_all(struct ser_tensors *t, const struct machine *m, const char *name,
                   struct ser_error *e) {
    if (m->stack[0].kind != DICT)
        return ser_fail(e, SER_BAD, "%s: is not a dictionary of tensors", name);
    for (size_t i = 0; i < m->pairs; i++)
        if (m->pair[i].dict == m->stack[0].i && add_pair(t, m, &m->pair[i], name, e))
            return -1;
    return 0;
}

int ser_unpickle(struct ser_tensors *t, const struct ser_zip *z, const unsigned char *pickle,
                 size_t len, int file, const char *name, struct ser_error *e) {
    struct machine m = {.z = z, .p = pickle, .end = pickle + len, .file = file};
    int failed;
    if (run(&m))
        failed = *m.wrong ? ser_fail(e, SER_BAD, "%s: %s", name, m.wrong) : ser_no_memory(e);
    else
        failed = add_all(t, &m, name, e);
    free(m.stack);
    free(m.memo);
    free(m.item);
    free(m.pair);
    free(m.storage);
    free(m.tensor);
    return failed;
}
