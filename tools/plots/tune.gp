# tune: the trials of a search in their order, from rung to rung, through what they have drawn, and how much each option
# decides.
# $trials      trial figure rung failed, of its last result
# $best        trial figure, of the best so far
# $rungs       epochs figure, a block a trial; $climbed: of the best one
# $lines       row place colour, a block a trial, the best last; $winner: of that one
# $ticks       row place number, of tick[]; $importance: row effect_% chance_%
# trials: the last; rungs; epochs[]: of the first, the last, and some between; least, most: of the figure
# by: 0 recall, 1 loss, 2 accuracy
# at: epochs after which importance is found; axes: options that have one; axis[], option[]: names; wide: characters of the longest
array figure[3] = ['recall, %', 'loss', 'accuracy, %']
what = figure[by + 1]
left = 34 + 7.8 * wide < 90 ? 90 : 34 + 7.8 * wide
top = 104
bottom = 284
climb = rungs > 1 ? bottom + 70 : bottom - 130 # of the second panel
lines = climb + 130 + 80
end = lines + 46 * (axes + 1)
eval start(640, axes ? end + 90 + 24 * axes + 60 : lines - 20)
room = (most - least) / 12
set palette defined (0 '#c6dbef', 0.5 '#6baed6', 1 '#08306b')
unset colorbox
set grid y lc rgb line lt 1

eval legend(62, 'vertical')
eval panel(left, top, 615, bottom, 'trial', 'validation ' . what)
set xrange [0.5:trials + 0.5]
set yrange [least - room:most + room]
set cbrange [-0.5:rungs > 1 ? rungs - 1 : 0.5]
if (trials < 12) { set xtics 1 }
size = trials > 100 ? 0.5 : 0.9
plot $trials using 1:($4 > 0 ? NaN : $2):3 with points pt 7 ps size lc palette title (rungs > 1 ? 'last result, stronger on a higher rung' : 'result'), \
    $trials using 1:($4 > 0 ? least - room / 2 : NaN) with points pt 2 ps 0.8 lc rgb black title 'failed', \
    $best using 1:2 with steps lw 2 lc rgb red title 'best so far'
unset key
set xtics autofreq

if (rungs > 1) {
    eval panel(left, climb, 615, climb + 130, 'epochs', '')
    set logscale x
    set xrange [epochs[1] / 1.1:epochs[|epochs|] * 1.1]
    set xtics scale 0.6 (sprintf('%d', epochs[1]) epochs[1])
    set for [i = 2:|epochs|] xtics add (sprintf('%d', epochs[i]) epochs[i])
    plot $rungs using 1:2 with linespoints pt 7 ps 0.4 lc rgb light, \
        $climbed using 1:2 with linespoints pt 7 ps 0.7 lw 2 lc rgb red
    unset logscale x
    set xtics autofreq
}

if (axes) {
    # Each line is a trial, through the values that it has drawn.
    eval panel(left, lines - 24, 615, end - 22, '', '')
    unset grid
    set border 0
    unset xtics
    set xrange [-0.03:1.03]
    set yrange [-0.5:axes + 0.5]
    set cbrange [0:1]
    eval names('y', 'axis')
    set for [i = 0:axes] arrow 10 + i from 0, i to 1, i nohead back lw 1 lc rgb soft
    plot $lines using 2:1:3 with lines lw 1 lc palette, \
        $winner using 2:1 with lines lw 2.5 lc rgb red, \
        $ticks using 2:1:(tick[int($3)]) with labels offset 0, -0.7
    unset for [i = 0:axes] arrow 10 + i

    set border 3 lc rgb soft
    set xtics nomirror out scale 0.6 autofreq
    eval legend(end + 40, 'vertical')
    eval panel(left, end + 70, 615, end + 80 + 24 * axes, 'share of what differs among the trials, %', '')
    set grid x lc rgb line lt 1
    set xrange [0:100]
    set yrange [-0.7:axes - 0.3]
    eval names('y', 'option')
    plot $importance using 2:1:(0):2:($1 - 0.36):($1 + 0.36) with boxxyerror fs solid border lc rgb dark fc rgb light \
            title sprintf('importance after %d epoch%s', at, at == 1 ? '' : 's'), \
        $importance using 3:1 with points pt 2 ps 0.8 lc rgb black title 'taken off: by lot'
}
