#include "bridge/corpus.h"

#include "core/bytes.h"
#include "core/csv.h"
#include "core/record.h"

#include <errno.h>
#include <regex.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
    MAX_PATTERN = 1000, /* bytes: regcomp(3) works deep where it is nested */
    MAX_REPEATS = 10000,
    MAX_GROUPS = 32,
    MAX_VARS = 64,
    MAX_WORDS = 1024,     /* of a line */
    MAX_KEYS = 2,         /* columns of a table's key */
    MAX_VALUES = 1 << 16, /* bytes of the values made of one path */
    MAX_COUNTS = 1000000, /* clips */
    MAX_COUNTED = 2000, /* speakers that are given a count, each as often as it is: they are looked
                              up one by one */
    VAR_PATH = SER_FIELDS, /* variables that are there before any statement */
    VAR_STEM,
    VAR_FOLDER,
    VAR_BELOW,
    FIRST_VARS
};

static const char *const first_var[FIRST_VARS] = {"id",        "speaker",   "sex",        "emotion",
                                                  "intensity", "statement", "repetition", "path",
                                                  "stem",      "folder",    "below"};

enum verb { SET, CODE, RANGE, PARITY, BAND, MODULO, SAME, BAD, OTHER, LEAVE, TABLE, FIND, VERBS };

static const char *const verb_name[VERBS] = {"set",  "code", "range", "parity", "band",  "modulo",
                                             "same", "bad",  "other", "leave",  "table", "find"};

struct condition {
    int var, unlike;
    const char *value;
};

/* CODE: from, NULL for any other, becomes to. BAND: so do the numbers low to high. */
struct code {
    const char *from, *to;
    long low, high;
};

struct taken {
    const char *column;
    int var;
};

struct table {
    const char *file;
    char separator;
    int trim;
    const char **key, **template; /* [keys] columns, and what has to stand in them */
    size_t keys;
    struct taken *take; /* [takes] */
    size_t takes;
    /* Once read: rows of a key and the takes' cells, sorted by key. */
    struct ser_csv csv;
    char *pool;
    const char **cell;
    size_t rows, cap;
    int is_read;
};

struct statement {
    enum verb verb;
    struct condition *when; /* [whens] */
    size_t whens;
    int var, other;    /* variables */
    const char *text;  /* SET, SAME, BAD, OTHER, LEAVE; PARITY: of odd numbers; RANGE: the lowest */
    const char *text2; /* PARITY: of even numbers; RANGE: the highest */
    long low, high;    /* RANGE; MODULO: high */
    struct code *code; /* [codes] */
    size_t codes;
    struct table *table;
    regex_t *find;
};

struct ser_pattern {
    regex_t regex;
    int *group; /* [groups] variables, -1 for none */
    size_t groups;
    struct statement *statement; /* [statements] */
    size_t statements, cap;
};

/* Where the values of one path are made. */
struct ser_scratch {
    char text[MAX_VALUES], why[500];
    size_t used;
    const char *value[MAX_VARS], *extra[MAX_VARS];
};

/* ---- reading a description ---- */

struct parser {
    struct ser_corpora *all;
    struct ser_corpus *c;  /* being described, NULL before the first */
    struct ser_pattern *p; /* being described, NULL before the first */
    int counted;           /* speakers of the corpus that were given a count */
    const char *file;
    int line;
    struct ser_error *e;
};

static int fail(struct parser *p, const char *fmt, ...) SER_PRINTF(2, 3);

static int fail(struct parser *p, const char *fmt, ...) {
    char text[600];
    va_list args;
    va_start(args, fmt);
    ser_format(text, sizeof text, fmt, args);
    va_end(args);
    return ser_fail(p->e, SER_BAD, "%s: line %d: %s", p->file, p->line, text);
}

/* Zeroed memory that ends with the descriptions; NULL, with the parser's error set, if there is
 * none. */
static void *own(struct parser *p, size_t n, size_t size) {
    struct ser_corpora *all = p->all;
    if (ser_grow(&all->owned, &all->own_cap, all->owns + 1, sizeof *all->owned) == 0) {
        all->owned[all->owns] = calloc(n ? n : 1, size);
        if (all->owned[all->owns])
            return all->owned[all->owns++];
    }
    ser_no_memory(p->e);
    return NULL;
}

static int is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\r';
}

/* The next word at *at, NULL at the end. Blanks between quotes belong to it, quotes do not. */
static char *next_word(char **at) {
    char *s = *at, *word, *to;
    int quoted = 0;
    while (is_blank(*s))
        s++;
    if (!*s)
        return NULL;
    for (word = to = s; *s && (quoted || !is_blank(*s)); s++)
        if (*s == '"')
            quoted = !quoted;
        else
            *to++ = *s;
    *at = *s ? s + 1 : s;
    *to = '\0';
    return word;
}

/* The rest of the line without blanks around it; NULL if nothing is left. */
static char *rest_of(char **at) {
    char *s = *at;
    while (is_blank(*s))
        s++;
    for (size_t n = strlen(s); n && is_blank(s[n - 1]); n--)
        s[n - 1] = '\0';
    *at = s + strlen(s);
    return *s ? s : NULL;
}

/* All further words: an array that ends with the descriptions. -1 with the error set. */
static int words_of(struct parser *p, char **at, char ***words, size_t *n) {
    char *word[MAX_WORDS], *s;
    for (*n = 0; (s = next_word(at)); word[(*n)++] = s)
        if (*n == MAX_WORDS)
            return fail(p, "more than %d words", MAX_WORDS);
    *words = own(p, *n, sizeof **words);
    if (*words && *n)
        memcpy(*words, word, *n * sizeof **words);
    return *words ? 0 : -1;
}

/* A whole number of at most nine digits: 0, else -1. */
static int number_of(const char *s, size_t n, long *value) {
    if (!n || n > 9 || strspn(s, "0123456789") < n)
        return -1;
    for (*value = 0; n; n--)
        *value = 10 * *value + *s++ - '0';
    return 0;
}

