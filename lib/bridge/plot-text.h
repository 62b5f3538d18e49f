/* plot-text.h - what letters become in gnuplot's commands and in XML. */
#ifndef SER_PLOT_TEXT_H
#define SER_PLOT_TEXT_H

#include "core/bytes.h"

/* Characters of UTF-8 text. */
size_t ser_text_width(const char *s);

/* How many bytes of s to keep so that it has at most most characters, the last of which says that
 * there were more: for "%.*s%s" with SER_MORE(s, most). */
int ser_text_cut(const char *s, size_t most);
#define SER_MORE(s, most) (ser_text_width(s) > (most) ? "\xe2\x80\xa6" : "")

/* A text of gnuplot in single quotes, where it expands nothing, cut to most characters.
 *
 * xml: on the way through gnuplot the three characters that are markup in XML are U+E000 (&), U+E001
 * (<) and U+E002 (>), since gnuplot neither escapes all that XML forbids nor leaves &#...; alone;
 * ser_text_xml makes of them what XML wants. format: the label of a tic, where % begins a format. */
void ser_text_gnuplot(struct ser_text *t, const char *s, size_t most, int xml, int format);

/* n bytes of XML's text and attributes: & < > and quotes are escaped, and U+E000 to U+E002 become
 * the three escapes that they stand for. */
void ser_text_xml(struct ser_text *t, const char *s, size_t n);

/* The escape that the three bytes at s stand for, as "&amp;"; NULL for others. */
const char *ser_text_markup(const char *s, size_t n);

#endif
