# What all pictures share. Before it stand the data: png (1, or 0 for SVG), heading, and what KIND.gp
# names in its first lines. After it comes KIND.gp.
#
# Lengths are in pixels of the SVG; y counts down from the top. A function here returns commands for
# eval. It is given numbers and words of KIND.gp alone: nothing from data may become a command.

black = 0x000000
soft = 0x404040  # axes
line = 0xd0d0d0  # grids
dark = 0x08306b  # edges
light = 0x9ecae1 # areas
blue = 0x0072b2  # a first and a second line, which also those tell apart who see fewer colours
red = 0xd55e00

set encoding utf8
set border 3 lc rgb soft
set tics nomirror out scale 0.6
unset key
# White to dark blue: its lightness alone orders it.
set palette defined (0 '#ffffff', 0.25 '#c6dbef', 0.5 '#6baed6', 0.75 '#2171b5', 1 '#08306b')

cut(text, most) = strlen(text) <= most ? text : text[1:most - 1] . '…'
x_of(x) = 1.0 * x / W
y_of(y) = 1 - 1.0 * y / H

# Begins a picture of w x h pixels.
panels = 0
start(w, h) = sprintf("W = %d; H = %d; heading = cut(heading, int(W / 7.6)); ", w, h) . (png ? \
    sprintf("set terminal pngcairo size %d,%d noenhanced background rgb 'white' ", 2 * int(w), 2 * int(h)) . \
        "font 'sans,10.5' fontscale 2 linewidth 2 pointscale 2; " : \
    sprintf("set terminal svg size %d,%d dynamic noenhanced background rgb 'white' ", w, h) . \
        "font 'sans-serif,14'; ") . \
    "set multiplot; set label 1 heading at screen 0.5, screen y_of(20) center"

# The place of the next plot, with a word below and one beside it, which stand in one line whatever
# the numbers along the axes. Without the one below, the numbers are left out, too.
panel(left, top, right, bottom, below, beside) = (panels ? "unset label 1; " : "panels = 1; ") . \
    sprintf("set lmargin at screen %.6f; set rmargin at screen %.6f; ", x_of(left), x_of(right)) . \
    sprintf("set tmargin at screen %.6f; set bmargin at screen %.6f; ", y_of(top), y_of(bottom)) . \
    (beside eq '' ? "unset label 2; " : \
        sprintf("set label 2 '%s' at screen %.6f, screen %.6f rotate center; ", beside, x_of(16), \
            y_of((top + bottom) / 2.0))) . \
    (below eq '' ? "unset label 3; set format x ''" : \
        sprintf("set label 3 '%s' at screen %.6f, screen %.6f center; set format x '%%g'", below, \
            x_of((left + right) / 2.0), y_of(bottom + 44)))

# A colour box beside the panel.
scale(left, top, right, bottom, beside) = \
    sprintf("set colorbox user origin screen %.6f, screen %.6f size screen %.6f, screen %.6f; ", \
        x_of(left), y_of(bottom), x_of(right - left), 1.0 * (bottom - top) / H) . \
    sprintf("set label 5 '%s' at screen %.6f, screen %.6f rotate center", beside, x_of(right + 48), \
        y_of((top + bottom) / 2.0))

# What lines and marks mean, centred at this height; how: horizontal or vertical.
legend(y, how) = sprintf("set key at screen 0.5, screen %.6f center center %s", y_of(y), how)

# The numbers of an axis are these names, an array, from its length - 1 down to 0.
names(axis, name) = sprintf("n = |%s|; set %stics scale 0 (%s[1] n - 1); set for [i = 2:n] %stics add (%s[i] n - i)", \
    name, axis, name, axis, name)
