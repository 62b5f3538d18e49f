#include "bridge/convert.h"

#include <stdio.h>
#include <stdlib.h>

#include "core/jobs.h"
#include "core/progress.h"

struct run {
    const struct ser_convert *c;
    struct ser_sink sink;
    struct ser_progress progress;
    uint64_t done, bad, partly; /* partly: of the bad ones, those with records that are kept */
    struct ser_error e;         /* what ends the run */
};

static int fetch_recording(const struct ser_convert *c, struct ser_recorded *it) {
    return ser_recordings_next(c->recordings, &it->recording, &it->made.e);
}

static int fetch(void *ctx, void *slot) {
    const struct ser_convert *c = ((struct run *)ctx)->c;
    struct ser_item *it = slot;
    if (!it->record)
        it->record = calloc(c->records, sizeof *it->record);
    it->kept = 0;
    int got = !it->record     ? ser_no_memory(&it->e)
              : c->recordings ? fetch_recording(c, slot)
                              : c->fetch(c->ctx, slot);
    it->state = got < 0 ? SER_ITEM_BROKEN : SER_ITEM_GOOD;
    return got != 0;
}

static void work(void *ctx, void *slot, int worker) {
    const struct ser_convert *c = ((struct run *)ctx)->c;
    struct ser_item *it = slot;
    int bad = it->state == SER_ITEM_GOOD ? c->make(c->ctx, slot, worker) : 0;
    if (bad)
        it->state = bad == -1 ? SER_ITEM_BAD : SER_ITEM_BROKEN;
}

static int write_records(struct run *r, const struct ser_item *it, size_t n) {
    for (size_t i = 0; i < n; i++)
        if (ser_sink_put(&r->sink, &it->record[i], &r->e))
            return -1;
    return ser_sink_flush(&r->sink, &r->e); /* the next program in the pipe need not wait */
}

static int finish(void *ctx, void *slot) {
    struct run *r = ctx;
    const struct ser_item *it = slot;
    if (it->state == SER_ITEM_BROKEN || (it->state == SER_ITEM_BAD && !r->c->keep_going)) {
        r->e = it->e;
        return -1;
    }
    if (it->state == SER_ITEM_BAD) {
        ser_progress_end(&r->progress);
        warn("%s", it->e.text);
        r->bad++;
        r->partly += it->kept != 0;
        return write_records(r, it, it->kept);
    }
    if (write_records(r, it, r->c->records))
        return -1;
    ser_progress_show(&r->progress, ++r->done);
    return 0;
}

static void release(void *ctx, void *slot) {
    const struct ser_convert *c = ((struct run *)ctx)->c;
    struct ser_item *it = slot;
    if (c->recordings)
        ser_recording_free(&((struct ser_recorded *)slot)->recording);
    else
        c->release(slot);
    for (size_t i = 0; it->record && i < c->records; i++)
        ser_record_free(&it->record[i]);
    free(it->record);
}

int ser_convert_run(const struct ser_convert *c, int jobs, struct ser_error *e) {
    struct run r = {.c = c};
    const struct ser_jobs todo = {.ctx = &r,
                                  .slot_size =
                                      c->recordings ? sizeof(struct ser_recorded) : c->item_size,
                                  .fetch = fetch,
                                  .work = work,
                                  .finish = finish,
                                  .release = release};
    if (ser_sink_open(&r.sink, c->output, c->header, c->table, e))
        return -1;
    ser_progress_start(&r.progress, "utterances", c->recordings ? c->recordings->total : c->total,
                       c->quiet);
    int failed = ser_jobs_run(&todo, jobs, e);
    ser_progress_end(&r.progress);
    if (failed) {
        if (failed > 0)
            *e = r.e;
        ser_sink_abandon(&r.sink);
        return -1;
    }
    if (ser_sink_close(&r.sink, e))
        return -1;
    if (!r.bad)
        return 0;
    char partly[64] = "";
    if (r.partly)
        snprintf(partly, sizeof partly, ", %llu of them only in part",
                 (unsigned long long)r.partly);
    warn("%llu of %llu recordings %s skipped%s", (unsigned long long)r.bad,
         (unsigned long long)(r.bad + r.done), r.bad == 1 ? "was" : "were", partly);
    return 1;
}