static int is_name(const char *s) {
    size_t n = strlen(s);
    return *s >= 'a' && *s <= 'z' && strspn(s, "abcdefghijklmnopqrstuvwxyz0123456789_-") == n &&
           n <= 40;
}

static int find_var(const struct ser_corpus *c, const char *name, size_t n) {
    for (size_t i = 0; i < c->vars; i++)
        if (strlen(c->var[i]) == n && memcmp(c->var[i], name, n) == 0)
            return (int)i;
    return -1;
}

/* The variable of that name, new if there is none yet; -1 with the error set. */
static int make_var(struct parser *p, const char *name) {
    int v = name ? find_var(p->c, name, strlen(name)) : -1;
    if (v >= 0)
        return v;
    if (!name || !is_name(name))
        return fail(p, "'%s' cannot be the name of a variable: small letters, digits, - and _",
                    name ? name : "");
    if (p->c->vars == MAX_VARS)
        return fail(p, "more than %d variables", MAX_VARS);
    p->c->var[p->c->vars] = name;
    return (int)p->c->vars++;
}

/* The same for one that must be there. */
static int need_var(struct parser *p, const char *name, size_t n) {
    int v = find_var(p->c, name, n);
    return v >= 0 ? v : fail(p, "there is no variable '%.*s' up to here", (int)n, name);
}

static int need_word_var(struct parser *p, const char *name) {
    return name ? need_var(p, name, strlen(name)) : fail(p, "the name of a variable is missing");
}

/* 0 if text names only known variables between braces. */
static int check_template(struct parser *p, const char *text) {
    for (const char *s = strpbrk(text, "{}"); s; s = strpbrk(s, "{}")) {
        size_t n = strcspn(s + 1, "{}");
        if (*s == '}' || s[1 + n] != '}')
            return fail(p, "braces do not pair: %s", text);
        if (need_var(p, s + 1, n) < 0)
            return -1;
        s += n + 2;
    }
    return 0;
}

/* ---- the head ---- */

static int begin_corpus(struct parser *p, char *name) {
    struct ser_corpora *all = p->all;
    if (!name || !is_name(name) || strcmp(name, "auto") == 0)
        return fail(p, "corpus: a name is missing, or not of small letters, digits, - and _");
    if (ser_corpora_find(all, name))
        return fail(p, "the corpus %s is described twice", name);
    if (ser_grow(&all->at, &all->cap, all->n + 1, sizeof *all->at))
        return ser_no_memory(p->e);
    struct ser_corpus c = {.name = name, .people = name};
    c.var = own(p, MAX_VARS, sizeof *c.var);
    c.column = c.var ? own(p, MAX_VARS, sizeof *c.column) : NULL;
    c.scratch = all->n ? all->at->scratch : c.column ? own(p, 1, sizeof *c.scratch) : NULL;
    if (!c.var || !c.column || !c.scratch)
        return -1;
    memcpy(c.var, first_var, sizeof first_var);
    c.vars = FIRST_VARS;
    all->at[all->n] = c;
    p->c = &all->at[all->n++];
    p->p = NULL;
    p->counted = 0;
    return 0;
}

static int add_columns(struct parser *p, char **at) {
    static const char *const taken[] = {"path", "corpus", "audio_hash", "part", "fold", "split"};
    for (char *name; (name = next_word(at));) {
        int v = make_var(p, name);
        if (v < 0)
            return -1;
        int known = v < SER_FIELDS;
        for (size_t i = 0; i < sizeof taken / sizeof *taken; i++)
            known |= strcmp(name, taken[i]) == 0;
        for (size_t i = 0; i < p->c->columns; i++)
            known |= strcmp(name, p->c->column[i]) == 0;
        if (known)
            return fail(p, "column: a manifest has a column '%s' already", name);
        p->c->column[p->c->columns++] = name;
    }
    return 0;
}

static struct ser_corpus_count *find_count(struct ser_corpus *c, const char *speaker) {
    for (size_t i = 0; i < c->counts; i++)
        if (c->count[i].speaker ? speaker && strcmp(c->count[i].speaker, speaker) == 0 : !speaker)
            return &c->count[i];
    return NULL;
}

/* speaker is without the corpus' name; NULL: all. */
static int set_count(struct parser *p, const char *speaker, long clips) {
    struct ser_corpus *c = p->c;
    char *full = NULL;
    if (speaker) {
        if (++p->counted > MAX_COUNTED)
            return fail(p, "count: more than %d speakers", MAX_COUNTED);
        size_t n = strlen(c->people) + strlen(speaker) + 2;
        if (!(full = own(p, n, 1)))
            return -1;
        snprintf(full, n, "%s_%s", c->people, speaker);
    }
    struct ser_corpus_count *old = find_count(c, full);
    if (old) {
        old->clips = clips;
        return 0;
    }
    /* The array doubles whenever its length is a power of two. */
    if (!(c->counts & (c->counts - 1))) {
        struct ser_corpus_count *new = own(p, 2 * c->counts + 1, sizeof *new);
        if (!new)
            return -1;
        if (c->counts)
            memcpy(new, c->count, c->counts * sizeof *new);
        c->count = new;
    }
    c->count[c->counts++] = (struct ser_corpus_count){full, clips};
    return 0;
}

/* SPEAKER... as words: each, or LOW-HIGH for numbers of the same width. */
static int count_speakers(struct parser *p, const char *word, long clips) {
    size_t n = strcspn(word, "-");
    long low, high;
    if (word[n] && number_of(word, n, &low) == 0 && strlen(word) == 2 * n + 1 &&
        number_of(word + n + 1, n, &high) == 0 && high >= low && high - low < MAX_COUNTED) {
        for (char number[32]; low <= high; low++) {
            int digits = snprintf(number, sizeof number, "%0*ld", (int)n, low);
            char *kept = own(p, (size_t)digits + 1, 1);
            if (!kept)
                return -1;
            memcpy(kept, number, (size_t)digits);
            if (set_count(p, kept, clips))
                return -1;
        }
        return 0;
    }
    return set_count(p, word, clips);
}

