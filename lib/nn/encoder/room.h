/* room.h - memory of an encoder, for lib/nn/encoder only. */
#ifndef SER_ROOM_H
#define SER_ROOM_H

#include <stddef.h>

/* n floats, whose values are void, on a boundary of 64 bytes; the caller frees. The system is asked for
 * large pages, which it has ready much sooner than as many small ones. NULL without memory. */
float *ser_floats(size_t n);

/* Memory that is kept from clip to clip, and grows with them. */
struct ser_room { /* zeros: none */
    float *at;    /* [cap] owned */
    size_t cap;
};

/* Makes room for n floats, whose values are void. NULL without memory. */
float *ser_room(struct ser_room *r, size_t n);

#endif
