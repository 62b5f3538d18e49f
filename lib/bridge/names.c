#include "bridge/names.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "core/in.h"

/* The three texts as one, which the caller frees. NULL with e set. */
static char *join(const char *a, const char *b, const char *c, struct ser_error *e) {
    struct ser_text t = {0};
    ser_text_printf(&t, "%s%s%s", a, b, c);
    if (!t.failed)
        return t.at;
    ser_text_free(&t);
    ser_no_memory(e);
    return NULL;
}

/* 1 for what can only be a path, or is one: what is wrong with it comes out when it is opened. */
static int is_path(const char *text) {
    struct stat s;
    return !text || strcmp(text, "-") == 0 || strchr(text, '/') || lstat(text, &s) == 0 ||
           errno != ENOENT;
}

static int exists(const char *path) {
    return access(path, F_OK) == 0;
}

static const char *variable(const char *name) {
    const char *v = getenv(name);
    return v && *v ? v : NULL;
}

/* ---- the folders of models ---- */

enum { FOLDERS = 3 };

/* The folder of the running program, which the caller frees; NULL where the system does not tell. -1 with e set for
 * want of memory. */
static int program_folder(char **folder, struct ser_error *e) {
    char *path = NULL;
    *folder = NULL;
    for (size_t size = 256; size <= 65536; size *= 2) {
        free(path);
        path = malloc(size);
        if (!path)
            return ser_no_memory(e);
        ssize_t n = readlink("/proc/self/exe", path, size);
        if (n < 0)
            break;
        if ((size_t)n == size)
            continue;
        path[n] = '\0';
        char *slash = strrchr(path, '/');
        if (!slash)
            break;
        *slash = '\0';
        *folder = path;
        return 0;
    }
    free(path);
    return 0;
}

static void free_folders(char *folder[FOLDERS]) {
    for (int i = 0; i < FOLDERS; i++)
        free(folder[i]);
}

/* The folders in which names are looked for; NULL stands for one that is not known. */
static int list_folders(char *folder[FOLDERS], struct ser_error *e) {
    const char *own = variable("SER_MODELS");
    char *program;
    int failed = 0;
    if (program_folder(&program, e))
        return -1;
    memset(folder, 0, FOLDERS * sizeof *folder);
    if (own)
        failed |= !(folder[0] = join(own, "", "", e));
    if (program) {
        failed |= !(folder[1] = join(program, "/models", "", e));
        failed |= !(folder[2] = join(program, "/../share/ser/pipelines/models", "", e));
    }
    free(program);
    if (failed)
        free_folders(folder);
    return failed ? -1 : 0;
}

/* ---- the names ---- */

static int has(const struct ser_names *l, const char *name) {
    for (size_t i = 0; i < l->n; i++)
        if (strcmp(l->at[i].name, name) == 0)
            return 1;
    return 0;
}

/* Adds the model of a file NAME.bin; other files are none, and neither is one whose name is no text. */
static int add(struct ser_names *l, const char *folder, const char *file, struct ser_error *e) {
    size_t len = strlen(file);
    if (len <= 4 || strcmp(file + len - 4, ".bin") != 0 || !ser_is_text(file, len))
        return 0;
    struct ser_named m = {.name = strndup(file, len - 4)};
    if (!m.name)
        return ser_no_memory(e);
    if (has(l, m.name)) {
        free(m.name);
        return 0;
    }
    m.path = join(folder, "/", file, e);
    if (!m.path || ser_grow(&l->at, &l->cap, l->n + 1, sizeof *l->at)) {
        free(m.name);
        free(m.path);
        return ser_no_memory(e);
    }
    l->at[l->n++] = m;
    return 0;
}

static int add_folder(struct ser_names *l, const char *folder, struct ser_error *e) {
    DIR *d = opendir(folder);
    if (!d && (errno == ENOENT || errno == ENOTDIR))
        return 0;
    if (!d)
        return ser_fail(e, SER_SYS, "%s: cannot be looked into for models: %s", folder,
                        strerror(errno));
    int failed = 0;
    const struct dirent *f;
    while (!failed && (errno = 0, f = readdir(d)))
        failed = add(l, folder, f->d_name, e);
    if (!failed && errno)
        failed = ser_fail(e, SER_SYS, "%s: cannot be read: %s", folder, strerror(errno));
    closedir(d);
    return failed;
}

static int by_name(const void *a, const void *b) {
    return strcmp(((const struct ser_named *)a)->name, ((const struct ser_named *)b)->name);
}

/* In the order of their names; or frees them where that failed. */
static int end_list(struct ser_names *l, int failed) {
    if (l->n)
        qsort(l->at, l->n, sizeof *l->at, by_name);
    if (failed)
        ser_names_free(l);
    return failed ? -1 : 0;
}

int ser_names_list(struct ser_names *l, struct ser_error *e) {
    char *folder[FOLDERS];
    *l = (struct ser_names){0};
    if (list_folders(folder, e))
        return -1;
    int failed = 0;
    for (int i = 0; i < FOLDERS && !failed; i++)
        failed = folder[i] && add_folder(l, folder[i], e);
    free_folders(folder);
    return end_list(l, failed);
}

int ser_names_beside(struct ser_names *l, const char *path, struct ser_error *e) {
    const char *slash = strrchr(path, '/');
    char *folder = slash ? strndup(path, slash == path ? 1 : (size_t)(slash - path)) : strdup(".");
    *l = (struct ser_names){0};
    if (!folder)
        return ser_no_memory(e);
    int failed = add_folder(l, folder, e);
    free(folder);
    return end_list(l, failed);
}