/* count N: of the corpus. count N SPEAKER...: of each of these. */
static int add_count(struct parser *p, char **at) {
    char *number = next_word(at), *speaker = next_word(at);
    long clips;
    if (!number || number_of(number, strlen(number), &clips) || clips > MAX_COUNTS)
        return fail(p, "count: expected a number of clips");
    if (!speaker)
        return set_count(p, NULL, clips);
    for (; speaker; speaker = next_word(at))
        if (count_speakers(p, speaker, clips))
            return -1;
    return 0;
}

/* ---- patterns and statements ---- */

/* 0 if the expression is one that regcomp(3) can take without much memory: short, without
 * back-references, and with few repetitions: these multiply where they are nested, and a plus sign
 * doubles what is before it. */
static int check_regex(struct parser *p, const char *s) {
    long product = 1, n;
    if (strlen(s) > MAX_PATTERN)
        return fail(p, "pattern: longer than %d bytes", MAX_PATTERN);
    for (; *s; s++) {
        if (*s == '\\' && s[1]) {
            if (*++s >= '1' && *s <= '9')
                return fail(p, "pattern: back-references such as \\%c are not supported", *s);
            continue;
        }
        if (*s == '+' && (product *= 2) > MAX_REPEATS)
            return fail(p, "pattern: repeats more than %d times in all", MAX_REPEATS);
        if (*s != '{')
            continue;
        for (const char *d = s + 1; *d && *d != '}'; d++) {
            size_t digits = strspn(d, "0123456789");
            if (digits && (number_of(d, digits, &n) || n > MAX_REPEATS ||
                           (product *= n ? n : 1) > MAX_REPEATS))
                return fail(p, "pattern: repeats more than %d times in all", MAX_REPEATS);
            d += digits ? digits - 1 : 0;
        }
    }
    return 0;
}

/* Compiles the expression that the statement what has. */
static int compile(struct parser *p, const char *what, const char *text, regex_t *regex) {
    char why[200];
    if (!text)
        return fail(p, "%s: an expression is missing", what);
    if (check_regex(p, text))
        return -1;
    int status = regcomp(regex, text, REG_EXTENDED);
    if (!status)
        return 0;
    if (status == REG_ESPACE)
        return ser_no_memory(p->e);
    regerror(status, regex, why, sizeof why);
    return fail(p, "%s: %s: %s", what, text, why);
}

static int begin_pattern(struct parser *p, char **at) {
    struct ser_corpus *c = p->c;
    struct ser_pattern *new = own(p, c->patterns + 1, sizeof *new);
    if (!new)
        return -1;
    if (c->patterns)
        memcpy(new, c->pattern, c->patterns * sizeof *new);
    if (compile(p, "pattern", rest_of(at), &new[c->patterns].regex))
        return -1;
    c->pattern = new;
    p->p = &new[c->patterns++];
    return p->p->regex.re_nsub < MAX_GROUPS
               ? 0
               : fail(p, "pattern: more than %d groups", MAX_GROUPS - 1);
}

/* VAR EXPRESSION: the statement is there already when this fails, so that its memory is freed. */
static int read_find(struct parser *p, struct statement *s, char **at) {
    regex_t *regex = own(p, 1, sizeof *regex);
    if (!regex || (s->var = make_var(p, next_word(at))) < 0 ||
        compile(p, "find", rest_of(at), regex))
        return -1;
    s->find = regex;
    return regex->re_nsub ? 0 : fail(p, "find: the expression has no group");
}

static int name_groups(struct parser *p, char **at) {
    struct ser_pattern *pattern = p->p;
    if (pattern->groups)
        return fail(p, "groups: named already");
    pattern->group = own(p, MAX_GROUPS, sizeof *pattern->group);
    if (!pattern->group)
        return -1;
    for (char *name; (name = next_word(at)); pattern->groups++) {
        if (pattern->groups == pattern->regex.re_nsub)
            return fail(p, "groups: the pattern has only %zu", pattern->groups);
        int v = strcmp(name, "-") == 0 ? -2 : make_var(p, name);
        if (v == -1)
            return -1;
        pattern->group[pattern->groups] = v < 0 ? -1 : v;
    }
    return pattern->groups == pattern->regex.re_nsub
               ? 0
               : fail(p, "groups: %zu are named, the pattern has %zu", pattern->groups,
                      pattern->regex.re_nsub);
}

/* VAR=VALUE, VAR!=VALUE */
static int read_condition(struct parser *p, char *word, struct condition *to) {
    char *equals = strchr(word, '=');
    to->unlike = equals > word && equals[-1] == '!';
    to->value = equals + 1;
    to->var = need_var(p, word, (size_t)(equals - word) - (size_t)to->unlike);
    return to->var < 0 ? -1 : 0;
}

/* LOW-HIGH */
static int read_band(const char *s, struct code *to) {
    size_t n = strcspn(s, "-");
    return s[n] && number_of(s, n, &to->low) == 0 &&
                   number_of(s + n + 1, strlen(s + n + 1), &to->high) == 0 && to->low <= to->high
               ? 0
               : -1;
}

static int read_codes(struct parser *p, struct statement *s, char **at) {
    char **word;
    size_t n;
    if (words_of(p, at, &word, &n) || !(s->code = own(p, n, sizeof *s->code)))
        return -1;
    if (!n)
        return fail(p, "%s: no codes", verb_name[s->verb]);
    for (s->codes = 0; s->codes < n; s->codes++) {
        struct code *to = &s->code[s->codes];
        char *equals = strchr(word[s->codes], '=');
        if (equals)
            *equals++ = '\0';
        to->from = word[s->codes];
        to->to = equals ? equals : to->from;
        if (s->verb == BAND && (!equals || read_band(to->from, to)))
            return fail(p, "band: expected LOW-HIGH=WORD, not '%s'", to->from);
        if (s->verb == CODE && strcmp(to->from, "*") == 0)
            to->from = NULL;
    }
    return 0;
}

