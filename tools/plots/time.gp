# time, wave: the probability of each emotion over time as bands, and below them how loud it is.
# $bands     the map, one class a line, the last class first; probabilities in per cent
# $said      from to row: where an emotion is predicted; $mute: where none is, for want of speech
# down[]: names of the classes, wide: characters of the longest; classes (0: none of the above), columns
# $sound     time least most, least: the panel goes from there to most; beside: what it shows
# from, to: of time, in unit
left = wide < 7 ? 90 : 34 + 7.8 * wide
top = classes ? 66 : 44
middle = top + 26 * classes
bottom = classes ? middle + 24 + 110 : 300
eval start(640, bottom + 60)
set xrange [from:to]
if (classes) {
    eval legend(48, 'horizontal')
    eval panel(left, top, 540, middle, '', '')
    # The box is high enough for what stands beside it.
    eval scale(556, top, 572, top + (classes < 5 ? 130 : 26 * classes), 'probability, %')
    set yrange [-0.5:classes - 0.5]
    eval names('y', 'down')
    set cbrange [0:100]
    set border 15
    plot $bands matrix using (from + ($1 + 0.5) * (to - from) / columns):2:3 with image notitle, \
        $mute using (($1 + $2) / 2):((classes - 1) / 2.0):1:2:(-0.5):(classes - 0.5) with boxxyerror \
        fs solid noborder fc rgb 0xe0e0e0 title 'no speech', \
        $said using 1:3:($2 - $1):(0) with vectors nohead lw 6 lc rgb 0xffffff notitle, \
        $said using 1:3:($2 - $1):(0) with vectors nohead lw 4 lc rgb red title 'predicted'
    unset key
    unset colorbox
    unset label 5
    set border 3
    set ytics autofreq nomirror out scale 0.6
}
eval panel(left, classes ? middle + 24 : top, 540, bottom, 'time, ' . unit, beside)
set yrange [least:most]
set grid y lc rgb line lt 1
if (beside eq 'level, dB') { set ytics 20 }
plot $sound using 1:2:3 with filledcurves fs solid noborder fc rgb dark, \
    $sound using 1:2 with lines lc rgb dark, $sound using 1:3 with lines lc rgb dark
