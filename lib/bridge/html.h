/* html.h - a page of HTML that is written from front to back, in memory. It is well-formed XML, too.
 *
 *   struct ser_html h = {.from = "study"};
 *   ser_html_markup(&h, "<p>");
 *   ser_html_text(&h, speaker);
 *   ser_html_markup(&h, "</p>\n");
 *   ser_html_table(&h, "By speaker", 2, (const char *[]){"speaker", "accuracy, %#"});
 *   ser_html_cell(&h, speaker);
 *   ser_html_cellf(&h, "%.1f", 100 * accuracy);
 *   ser_html_table_end(&h);
 *   if (ser_html_failed(&h, &e))
 *       ...
 *
 * What comes from data goes through ser_html_text or what is made of it, which leave nothing in it
 * that HTML takes for markup. The first failure is kept, and what follows it is dropped.
 */
#ifndef SER_HTML_H
#define SER_HTML_H

#include "core/bytes.h"
#include "core/core.h"

enum { SER_HTML_COLUMNS = 16 }; /* at most, of a table */

struct ser_html {             /* zeros: an empty page */
    struct ser_text page;     /* what was written so far; the owner frees page.at */
    const char *from;         /* whose texts are shown now, for messages: a path; borrowed */
    struct ser_error failure; /* the first; status 0: none */
    int columns, column;      /* of the table: how many, the next to be filled */
    int foot;                 /* its rows that stay below have begun */
    unsigned numeric;         /* bit i: column i holds numbers */
};

/* Markup, as it stands. With a format: only numbers and words of the program go into it. */
void ser_html_markup(struct ser_html *h, const char *markup);
void ser_html_markupf(struct ser_html *h, const char *fmt, ...) SER_PRINTF(2, 3);

/* Text for elements and for attributes in either quotes. Text that a page cannot show (no UTF-8,
 * control characters but tab and newline, U+FFFE, U+FFFF) is the failure SER_BAD. */
void ser_html_text(struct ser_html *h, const char *text);
void ser_html_textf(struct ser_html *h, const char *fmt, ...) SER_PRINTF(2, 3);

/* 1 if a page can show the text. */
int ser_html_shows(const char *text);

/* n bytes in base64 (RFC 4648). */
void ser_html_base64(struct ser_html *h, const void *data, size_t n);

/* A table, row by row and cell by cell. A head that ends in # is of a column of numbers. */
void ser_html_table(struct ser_html *h, const char *caption, int columns, const char *const *head);
void ser_html_cell(struct ser_html *h, const char *text);
void ser_html_cellf(struct ser_html *h, const char *fmt, ...) SER_PRINTF(2, 3);

/* A cell whose content the caller writes between these two. */
void ser_html_cell_begin(struct ser_html *h);
void ser_html_cell_end(struct ser_html *h);

/* The rows that follow stay below, however the others are sorted. */
void ser_html_table_foot(struct ser_html *h);
void ser_html_table_end(struct ser_html *h);

/* 0, or -1 with e set to the first failure. */
int ser_html_failed(const struct ser_html *h, struct ser_error *e) SER_MUST_CHECK;

#endif
