#include "nn/encoder/room.h"

#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

enum { LINE = 64, LARGE = 1 << 21 }; /* bytes of a line of the cache, and of a large page */

float *ser_floats(size_t n) {
    if (n > SIZE_MAX / sizeof(float) - LARGE)
        return NULL;
    size_t size = n * sizeof(float), whole = size / LARGE * LARGE;
    float *p = whole ? aligned_alloc(LARGE, (size + LARGE - 1) / LARGE * LARGE)
                     : aligned_alloc(LINE, (size + LINE - 1) / LINE * LINE);
    if (p && whole)
        (void)madvise(p, whole, MADV_HUGEPAGE); /* what is left over would be a whole one more */
    return p;
}

float *ser_room(struct ser_room *r, size_t n) {
    if (n > r->cap) {
        free(r->at);
        r->at = ser_floats(n);
        r->cap = r->at ? n : 0;
    }
    return r->at;
}