static int read_range(struct parser *p, struct statement *s, char **at) {
    s->text = next_word(at);
    s->text2 = next_word(at);
    if (!s->text || !s->text2 || number_of(s->text, strlen(s->text), &s->low) ||
        number_of(s->text2, strlen(s->text2), &s->high) || s->low > s->high)
        return fail(p, "range: expected VAR LOW HIGH");
    return 0;
}

/* Cuts list at its plus signs: an array of *n texts. */
static const char **cut(struct parser *p, char *list, size_t *n) {
    *n = 1;
    for (const char *s = list; (s = strchr(s, '+')); s++)
        ++*n;
    const char **part = own(p, *n, sizeof *part);
    for (size_t i = 0; part && i < *n; i++) {
        part[i] = list;
        list += strcspn(list, "+");
        if (*list)
            *list++ = '\0';
    }
    return part;
}

static int read_separator(struct parser *p, struct table *t, const char *word) {
    t->separator = strcmp(word, "tab") == 0 ? '\t' : *word;
    return strcmp(word, "tab") == 0 || (strlen(word) == 1 && strchr(",;|", *word))
               ? 0
               : fail(p, "table: a separator is one of , ; | tab, not '%s'", word);
}

/* FILE KEY={TEMPLATE} [COLUMN=VAR...] [separator=C] [trim] */
static int read_table(struct parser *p, struct statement *s, char **at) {
    struct table *t = s->table = own(p, 1, sizeof *t);
    char **word, *equals;
    size_t n, templates;
    if (!t || words_of(p, at, &word, &n))
        return -1;
    if (n < 2 || !(equals = strchr(word[1], '=')))
        return fail(p, "table: expected FILE KEY={TEMPLATE} [COLUMN=VAR...] [separator=C] [trim]");
    if (strstr(word[0], "..") || *word[0] == '/')
        return fail(p, "table: a table lies below the folder of the corpus: %s", word[0]);
    *equals++ = '\0';
    *t = (struct table){.file = word[0], .separator = ','};
    t->key = cut(p, word[1], &t->keys);
    t->template = t->key ? cut(p, equals, &templates) : NULL;
    t->take = t->template ? own(p, n, sizeof *t->take) : NULL;
    if (!t->take)
        return -1;
    if (t->keys > MAX_KEYS)
        return fail(p, "table: more than %d columns in the key", MAX_KEYS);
    for (size_t i = 1; i < t->keys; i++)
        if (strcmp(t->key[i], t->key[i - 1]) == 0)
            return fail(p, "table: the column %s is twice in the key", t->key[i]);
    if (t->keys != templates)
        return fail(p, "table: %zu columns are the key, but %zu texts", t->keys, templates);
    for (size_t i = 0; i < t->keys; i++)
        if (check_template(p, t->template[i]))
            return -1;
    for (size_t i = 2; i < n; i++) {
        if (strcmp(word[i], "trim") == 0) {
            t->trim = 1;
            continue;
        }
        if (!(equals = strchr(word[i], '=')))
            return fail(p, "table: expected COLUMN=VAR, not '%s'", word[i]);
        *equals++ = '\0';
        if (strcmp(word[i], "separator") == 0) {
            if (read_separator(p, t, equals))
                return -1;
            continue;
        }
        int v = make_var(p, equals);
        if (v < 0)
            return -1;
        t->take[t->takes++] = (struct taken){word[i], v};
    }
    return 0;
}

static int read_statement(struct parser *p, enum verb verb, struct statement *s, char **at) {
    s->verb = verb;
    switch (verb) {
    case SET:
        if ((s->var = make_var(p, next_word(at))) < 0)
            return -1;
        s->text = rest_of(at);
        s->text = s->text ? s->text : "";
        return check_template(p, s->text);
    case CODE:
        return (s->var = need_word_var(p, next_word(at))) < 0 ? -1 : read_codes(p, s, at);
    case RANGE:
        return (s->var = need_word_var(p, next_word(at))) < 0 ? -1 : read_range(p, s, at);
    case PARITY:
    case BAND:
    case MODULO:
        if ((s->var = make_var(p, next_word(at))) < 0 ||
            (s->other = need_word_var(p, next_word(at))) < 0)
            return -1;
        if (verb == BAND)
            return read_codes(p, s, at);
        s->text = next_word(at);
        s->text2 = verb == PARITY ? next_word(at) : "";
        if (!s->text || !s->text2)
            return fail(p, "%s: a word is missing", verb_name[verb]);
        if (verb == MODULO && (number_of(s->text, strlen(s->text), &s->high) || s->high < 1))
            return fail(p, "modulo: expected VAR NUMBER N");
        return 0;
    case SAME:
        if ((s->var = need_word_var(p, next_word(at))) < 0 ||
            (s->other = need_word_var(p, next_word(at))) < 0)
            return -1;
        /* fall through */
    case BAD:
    case OTHER:
    case LEAVE:
        s->text = rest_of(at);
        return s->text ? check_template(p, s->text)
                       : fail(p, "%s: a text is missing", verb_name[verb]);
    case TABLE:
        return read_table(p, s, at);
    case FIND:
        return read_find(p, s, at);
    case VERBS:
        break;
    }
    return 0;
}