void ser_names_free(struct ser_names *l) {
    for (size_t i = 0; i < l->n; i++) {
        free(l->at[i].name);
        free(l->at[i].path);
    }
    free(l->at);
    *l = (struct ser_names){0};
}

/* Neither a path nor a name: says which names there are. */
static int tell_names(const char *model, struct ser_error *e) {
    struct ser_names l;
    struct ser_text names = {0};
    if (ser_names_list(&l, e))
        return -1;
    for (size_t i = 0; i < l.n; i++)
        ser_text_printf(&names, "%s%s", i ? ", " : "", l.at[i].name);
    if (names.failed)
        ser_no_memory(e);
    else if (l.n)
        ser_fail(e, SER_USAGE,
                 "%s: no such file, and no model of that name: there are %s ('ser-score --list' "
                 "says more)",
                 model, names.at);
    else
        ser_fail(e, SER_USAGE,
                 "%s: no such file, and no model of that name: there are none in SER_MODELS, nor "
                 "with these programs",
                 model);
    ser_text_free(&names);
    ser_names_free(&l);
    return -1;
}

/* FOLDER/NAME.bin; the caller frees. NULL with e set. */
static char *named(const char *folder, const char *name, struct ser_error *e) {
    char *stem = join(folder, "/", name, e), *path = stem ? join(stem, ".bin", "", e) : NULL;
    free(stem);
    return path;
}

int ser_model_find(const char **model, struct ser_error *e) {
    char *folder[FOLDERS], *path = NULL;
    if (is_path(*model))
        return 0;
    if (list_folders(folder, e))
        return -1;
    int failed = 0;
    for (int i = 0; i < FOLDERS && !path && !failed; i++) {
        failed = folder[i] && !(path = named(folder[i], *model, e));
        if (path && !exists(path)) {
            free(path);
            path = NULL;
        }
    }
    free_folders(folder);
    if (failed)
        return -1;
    if (!path)
        return tell_names(*model, e);
    *model = path;
    return 0;
}

/* ---- cards ---- */

static int is_letter(char c) {
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

/* A line of a card: adds its value if it has the key. 0, or -1 for what is neither key and value nor nothing. */
static int take_line(const char *line, size_t n, const char *key, struct ser_text *value) {
    size_t len = 0, at;
    n -= n && line[n - 1] == '\r';
    if (!n || *line == '#')
        return 0;
    while (len < n && is_letter(line[len]))
        len++;
    for (at = len; at < n && line[at] == ' '; at++)
        ;
    if (!len || at == len || at == n || !ser_is_text(line, n))
        return -1;
    if (len == strlen(key) && memcmp(line, key, len) == 0)
        ser_text_printf(value, "%s%.*s", value->n ? "; " : "", (int)(n - at), line + at);
    return 0;
}

static int take_lines(const char *at, size_t len, const char *path, const char *key,
                      struct ser_text *value, struct ser_error *e) {
    const char *end = at + len, *stop;
    for (int line = 1; at < end; line++, at = stop == end ? end : stop + 1) {
        stop = memchr(at, '\n', (size_t)(end - at));
        stop = stop ? stop : end;
        if (take_line(at, (size_t)(stop - at), key, value))
            return ser_fail(e, SER_BAD,
                            "%s: line %d: not a key of small letters, a space and a value", path,
                            line);
    }
    return value->failed ? ser_no_memory(e) : 0;
}

static int read_card(const char *path, const char *key, struct ser_text *value,
                     struct ser_error *e) {
    struct ser_in in;
    unsigned char *data;
    size_t len;
    if (ser_in_open(&in, path, e))
        return -1;
    int failed = ser_in_rest(&in, SER_MAX_CARD, &data, &len, e);
    ser_in_close(&in);
    if (failed)
        return -1;
    failed = take_lines((const char *)data, len, path, key, value, e);
    free(data);
    return failed;
}

int ser_card_get(const struct ser_named *m, const char *key, struct ser_text *value,
                 struct ser_error *e) {
    struct ser_text path = {0};
    ser_text_printf(&path, "%.*s.card", (int)strlen(m->path) - 4, m->path);
    if (path.failed)
        return ser_no_memory(e);
    int failed = exists(path.at) ? read_card(path.at, key, value, e) : 0;
    ser_text_free(&path);
    return failed;
}

/* ---- encoders ---- */

/* The user's folder of encoders; NULL with e set. */
static char *user_folder(struct ser_error *e) {
    const char *data = variable("XDG_DATA_HOME"), *home = variable("HOME");
    if (data && *data == '/') /* what is relative is to be ignored */
        return join(data, "/ser/encoders", "", e);
    return join(home ? home : "", "/.local/share/ser/encoders", "", e);
}

int ser_encoder_find(const char **encoder, struct ser_error *e) {
    const char *name = *encoder, *own = variable("SER_ENCODERS");
    if (is_path(name))
        return 0;
    char *user = user_folder(e), *path[2] = {NULL, NULL};
    if (!user)
        return -1;
    int failed =
        (own && !(path[0] = join(own, "/", name, e))) || !(path[1] = join(user, "/", name, e));
    int found = 0;
    while (!failed && found < 2 && !(path[found] && exists(path[found])))
        found++;
    if (!failed && found < 2) {
        *encoder = path[found];
        path[found] = NULL;
    } else if (!failed) {
        failed = ser_fail(e, SER_SYS,
                          "%s: no such folder, and no encoder of that name in %s%s%s: get it with "
                          "'ser-fetch %s' ('ser-fetch --encoders' lists what it can get)",
                          name, own ? own : "", own ? " or " : "", user, name);
    }
    free(path[0]);
    free(path[1]);
    free(user);
    return failed ? -1 : 0;
}
