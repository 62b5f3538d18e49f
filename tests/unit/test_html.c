/* test_html - pages: what of data becomes of text, base64, tables. */
#include <stdlib.h>
#include <string.h>

#include "bridge/html.h"
#include "check.h"

/* 1 if the page is this; frees it. */
static int is_page(struct ser_html *h, const char *want) {
    struct ser_error e;
    int same = !ser_html_failed(h, &e) && strcmp(h->page.at ? h->page.at : "", want) == 0;
    if (!same)
        printf("# %s\n", h->page.at ? h->page.at : "nothing");
    free(h->page.at);
    *h = (struct ser_html){0};
    return same;
}

static void test_text(void) {
    static const struct {
        const char *text, *want;
    } shown[] = {
        {"", ""},
        {"plain", "plain"},
        {"&<>\"'", "&amp;&lt;&gt;&quot;&#39;"},
        {"&lt;", "&amp;lt;"},
        {"</td><script>bad('x')</script>",
         "&lt;/td&gt;&lt;script&gt;bad(&#39;x&#39;)&lt;/script&gt;"},
        {"a\" onload=\"bad()", "a&quot; onload=&quot;bad()"},
        {"]]>", "]]&gt;"},
        {"Jim\xc3\xa9nez \xe2\x80\xa6 \xf0\x9f\x98\x80",
         "Jim\xc3\xa9nez \xe2\x80\xa6 \xf0\x9f\x98\x80"},
        {"two\r\nlines\tand a tab", "two\r\nlines\tand a tab"},
    };
    static const char *const refused[] = {
        "\x01", "a\x1b[2J",     "\x7f",         "\rx",          "x\r",      "\xff",
        "\xc3", "\xed\xa0\x80", "\xef\xbf\xbe", "\xef\xbf\xbf", "\xc0\xbc", "a\n\x02"};
    struct ser_html h = {0};
    struct ser_error e;
    for (size_t i = 0; i < sizeof shown / sizeof *shown; i++) {
        ser_html_text(&h, shown[i].text);
        check(is_page(&h, shown[i].want), "text %zu is shown as it is", i);
    }
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        h = (struct ser_html){.from = "m.tsv"};
        ser_html_text(&h, "before");
        ser_html_textf(&h, "%s", refused[i]);
        ser_html_text(&h, "after");
        check(ser_html_failed(&h, &e) && e.status == SER_BAD && strncmp(e.text, "m.tsv: ", 7) == 0,
              "text %zu that no page can show is told by the name of its file", i);
        check(h.page.n == strlen("before"), "and nothing follows it");
        free(h.page.at);
    }
}

/* The vectors of RFC 4648, section 10, and all digits. */
static void test_base64(void) {
    static const char *const encoded[] = {"",         "Zg==",     "Zm8=",    "Zm9v",
                                          "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"};
    static const unsigned char digits[] = {0x00, 0x10, 0x83, 0xfb, 0xef, 0xbe, 0xff, 0xff, 0xff};
    struct ser_html h = {0};
    for (size_t n = 0; n < sizeof encoded / sizeof *encoded; n++) {
        ser_html_base64(&h, "foobar", n);
        check(is_page(&h, encoded[n]), "base64 of %zu letters", n);
    }
    ser_html_base64(&h, digits, sizeof digits);
    check(is_page(&h, "ABCD++++////"), "base64 from A to /");
}

static void test_table(void) {
    struct ser_html h = {0};
    ser_html_table(&h, "<of &>", 2, (const char *[]){"name", "n, %#"});
    ser_html_cell(&h, "a<b");
    ser_html_cellf(&h, "%.1f", 0.25);
    ser_html_table_foot(&h);
    ser_html_cell_begin(&h);
    ser_html_markup(&h, "<br/>");
    ser_html_cell_end(&h);
    ser_html_cell(&h, "");
    ser_html_table_end(&h);
    check(is_page(&h,
                  "<div class=\"scroll\"><table><caption>&lt;of &amp;&gt;</caption>\n<thead><tr>\n"
                  "<th scope=\"col\">name</th>\n<th class=\"n\" scope=\"col\">n, %</th>\n"
                  "</tr></thead>\n<tbody>\n"
                  "<tr><td>a&lt;b</td><td class=\"n\">0.2</td></tr>\n"
                  "</tbody>\n<tfoot>\n<tr><td><br/></td><td class=\"n\"></td></tr>\n"
                  "</tfoot></table></div>\n"),
          "a table");
}

int main(void) {
    test_text();
    test_base64();
    test_table();
    printf("# %d failed\n", failed);
    return failed != 0;
}
