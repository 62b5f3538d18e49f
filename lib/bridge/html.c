#include "bridge/html.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void fail(struct ser_html *h, int status, const char *why) {
    if (!h->failure.status)
        ser_fail(&h->failure, status, "%s%s%s", h->from ? h->from : "", h->from ? ": " : "", why);
}

int ser_html_failed(const struct ser_html *h, struct ser_error *e) {
    if (h->failure.status)
        *e = h->failure;
    else if (h->page.failed)
        ser_fail(e, SER_SYS, "out of memory (%zu bytes of a page)", h->page.n);
    return h->failure.status || h->page.failed ? -1 : 0;
}

static void add(struct ser_html *h, const char *s, size_t n) {
    if (!h->failure.status)
        ser_text_add(&h->page, s, n);
}

void ser_html_markup(struct ser_html *h, const char *markup) {
    add(h, markup, strlen(markup));
}

/* Calls put with the text that fmt makes. */
static void formatted(struct ser_html *h, void (*put)(struct ser_html *h, const char *s),
                      const char *fmt, va_list args) {
    char *text;
    if (vasprintf(&text, fmt, args) < 0) {
        fail(h, SER_SYS, "out of memory");
        return;
    }
    put(h, text);
    free(text);
}

void ser_html_markupf(struct ser_html *h, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    formatted(h, ser_html_markup, fmt, args);
    va_end(args);
}

/* ---- text ---- */

int ser_html_shows(const char *text) {
    for (const char *s = text;; s++) {
        size_t n = strcspn(s, "\t\n");
        size_t carriage = n && s[n] == '\n' && s[n - 1] == '\r'; /* a line of another system */
        if (!ser_is_text(s, n - carriage))
            return 0;
        s += n;
        if (!*s)
            break;
    }
    return !strstr(text, "\xef\xbf\xbe") && !strstr(text, "\xef\xbf\xbf"); /* no XML has them */
}

void ser_html_text(struct ser_html *h, const char *text) {
    static const char special[] = "&<>\"'";
    static const char *const entity[] = {"&amp;", "&lt;", "&gt;", "&quot;", "&#39;"};
    if (!ser_html_shows(text))
        fail(h, SER_BAD, "not UTF-8 text, or with control characters");
    while (*text) {
        size_t n = strcspn(text, special);
        add(h, text, n);
        text += n;
        if (*text)
            ser_html_markup(h, entity[strchr(special, *text++) - special]);
    }
}

void ser_html_textf(struct ser_html *h, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    formatted(h, ser_html_text, fmt, args);
    va_end(args);
}

void ser_html_base64(struct ser_html *h, const void *data, size_t n) {
    static const char digit[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *p = data;
    for (size_t i = 0; i < n; i += 3) {
        size_t have = n - i < 3 ? n - i : 3;
        unsigned bits = (unsigned)p[i] << 16 | (have > 1 ? (unsigned)p[i + 1] << 8 : 0) |
                        (have > 2 ? (unsigned)p[i + 2] : 0);
        const char four[4] = {digit[bits >> 18], digit[bits >> 12 & 63],
                              have > 1 ? digit[bits >> 6 & 63] : '=',
                              have > 2 ? digit[bits & 63] : '='};
        add(h, four, sizeof four);
    }
}

/* ---- tables ---- */

static const char *class_of(const struct ser_html *h, int column) {
    return h->numeric >> column & 1 ? " class=\"n\"" : "";
}

void ser_html_table(struct ser_html *h, const char *caption, int columns, const char *const *head) {
    h->columns = columns;
    h->column = 0;
    h->foot = 0;
    h->numeric = 0;
    ser_html_markup(h, "<div class=\"scroll\"><table><caption>");
    ser_html_text(h, caption);
    ser_html_markup(h, "</caption>\n<thead><tr>\n");
    for (int i = 0; i < columns; i++) {
        size_t n = strlen(head[i]);
        int numeric = head[i][n - 1] == '#';
        h->numeric |= (unsigned)numeric << i;
        ser_html_markupf(h, "<th%s scope=\"col\">", class_of(h, i));
        ser_html_textf(h, "%.*s", (int)n - numeric, head[i]);
        ser_html_markup(h, "</th>\n");
    }
    ser_html_markup(h, "</tr></thead>\n<tbody>\n");
}

void ser_html_cell_begin(struct ser_html *h) {
    ser_html_markupf(h, "%s<td%s>", h->column ? "" : "<tr>", class_of(h, h->column));
}

void ser_html_cell_end(struct ser_html *h) {
    h->column = (h->column + 1) % h->columns;
    ser_html_markup(h, h->column ? "</td>" : "</td></tr>\n");
}

void ser_html_cell(struct ser_html *h, const char *text) {
    ser_html_cell_begin(h);
    ser_html_text(h, text);
    ser_html_cell_end(h);
}

void ser_html_cellf(struct ser_html *h, const char *fmt, ...) {
    va_list args;
    va_start(args, fmt);
    formatted(h, ser_html_cell, fmt, args);
    va_end(args);
}

void ser_html_table_foot(struct ser_html *h) {
    ser_html_markup(h, "</tbody>\n<tfoot>\n");
    h->foot = 1;
}

void ser_html_table_end(struct ser_html *h) {
    ser_html_markup(h, h->foot ? "</tfoot></table></div>\n" : "</tbody></table></div>\n");
}
