#include "bridge/split.h"

#include <stdlib.h>
#include <string.h>

#include "core/sha256.h"

const char *const ser_part_name[SER_PARTS] = {"train", "val", "test"};

int ser_part_of(const char *name) {
    for (int p = 0; p < SER_PARTS; p++)
        if (strcmp(name, ser_part_name[p]) == 0)
            return p;
    return -1;
}

static int is_known(const char *value) {
    return value && *value && strcmp(value, "-") != 0;
}

/* ---- what parts share ---- */

static int by_speaker(const void *a, const void *b) {
    const struct ser_utterance *const *x = a, *const *y = b;
    return strcmp((*x)->speaker, (*y)->speaker);
}

static int by_group(const void *a, const void *b) {
    const struct ser_utterance *const *x = a, *const *y = b;
    return strcmp((*x)->group, (*y)->group);
}

static int by_audio_and_id(const void *a, const void *b) {
    const struct ser_utterance *const *x = a, *const *y = b;
    int order = strcmp((*x)->audio_hash, (*y)->audio_hash);
    return order ? order : strcmp((*x)->id, (*y)->id);
}

/* Sorts the utterances by what compare looks at, and counts its known values, those of them that are
 * in more than one part, and the utterances whose value is unknown. */
static void share_values(const struct ser_utterance **sorted, size_t n,
                         int (*compare)(const void *, const void *), size_t *values, size_t *shared,
                         size_t *unknown) {
    qsort(sorted, n, sizeof *sorted, compare);
    for (size_t from = 0, to; from < n; from = to) {
        int differ = 0;
        const char *value = compare == by_group ? sorted[from]->group : sorted[from]->speaker;
        for (to = from; to < n && !compare(&sorted[from], &sorted[to]); to++)
            differ |= sorted[to]->part != sorted[from]->part;
        if (is_known(value)) {
            ++*values;
            *shared += (size_t)differ;
        } else {
            *unknown += to - from;
        }
    }
}

static void share_audio(const struct ser_utterance **sorted, size_t n, struct ser_shared *s) {
    for (size_t from = 0, to; from < n; from = to) {
        size_t pairs = s->pairs;
        for (to = from + 1; to < n && !strcmp(sorted[from]->audio_hash, sorted[to]->audio_hash);
             to++)
            if (is_known(sorted[to]->audio_hash) && sorted[to]->part != sorted[to - 1]->part &&
                s->pairs++ == 0) {
                s->pair[0] = sorted[to - 1];
                s->pair[1] = sorted[to];
            }
        s->shared_audio += s->pairs > pairs;
    }
}

int ser_split_share(const struct ser_utterance *u, size_t n, struct ser_shared *shared,
                    struct ser_error *e) {
    *shared = (struct ser_shared){0};
    if (!n)
        return 0;
    const struct ser_utterance **sorted = calloc(n, sizeof *sorted);
    if (!sorted)
        return ser_fail(e, SER_SYS, "out of memory for %zu utterances", n);
    for (size_t i = 0; i < n; i++)
        sorted[i] = &u[i];
    size_t of_no_group = 0;
    share_values(sorted, n, by_speaker, &shared->speakers, &shared->shared_speakers,
                 &shared->nobodys);
    if (u->group)
        share_values(sorted, n, by_group, &shared->groups, &shared->shared_groups, &of_no_group);
    if (u->audio_hash) {
        qsort(sorted, n, sizeof *sorted, by_audio_and_id);
        share_audio(sorted, n, shared);
    }
    free(sorted);
    return 0;
}

/* ---- the certificate ---- */

/* The columns that it tells of. */
enum column { ID, CORPUS, EMOTION, SPEAKER, GROUP, AUDIO };

static const char *value_of(const struct ser_utterance *u, enum column c) {
    const char *const value[] = {u->id, u->corpus, u->emotion, u->speaker, u->group, u->audio_hash};
    return value[c];
}

