# wave: an audio file, and the probability of each emotion over time.
# $wave      time least most, one line a column
# $windows   from to row probability_% largest
# seconds, peak; windows (0: the wave alone); classes; down[]: their names; wide: characters of the longest
left = wide < 7 ? 90 : 34 + 7.8 * wide
bottom = windows ? 230 : 300
full = windows ? bottom + 30 + 26 * classes : bottom
eval start(640, full + 60)
eval panel(left, 44, 540, bottom, windows ? '' : 'time, s', 'amplitude')
set xrange [0:seconds]
set yrange [-peak:peak]
set grid y lc rgb line lt 1
plot $wave using 1:2:3 with filledcurves fs solid noborder fc rgb dark, \
    $wave using 1:2 with lines lc rgb dark, $wave using 1:3 with lines lc rgb dark
if (windows) {
    unset grid
    eval panel(left, bottom + 30, 540, full, 'time, s', '')
    # The box is high enough for what stands beside it.
    eval scale(556, full - (classes < 5 ? 130 : 26 * classes), 572, full, 'probability, %')
    set yrange [-0.5:classes - 0.5]
    eval names('y', 'down')
    set cbrange [0:100]
    set border 15
    # A dot marks the largest.
    plot $windows using 1:3:1:2:($3 - 0.5):($3 + 0.5):4 with boxxyerror fc palette fs solid noborder, \
        $windows using ($5 == 1 ? ($1 + $2) / 2 : NaN):3 with points pt 7 ps 0.8 lc rgb 0xffffff, \
        $windows using ($5 == 1 ? ($1 + $2) / 2 : NaN):3 with points pt 6 ps 0.8 lw 1.5 lc rgb black
}