/* word is the first of the line; conditions come before the verb. */
static int add_statement(struct parser *p, char *word, char **at) {
    struct ser_pattern *pattern = p->p;
    struct statement s = {0};
    int has_when = strcmp(word, "when") == 0;
    if (has_when) {
        struct condition when[MAX_GROUPS];
        for (word = next_word(at); word && strchr(word, '='); word = next_word(at)) {
            if (s.whens == MAX_GROUPS)
                return fail(p, "when: more than %d conditions", MAX_GROUPS);
            if (read_condition(p, word, &when[s.whens++]))
                return -1;
        }
        if (!s.whens || !word)
            return fail(p, "when: expected VAR=VALUE [VAR=VALUE...] STATEMENT");
        s.when = own(p, s.whens, sizeof *s.when);
        if (!s.when)
            return -1;
        memcpy(s.when, when, s.whens * sizeof *s.when);
    }
    enum verb verb = 0;
    while (verb < VERBS && strcmp(word, verb_name[verb]) != 0)
        verb++;
    if (verb == VERBS)
        return fail(p, "unknown statement '%s'", word);
    if (!pattern)
        return fail(p, "%s: a pattern comes first", word);
    if (ser_grow(&pattern->statement, &pattern->cap, pattern->statements + 1, sizeof s))
        return ser_no_memory(p->e);
    int failed = read_statement(p, verb, &s, at);
    pattern->statement[pattern->statements++] = s; /* also then: it may own an expression */
    return failed;
}

/* ---- lines ---- */

/* Statements with one text, which describe the whole corpus. */
static const char **text_of(struct ser_corpus *c, const char *word) {
    return strcmp(word, "title") == 0      ? &c->title
           : strcmp(word, "language") == 0 ? &c->language
           : strcmp(word, "licence") == 0  ? &c->licence
           : strcmp(word, "citation") == 0 ? &c->citation
           : strcmp(word, "get") == 0      ? &c->get
           : strcmp(word, "untested") == 0 ? &c->untested
                                           : NULL;
}

/* What was said of the pattern so far must be whole before another begins. */
static int end_pattern(struct parser *p) {
    if (p->p && p->p->groups != p->p->regex.re_nsub)
        return fail(p, "the %zu groups of the pattern before have no names: groups is missing",
                    p->p->regex.re_nsub);
    return 0;
}

static int end_corpus(struct parser *p) {
    if (p->c && !p->c->patterns)
        return fail(p, "the corpus %s has no pattern", p->c->name);
    return end_pattern(p);
}

static int read_line(struct parser *p, char *at) {
    char *word = next_word(&at);
    if (!word || *word == '#')
        return 0;
    if (strcmp(word, "corpus") == 0)
        return end_corpus(p) ? -1 : begin_corpus(p, next_word(&at));
    if (!p->c)
        return fail(p, "a description begins with 'corpus NAME', not with '%s'", word);
    const char **text = text_of(p->c, word);
    if (text)
        return (*text = rest_of(&at)) ? 0 : fail(p, "%s: a text is missing", word);
    if (strcmp(word, "registration") == 0) {
        const char *answer = next_word(&at);
        p->c->registration = answer && strcmp(answer, "yes") == 0;
        return p->c->registration || (answer && strcmp(answer, "no") == 0)
                   ? 0
                   : fail(p, "registration: yes or no");
    }
    if (strcmp(word, "people") == 0) {
        const char *name = next_word(&at);
        if (!name || !is_name(name) || p->c->counts)
            return fail(p, "people: expected the name of a corpus, before any count");
        p->c->people = name;
        return 0;
    }
    if (strcmp(word, "column") == 0)
        return add_columns(p, &at);
    if (strcmp(word, "count") == 0)
        return add_count(p, &at);
    if (strcmp(word, "pattern") == 0)
        return end_pattern(p) ? -1 : begin_pattern(p, &at);
    if (strcmp(word, "groups") == 0)
        return p->p ? name_groups(p, &at) : fail(p, "groups: a pattern comes first");
    return add_statement(p, word, &at);
}

int ser_corpora_read(struct ser_corpora *c, const char *text, size_t len, const char *file,
                     struct ser_error *e) {
    struct parser p = {.all = c, .file = file, .line = 1, .e = e};
    char *copy = own(&p, len + 1, 1);
    if (!copy)
        return -1;
    memcpy(copy, text, len);
    if (strlen(copy) != len)
        return ser_fail(e, SER_BAD, "%s: holds a NUL byte: not a description", file);
    for (char *s = copy; *s;) {
        char *line = s, *to = s;
        int lines = 1;
        while (*s && (*s != '\n' || s[1] == ' ' || s[1] == '\t')) {
            if (*s == '\n') { /* a line that begins with a blank goes on with the one before */
                lines++;
                s += 1 + strspn(s + 1, " \t");
                *to++ = ' ';
            } else {
                *to++ = *s++;
            }
        }
        s += *s == '\n';
        *to = '\0';
        if (read_line(&p, line))
            return -1;
        p.line += lines;
    }
    p.line--;
    if (!p.c)
        return ser_fail(e, SER_BAD,
                        "%s: describes no corpus: a description begins with 'corpus NAME'", file);
    return end_corpus(&p);
}

static void forget_table(struct table *t) {
    ser_csv_close(&t->csv);
    free(t->pool);
    free(t->cell);
    t->pool = NULL;
    t->cell = NULL;
    t->rows = t->cap = 0;
    t->is_read = 0;
}

void ser_corpora_free(struct ser_corpora *c) {
    for (size_t i = 0; i < c->n; i++)
        for (size_t j = 0; j < c->at[i].patterns; j++) {
            struct ser_pattern *p = &c->at[i].pattern[j];
            for (size_t k = 0; k < p->statements; k++) {
                if (p->statement[k].table)
                    forget_table(p->statement[k].table);
                if (p->statement[k].find)
                    regfree(p->statement[k].find);
            }
            free(p->statement);
            regfree(&p->regex);
        }
    for (size_t i = 0; i < c->owns; i++)
        free(c->owned[i]);
    free(c->owned);
    free(c->at);
    *c = (struct ser_corpora){0};
}

struct ser_corpus *ser_corpora_find(const struct ser_corpora *c, const char *name) {
    for (size_t i = 0; i < c->n; i++)
        if (strcmp(c->at[i].name, name) == 0)
            return &c->at[i];
    return NULL;
}

