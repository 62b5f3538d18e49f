/* embed.h - files of the source tree as parts of the program.
 *
 *   SER_EMBED(page_style, "tools/page/style.css");
 *
 * declares the bytes of the file, from page_style to page_style_end, with a zero behind them. Paths
 * count from the root of the tree, where make runs; the Makefile names what depends on them.
 */
#ifndef SER_EMBED_H
#define SER_EMBED_H

/* NOLINTBEGIN(bugprone-macro-parentheses): name is declared */
#define SER_EMBED(name, path)                                                                      \
    __asm__(".section .rodata\n" #name ":\n.incbin \"" path "\"\n" #name                           \
            "_end:\n.byte 0\n.previous\n");                                                        \
    extern const char name[] __attribute__((visibility("hidden")));                                \
    extern const char name##_end[] __attribute__((visibility("hidden")))
/* NOLINTEND(bugprone-macro-parentheses) */

#endif
