#include "bridge/classes.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define SUM_TOLERANCE 1e-3

const char *ser_classes_name(const char *column) {
    const char *name = column + 2;
    return strncmp(column, "p_", 2) == 0 && *name && strcmp(name, "-") != 0 ? name : NULL;
}

int ser_classes_find(struct ser_classes *c, const struct ser_tsv *t, struct ser_error *e) {
    *c = (struct ser_classes){.name = calloc((size_t)t->columns, sizeof *c->name),
                              .column = calloc((size_t)t->columns, sizeof *c->column)};
    if (!c->name || !c->column)
        return ser_no_memory(e);
    for (int i = 0; i < t->columns; i++) {
        const char *name = ser_classes_name(t->name[i]);
        if (!name)
            continue;
        if (c->n == SER_MAX_CLASSES)
            return ser_fail(e, SER_BAD, "%s: more than %d classes: not predictions", t->in.name,
                            SER_MAX_CLASSES);
        if (!(c->name[c->n] = strdup(name)))
            return ser_no_memory(e);
        c->column[c->n++] = i;
    }
    return 0;
}

int ser_classes_row(const struct ser_classes *c, const struct ser_tsv *t, double *p,
                    struct ser_error *e) {
    for (int k = 0; k < c->n; k++)
        if (ser_parse_real(t->field[c->column[k]], 0, 1, &p[k]))
            return ser_tsv_fail(t, e, "p_%s is no probability: '%.60s'", c->name[k],
                                t->field[c->column[k]]);
    return 0;
}

int ser_classes_whole_row(const struct ser_classes *c, const struct ser_tsv *t, double *p,
                          struct ser_error *e) {
    double sum = 0;
    if (ser_classes_row(c, t, p, e))
        return -1;
    for (int k = 0; k < c->n; k++)
        sum += p[k];
    if (fabs(sum - 1) > SUM_TOLERANCE)
        return ser_tsv_fail(t, e, "probabilities add up to %.9g, not to 1 within %g", sum,
                            SUM_TOLERANCE);
    return 0;
}

int ser_classes_place(const struct ser_classes *c, const char *name) {
    int k = 0;
    while (k < c->n && strcmp(c->name[k], name) != 0)
        k++;
    return k;
}

void ser_classes_free(struct ser_classes *c) {
    for (int k = 0; k < c->n; k++)
        free(c->name[k]);
    free(c->name);
    free(c->column);
    *c = (struct ser_classes){0};
}