/* ---- tables of a corpus ---- */

/* Calls use for every table of the description, until it returns something else than 0. */
static int each_table(const struct ser_corpus *c,
                      int (*use)(struct table *, const char *, struct ser_error *),
                      const char *folder, struct ser_error *e, struct table **last) {
    for (size_t i = 0; i < c->patterns; i++)
        for (size_t k = 0; k < c->pattern[i].statements; k++) {
            struct table *t = c->pattern[i].statement[k].table;
            if (t && (*last = t, use(t, folder, e)))
                return -1;
        }
    return 0;
}

static int is_missing(struct table *t, const char *folder, struct ser_error *e) {
    char path[4096];
    (void)e;
    return snprintf(path, sizeof path, "%s/%s", folder, t->file) >= (int)sizeof path ||
           access(path, F_OK) != 0;
}

const char *ser_corpus_lacks(const struct ser_corpus *c, const char *folder) {
    struct table *t;
    return each_table(c, is_missing, folder, NULL, &t) ? t->file : NULL;
}

static int is_called(struct table *t, const char *file, struct ser_error *e) {
    (void)e;
    return strcmp(t->file, file) == 0;
}

int ser_corpus_has_table(const struct ser_corpus *c, const char *file) {
    struct table *t;
    return each_table(c, is_called, file, NULL, &t) != 0;
}

static char *trimmed(char *s, int trim) {
    if (!trim)
        return s;
    s += strspn(s, " \t\r");
    for (size_t n = strlen(s); n && is_blank(s[n - 1]); n--)
        s[n - 1] = '\0';
    return s;
}

