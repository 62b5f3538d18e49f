# mfcc: features of one utterance as a heat map, with the zeroth coefficient, hundreds of times as large
# as the others, in a panel of its own.
# $zeroth    time value (empty if all are in the map)
# $features  the map, one row a line, the lowest first
# rows, frames; full: frames before padding; step, unit: of time; logmel: mel bands, no coefficients
# whole: the map has row 0; from, to: the values between which colours run
eval start(640, whole ? 480 : 560)
# Cividis (Nunez, Anderton, Renslow 2018), whose lightness grows evenly, also for those who see fewer colours.
set palette defined (0 '#00224e', 1 '#123570', 2 '#3b496c', 3 '#575d6d', 4 '#707173', \
    5 '#8a8678', 6 '#a59c74', 7 '#c3b369', 8 '#e1cc55', 9 '#fee838')
set xrange [0:frames * step]
set cbrange [from:to]
if (full < frames) {
    set arrow 1 from full * step, graph 0 to full * step, graph 1 nohead front dt 2 lw 1.5 lc rgb red
}
top = 44
if (!whole) {
    eval panel(90, top, 540, 160, '', 'coefficient 0')
    set grid y lc rgb line lt 1
    set ytics 200
    plot $zeroth using 1:2 with lines lw 1.5 lc rgb black
    unset grid
    top = 184
}
eval panel(90, top, 540, H - 60, 'time, ' . unit, logmel ? 'mel band' : 'coefficient')
eval scale(556, top, 572, H - 60, logmel ? 'level, dB' : 'value')
set ytics autofreq
set yrange [whole ? -0.5 : 0.5:rows - 0.5]
plot $features matrix using (($1 + 0.5) * step):($2 + !whole):3 with image
