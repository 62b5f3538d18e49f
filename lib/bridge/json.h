/* json.h - JSON that other programs wrote, read by jansson within limits.
 *
 * Refused: what is no object, text behind it, a name twice in one object, more than SER_JSON_BYTES
 * bytes or SER_JSON_VALUES values, deeper nesting than the caller expects. jansson takes no zero
 * character in a name: one that is written \u0000 is read as U+E000 instead, a character for private
 * use, which no name has that anybody looks for.
 *
 * jansson has one allocator in a process: from the first call on it is the one of this file, which is malloc and
 * free, and tells of want of memory. Nobody else here sets it.
 */
#ifndef SER_JSON_H
#define SER_JSON_H

#include <jansson.h>

#include "core/core.h"

#define SER_JSON_BYTES  (4 << 20)
#define SER_JSON_VALUES 200000

/* The object that the len bytes at text are, to be freed with json_decref; its objects and arrays lie
 * within each other at most depth deep. name is for messages. NULL with e set: SER_BAD or SER_SYS. */
json_t *ser_json_parse(const char *text, size_t len, int depth, const char *name,
                       struct ser_error *e) SER_MUST_CHECK;

/* The same for the file at path. */
json_t *ser_json_load(const char *path, int depth, struct ser_error *e) SER_MUST_CHECK;

#endif