static int by_key(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The place of the column in the header, which was read last; -1 with e set. */
static int find_column(const struct table *t, const char *name, struct ser_error *e) {
    for (size_t i = 0; i < t->csv.fields; i++)
        if (strcmp(t->csv.field[i], name) == 0)
            return (int)i;
    return ser_fail(e, SER_BAD, "%s: has no column '%s'", t->file, name);
}

/* The places of the columns that the table needs: those of the key, then those that are taken. */
static int find_columns(const struct table *t, int *place, struct ser_error *e) {
    for (size_t i = 0; i < t->keys + t->takes; i++) {
        const char *name = i < t->keys ? t->key[i] : t->take[i - t->keys].column;
        if ((place[i] = find_column(t, name, e)) < 0)
            return -1;
    }
    return 0;
}

/* Adds the row that was read last; *pool is where its key goes. */
static int add_row(struct table *t, const int *place, char **pool, struct ser_error *e) {
    char **field = t->csv.field;
    size_t width = 1 + t->takes;
    if (ser_grow(&t->cell, &t->cap, (t->rows + 1) * width, sizeof *t->cell))
        return ser_no_memory(e);
    const char **cell = t->cell + t->rows++ * width;
    cell[0] = *pool;
    for (size_t i = 0; i < t->keys; i++)
        *pool += sprintf(*pool, "%s%s", i ? "\n" : "", trimmed(field[place[i]], t->trim));
    ++*pool;
    for (size_t i = 0; i < t->takes; i++)
        cell[1 + i] = trimmed(field[place[t->keys + i]], t->trim);
    return 0;
}

/* A key that comes twice must say the same twice. */
static int check_keys(const struct table *t, struct ser_error *e) {
    size_t width = 1 + t->takes;
    for (size_t r = 1; r < t->rows; r++) {
        const char **a = t->cell + (r - 1) * width, **b = a + width;
        for (size_t i = 1; strcmp(a[0], b[0]) == 0 && i < width; i++)
            if (strcmp(a[i], b[i]) != 0)
                return ser_fail(e, SER_BAD, "%s: two rows for '%s' that differ in %s: '%s', '%s'",
                                t->file, a[0], t->take[i - 1].column, a[i], b[i]);
    }
    return 0;
}

static int read_rows(struct table *t, struct ser_error *e) {
    struct ser_csv *csv = &t->csv;
    char *pool = t->pool;
    int place[MAX_WORDS] = {0}, got = ser_csv_next(csv, e);
    if (got < 0)
        return -1;
    size_t columns = csv->fields;
    for (size_t i = 0; i < columns; i++)
        csv->field[i] = trimmed(csv->field[i], t->trim);
    if (find_columns(t, place, e))
        return -1;
    while ((got = ser_csv_next(csv, e)) > 0) {
        for (size_t i = 0; i < t->keys + t->takes; i++)
            if ((size_t)place[i] >= csv->fields)
                return ser_fail(e, SER_BAD, "%s: line %llu: has %zu fields, the header has %zu",
                                t->file, (unsigned long long)csv->line, csv->fields, columns);
        if (add_row(t, place, &pool, e))
            return -1;
    }
    if (got < 0)
        return -1;
    if (t->rows)
        qsort(t->cell, t->rows, (1 + t->takes) * sizeof *t->cell, by_key);
    return check_keys(t, e);
}

static int load_table(struct table *t, const char *folder, struct ser_error *e) {
    char path[4096];
    forget_table(t);
    if (snprintf(path, sizeof path, "%s/%s", folder, t->file) >= (int)sizeof path)
        return ser_fail(e, SER_SYS, "%s: the path is too long", folder);
    if (ser_csv_open(&t->csv, path, t->separator, e))
        return -1;
    t->is_read = 1;
    t->csv.name = t->file;
    /* A key is never longer than its row, with the line's end; the last row may have none. */
    t->pool = malloc(strlen(t->csv.text) + 2);
    return t->pool ? read_rows(t, e) : ser_no_memory(e);
}

int ser_corpus_read_tables(struct ser_corpus *c, const char *folder, struct ser_error *e) {
    struct table *last;
    return each_table(c, load_table, folder, e, &last);
}

/* ---- matching ---- */

/* Adds n bytes to the text that grows at the end of the scratch. -1: no room. */
static int put(struct ser_scratch *s, const char *text, size_t n) {
    if (n >= sizeof s->text - s->used)
        return -1;
    memcpy(s->text + s->used, text, n);
    s->used += n;
    s->text[s->used] = '\0';
    return 0;
}

/* The template with the values of its variables; NULL: no room. */
static const char *expand(const struct ser_corpus *c, const char *text) {
    struct ser_scratch *s = c->scratch;
    const char *at = s->text + s->used;
    if (put(s, "", 0))
        return NULL;
    while (*text) {
        size_t n = strcspn(text, "{");
        if (put(s, text, n))
            return NULL;
        text += n;
        if (*text) {
            n = strcspn(++text, "}");
            const char *value = s->value[find_var(c, text, n)];
            if (put(s, value, strlen(value)))
                return NULL;
            text += n + 1;
        }
    }
    return s->used++ < sizeof s->text - 1 ? at : NULL;
}

static enum ser_name_kind because(struct ser_scratch *s, enum ser_name_kind kind, const char *fmt,
                                  ...) SER_PRINTF(3, 4);

static enum ser_name_kind because(struct ser_scratch *s, enum ser_name_kind kind, const char *fmt,
                                  ...) {
    va_list args;
    va_start(args, fmt);
    ser_format(s->why, sizeof s->why, fmt, args);
    va_end(args);
    return kind;
}

/* 0 if the text matches, 1 if not; -1 without memory, which glibc's regexec(3) also calls no match. */
static int search(const regex_t *regex, const char *text, size_t n, regmatch_t *m) {
    errno = 0;
    int no = regexec(regex, text, n, m, 0);
    return !no ? 0 : no == REG_NOMATCH && errno != ENOMEM ? 1 : -1;
}

static enum ser_name_kind too_long(struct ser_scratch *s) {
    return because(s, SER_NAME_BAD, "what the description makes of this path is too long");
}

static int holds(const struct statement *t, const struct ser_scratch *s) {
    for (size_t i = 0; i < t->whens; i++)
        if ((strcmp(s->value[t->when[i].var], t->when[i].value) != 0) != t->when[i].unlike)
            return 0;
    return 1;
}

/* "unknown emotion '09' (01, 02 ...)": few codes are all named. */
static enum ser_name_kind unknown_code(const struct ser_corpus *c, const struct statement *t) {
    char known[200] = "";
    size_t n = 0;
    for (size_t i = 0; i < t->codes && n < sizeof known; i++)
        n +=
            (size_t)snprintf(known + n, sizeof known - n, "%s%s", i ? ", " : " (", t->code[i].from);
    int all = n < sizeof known - 1 && t->codes <= 16;
    return because(c->scratch, SER_NAME_BAD, "unknown %s '%s'%s%s", c->var[t->var],
                   c->scratch->value[t->var], all ? known : "", all ? ")" : "");
}

static enum ser_name_kind carry_code(const struct ser_corpus *c, const struct statement *t) {
    const char **value = &c->scratch->value[t->var];
    for (size_t i = 0; i < t->codes; i++)
        if (!t->code[i].from || strcmp(t->code[i].from, *value) == 0) {
            *value = t->code[i].to;
            return SER_NAME_GOOD;
        }
    return unknown_code(c, t);
}

/* Statements about a number. */
static enum ser_name_kind carry_number(const struct ser_corpus *c, const struct statement *t) {
    struct ser_scratch *s = c->scratch;
    int from = t->verb == RANGE ? t->var : t->other;
    const char *text = s->value[from];
    char number[32];
    long n;
    int is_number = number_of(text, strlen(text), &n) == 0;
    if (t->verb == RANGE)
        return is_number && n >= t->low && n <= t->high
                   ? SER_NAME_GOOD
                   : because(s, SER_NAME_BAD, "%s is %s to %s, not '%s'", c->var[from], t->text,
                             t->text2, text);
    if (!is_number)
        return because(s, SER_NAME_BAD, "%s is not a number: '%s'", c->var[from], text);
    if (t->verb == PARITY)
        s->value[t->var] = n % 2 ? t->text : t->text2;
    if (t->verb == MODULO) {
        snprintf(number, sizeof number, "%ld", (n + t->high - 1) % t->high + 1);
        s->value[t->var] = s->text + s->used;
        if (put(s, number, strlen(number) + 1))
            return too_long(s);
    }
    if (t->verb != BAND)
        return SER_NAME_GOOD;
    for (size_t i = 0; i < t->codes; i++)
        if (n >= t->code[i].low && n <= t->code[i].high) {
            s->value[t->var] = t->code[i].to;
            return SER_NAME_GOOD;
        }
    return because(s, SER_NAME_BAD, "no %s has the %s '%s'", c->var[t->var], c->var[from], text);
}

static enum ser_name_kind carry_table(const struct ser_corpus *c, const struct table *t) {
    struct ser_scratch *s = c->scratch;
    char *key = s->text + s->used;
    if (!t->is_read)
        return SER_NAME_GOOD;
    /* The texts follow each other; the zeros between them become what is between the key's parts. */
    for (size_t i = 0; i < t->keys; i++) {
        const char *part = expand(c, t->template[i]);
        if (!part)
            return too_long(s);
        if (i)
            ((char *)part)[-1] = '\n';
    }
    const char *sought = key;
    const char **row =
        t->rows ? bsearch(&sought, t->cell, t->rows, (1 + t->takes) * sizeof *t->cell, by_key)
                : NULL;
    if (!row)
        return because(s, SER_NAME_BAD, "%s has no row for '%s'", t->file, key);
    for (size_t i = 0; i < t->takes; i++)
        s->value[t->take[i].var] = row[1 + i];
    return SER_NAME_GOOD;
}

/* The first group of the first match in the path; nothing where there is none. */
static enum ser_name_kind carry_find(const struct ser_corpus *c, const struct statement *t) {
    struct ser_scratch *s = c->scratch;
    const char *path = s->value[VAR_PATH];
    regmatch_t m[2] = {{0}};
    int no = search(t->find, path, 2, m);
    if (no < 0)
        return SER_NAME_FAILED;
    if (no || m[1].rm_so < 0) {
        s->value[t->var] = "";
        return SER_NAME_GOOD;
    }
    s->value[t->var] = s->text + s->used;
    return put(s, path + m[1].rm_so, (size_t)(m[1].rm_eo - m[1].rm_so)) || put(s, "", 1)
               ? too_long(s)
               : SER_NAME_GOOD;
}

static enum ser_name_kind carry_out(const struct ser_corpus *c, const struct statement *t) {
    struct ser_scratch *s = c->scratch;
    const char *text = "";
    if (t->verb == SAME && (!*s->value[t->var] || !*s->value[t->other] ||
                            strcasecmp(s->value[t->var], s->value[t->other]) == 0))
        return SER_NAME_GOOD;
    if (t->verb == SET || t->verb == SAME || t->verb == BAD || t->verb == OTHER || t->verb == LEAVE)
        if (!(text = expand(c, t->text)))
            return too_long(s);
    /* A reason that is made of variables may be empty. */
    if (text && !*text && t->verb != SET)
        text = "no reason is given";
    switch (t->verb) {
    case SET:
        s->value[t->var] = text;
        return SER_NAME_GOOD;
    case CODE:
        return carry_code(c, t);
    case RANGE:
    case PARITY:
    case BAND:
    case MODULO:
        return carry_number(c, t);
    case SAME:
    case BAD:
        return because(s, SER_NAME_BAD, "%s", text);
    case OTHER:
        return because(s, SER_NAME_OTHER, "%s", text);
    case LEAVE:
        return because(s, SER_NAME_LEFT, "%s", text);
    case TABLE:
        return carry_table(c, t->table);
    case FIND:
        return carry_find(c, t);
    case VERBS:
        break;
    }
    return SER_NAME_GOOD;
}

/* Gives the variables the values that they have before the statements. -1: no room. */
static int begin(const struct ser_corpus *c, const struct ser_pattern *p, const char *path,
                 size_t above, const regmatch_t *m) {
    struct ser_scratch *s = c->scratch;
    const char *slash = strrchr(path, '/'), *folder = slash;
    s->used = 0;
    for (size_t i = 0; i < c->vars; i++)
        s->value[i] = "";
    s->value[VAR_PATH] = path;
    s->value[VAR_BELOW] = path + above + (path[above] == '/');
    s->value[VAR_STEM] = s->value[SER_ID] = slash ? slash + 1 : path;
    if (slash) {
        while (folder > path && folder[-1] != '/')
            folder--;
        s->value[VAR_FOLDER] = s->text;
        if (put(s, folder, (size_t)(slash - folder)) || put(s, "", 1))
            return -1;
    }
    for (size_t i = 0; i < p->groups; i++) {
        const regmatch_t *g = &m[i + 1];
        if (p->group[i] < 0 || g->rm_so < 0)
            continue;
        s->value[p->group[i]] = s->text + s->used;
        if (put(s, path + g->rm_so, (size_t)(g->rm_eo - g->rm_so)) || put(s, "", 1))
            return -1;
    }
    return 0;
}

/* What comes out: the corpus' name in front of id and speaker, "-" for what is not said, UTF-8. */
static enum ser_name_kind finish(const struct ser_corpus *c, struct ser_utterance *u) {
    struct ser_scratch *s = c->scratch;
    if (!*s->value[SER_ID])
        return because(s, SER_NAME_BAD, "the description gives it no id");
    for (int f = 0; f < SER_FIELDS; f++) {
        const char *value = s->value[f];
        u->field[f] = *value ? value : "-";
        if ((f != SER_ID && f != SER_SPEAKER) || !*value || strcmp(value, "-") == 0)
            continue;
        const char *prefix = f == SER_ID ? c->name : c->people;
        u->field[f] = s->text + s->used;
        if (put(s, prefix, strlen(prefix)) || put(s, "_", 1) || put(s, value, strlen(value)) ||
            put(s, "", 1))
            return too_long(s);
    }
    for (size_t i = 0; i < c->columns; i++) {
        const char *value = s->value[find_var(c, c->column[i], strlen(c->column[i]))];
        s->extra[i] = *value ? value : "-";
    }
    u->extra = s->extra;
    for (size_t i = 0; i < SER_FIELDS + c->columns; i++) {
        const char *value = i < SER_FIELDS ? u->field[i] : s->extra[i - SER_FIELDS];
        if (!ser_is_text(value, strlen(value)) || (i == SER_ID && strlen(value) > SER_MAX_KEY))
            return because(s, SER_NAME_BAD,
                           "its %s is too long, or not UTF-8 text without control characters",
                           i < SER_FIELDS ? first_var[i] : c->column[i - SER_FIELDS]);
    }
    return SER_NAME_GOOD;
}

enum ser_name_kind ser_corpus_match(struct ser_corpus *c, const char *path, size_t above,
                                    struct ser_utterance *u) {
    regmatch_t m[MAX_GROUPS + 1] = {{0}};
    const struct ser_pattern *p = c->pattern, *end = p + c->patterns;
    *u = (struct ser_utterance){.why = c->scratch->why};
    int no = 1;
    while (p < end && (no = search(&p->regex, path, p->groups + 1, m)) > 0)
        p++;
    if (no < 0)
        return SER_NAME_FAILED;
    if (p == end)
        return SER_NAME_FOREIGN;
    if (begin(c, p, path, above, m))
        return too_long(c->scratch);
    for (size_t i = 0; i < p->statements; i++) {
        const struct statement *t = &p->statement[i];
        enum ser_name_kind kind = holds(t, c->scratch) ? carry_out(c, t) : SER_NAME_GOOD;
        if (kind != SER_NAME_GOOD)
            return kind;
    }
    return finish(c, u);
}
