#include "bridge/plot-text.h"

#include <string.h>

static int begins_character(char c) {
    return ((unsigned char)c & 0xc0) != 0x80;
}

size_t ser_text_width(const char *s) {
    size_t n = 0;
    for (; *s; s++)
        n += (size_t)begins_character(*s);
    return n;
}

int ser_text_cut(const char *s, size_t most) {
    size_t n = 0, i = 0;
    if (ser_text_width(s) <= most)
        return (int)strlen(s);
    for (; s[i]; i++)
        if (begins_character(s[i]) && ++n == most)
            break;
    return (int)i;
}

static const struct markup {
    const char *text, *stands_for, *escape;
} markup[] = {
    {"&", "\xee\x80\x80", "&amp;"},
    {"<", "\xee\x80\x81", "&lt;"},
    {">", "\xee\x80\x82", "&gt;"},
};
enum { MARKUPS = sizeof markup / sizeof *markup };

const char *ser_text_markup(const char *s, size_t n) {
    for (int i = 0; n >= 3 && i < MARKUPS; i++)
        if (memcmp(s, markup[i].stands_for, 3) == 0)
            return markup[i].escape;
    return NULL;
}

static void add_for_gnuplot(struct ser_text *t, const char *s, int n, int xml, int format) {
    for (int k = 0; k < n; k++) {
        int i = xml ? 0 : MARKUPS;
        while (i < MARKUPS && s[k] != *markup[i].text)
            i++;
        if (i < MARKUPS)
            ser_text_add(t, markup[i].stands_for, 3);
        else if (s[k] == '\'' || (s[k] == '%' && format))
            ser_text_printf(t, "%c%c", s[k], s[k]);
        else
            ser_text_add(t, s + k, 1);
    }
}

void ser_text_gnuplot(struct ser_text *t, const char *s, size_t most, int xml, int format) {
    ser_text_add(t, "'", 1);
    add_for_gnuplot(t, s, ser_text_cut(s, most), xml, format);
    ser_text_printf(t, "%s'", SER_MORE(s, most));
}

void ser_text_xml(struct ser_text *t, const char *s, size_t n) {
    for (size_t k = 0; k < n; k++) {
        const char *escape = ser_text_markup(s + k, n - k);
        if (escape)
            k += 2;
        for (int i = 0; !escape && i < MARKUPS; i++)
            if (s[k] == *markup[i].text)
                escape = markup[i].escape;
        if (s[k] == '"' && !escape)
            escape = "&quot;";
        if (escape)
            ser_text_printf(t, "%s", escape);
        else
            ser_text_add(t, s + k, 1);
    }
}
