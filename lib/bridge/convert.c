#include "bridge/convert.h"

#include <stdlib.h>

#include "core/jobs.h"
#include "core/progress.h"

struct run {
    const struct ser_convert *c;
    struct ser_writer writer;
    struct ser_progress progress;
    uint64_t done, bad;
    struct ser_error e; /* what ends the run */
};

static int fetch(void *ctx, void *slot) {
    const struct ser_convert *c = ((struct run *)ctx)->c;
    struct ser_item *it = slot;
    if (!it->record)
        it->record = ecalloc(c->records, sizeof *it->record);
    int got = c->fetch(c->ctx, slot);
    it->state = got < 0 ? SER_ITEM_BROKEN : SER_ITEM_GOOD;
    return got != 0;
}

static void work(void *ctx, void *slot, int worker) {
    const struct ser_convert *c = ((struct run *)ctx)->c;
    struct ser_item *it = slot;
    if (it->state == SER_ITEM_GOOD && c->make(c->ctx, slot, worker))
        it->state = SER_ITEM_BAD;
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
        return 0;
    }
    for (size_t i = 0; i < r->c->records; i++)
        ser_writer_put(&r->writer, &it->record[i]);
    ser_out_flush(&r->writer.out); /* the next program in the pipe need not wait for more */
    ser_progress_show(&r->progress, ++r->done);
    return 0;
}

static void release(void *ctx, void *slot) {
    const struct ser_convert *c = ((struct run *)ctx)->c;
    struct ser_item *it = slot;
    c->release(slot);
    for (size_t i = 0; it->record && i < c->records; i++)
        ser_record_free(&it->record[i]);
    free(it->record);
}

int ser_convert_run(const struct ser_convert *c, int jobs) {
    struct run r = {.c = c};
    const struct ser_jobs todo = {.ctx = &r,
                                  .slot_size = c->item_size,
                                  .fetch = fetch,
                                  .work = work,
                                  .finish = finish,
                                  .release = release};
    ser_writer_open(&r.writer, c->output, c->header);
    ser_progress_start(&r.progress, "utterances", c->total, c->quiet);
    int failed = ser_jobs_run(&todo, jobs);
    ser_progress_end(&r.progress);
    if (failed)
        die_error(&r.e);
    ser_writer_close(&r.writer);
    if (!r.bad)
        return SER_OK;
    warn("%llu of %llu recordings %s skipped", (unsigned long long)r.bad,
         (unsigned long long)(r.bad + r.done), r.bad == 1 ? "was" : "were");
    return SER_BAD;
}