static int by_text(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* Collects the column's values in the part, sorted, into values[n]; returns how many. */
static size_t collect(const struct ser_utterance *u, size_t n, enum ser_part part, enum column c,
                      const char **values) {
    size_t k = 0;
    for (size_t i = 0; i < n; i++)
        if (u[i].part == (int)part)
            values[k++] = value_of(&u[i], c);
    qsort(values, k, sizeof *values, by_text);
    return k;
}

/* How many of the n sorted values are the first one's equals. */
static size_t run_length(const char *const *values, size_t n) {
    size_t k = 1;
    while (k < n && strcmp(values[0], values[k]) == 0)
        k++;
    return k;
}

static size_t count_known(const char *const *values, size_t n) {
    size_t known = 0;
    for (size_t i = 0; i < n; i += run_length(values + i, n - i))
        known += (size_t)is_known(values[i]);
    return known;
}

static void write_counts(struct ser_out *o, const char *part, const char *what,
                         const char *const *values, size_t n) {
    for (size_t i = 0, k; i < n; i += k) {
        k = run_length(values + i, n - i);
        ser_out_printf(o, "%s\t%s.%s\t%zu\n", part, what, values[i], k);
    }
}

static void write_checksum(struct ser_out *o, const char *part, const char *what,
                           const char *const *values, size_t n) {
    struct ser_sha256 sum;
    char hex[SER_SHA256_HEX];
    ser_sha256_start(&sum);
    for (size_t i = 0; i < n; i++) {
        ser_sha256_add(&sum, values[i], strlen(values[i]));
        ser_sha256_add(&sum, "\n", 1);
    }
    ser_sha256_end(&sum, hex);
    ser_out_printf(o, "%s\tsha256.%s\t%s\n", part, what, hex);
}

int ser_split_certify(const struct ser_utterance *u, size_t n, const struct ser_shared *shared,
                      struct ser_out *o, struct ser_error *e) {
    const char **values = calloc(n ? n : 1, sizeof *values);
    if (!values)
        return ser_fail(e, SER_SYS, "out of memory for %zu utterances", n);
    int has_audio = n && u->audio_hash, has_groups = n && u->group;
    ser_out_printf(o, "part\twhat\tvalue\n");
    for (enum ser_part p = SER_TRAIN; p < SER_PARTS; p++) {
        const char *name = ser_part_name[p];
        size_t k = collect(u, n, p, SPEAKER, values);
        ser_out_printf(o, "%s\tutterances\t%zu\n", name, k);
        ser_out_printf(o, "%s\tspeakers\t%zu\n", name, count_known(values, k));
        write_counts(o, name, "corpus", values, collect(u, n, p, CORPUS, values));
        write_counts(o, name, "emotion", values, collect(u, n, p, EMOTION, values));
        write_counts(o, name, "speaker", values, collect(u, n, p, SPEAKER, values));
        if (has_groups) {
            k = collect(u, n, p, GROUP, values);
            ser_out_printf(o, "%s\tgroups\t%zu\n", name, count_known(values, k));
            write_counts(o, name, "group", values, k);
        }
        write_checksum(o, name, "id", values, collect(u, n, p, ID, values));
        if (has_audio)
            write_checksum(o, name, "audio", values, collect(u, n, p, AUDIO, values));
    }
    if (n && !shared->speakers)
        ser_out_printf(o, "all\tshared.speakers\tunknown\n");
    else
        ser_out_printf(o, "all\tshared.speakers\t%zu\n", shared->shared_speakers);
    if (has_groups)
        ser_out_printf(o, "all\tshared.groups\t%zu\n", shared->shared_groups);
    if (has_audio)
        ser_out_printf(o, "all\tshared.audio\t%zu\n", shared->shared_audio);
    else
        ser_out_printf(o, "all\tshared.audio\tunknown\n");
    free(values);
    return 0;
}
