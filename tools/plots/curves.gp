# curves: loss, accuracy and learning rate over the epochs of a training.
# $epochs    epoch loss val_loss accuracy_% val_accuracy_% lr; the last line only ends the last step of lr
# epochs, first, last; best: the epoch, best_at: its place from 1 (0: there is none)
# validated: 0 if there was no validation
# least, most: of the learning rate; lr: those that the axis names
eval start(640, 650)
set xrange [first - 0.5:last + 0.5]
if (last - first < 12) { set xtics 1 }
set grid y lc rgb line lt 1
if (best) {
    set arrow 1 from best, graph 0 to best, graph 1 nohead dt 3 lw 1.5 lc rgb black
    # Kept inside of the picture.
    side = (best_at - 0.5) / epochs
    eval sprintf("set label 4 'best: epoch %d' at %d, graph 1.06 %s", best, best, \
        side < 0.15 ? 'left' : side > 0.85 ? 'right' : 'center')
}
size = epochs > 60 ? 0.3 : 0.6

eval legend(46, 'horizontal')
eval panel(90, 84, 615, 290, '', 'loss')
set yrange [0:*]
plot $epochs using 1:2 with linespoints pt 6 ps size lw 2 lc rgb blue title 'training', \
    $epochs using 1:(validated ? $3 : NaN) with linespoints dt 2 pt 7 ps size lw 2 lc rgb red \
    title (validated ? 'validation' : '')
unset label 4
unset key

eval panel(90, 310, 615, 496, '', 'accuracy, %')
set yrange [0:100]
set ytics 20
plot $epochs using 1:4 with linespoints pt 6 ps size lw 2 lc rgb blue, \
    $epochs using 1:(validated ? $5 : NaN) with linespoints dt 2 pt 7 ps size lw 2 lc rgb red

eval panel(90, 516, 615, 590, 'epoch', 'rate')
set logscale y
set yrange [least / 2:most * 2]
short(x) = strlen(sprintf('%g', x)) > 7 ? sprintf('%.1e', x) : sprintf('%g', x)
set ytics nomirror out scale 0.6 (short(lr[1]) lr[1])
set for [i = 2:|lr|] ytics add (short(lr[i]) lr[i])
plot $epochs using ($1 - 0.5):6 with steps lw 2 lc rgb black
