# speakers: accuracy and unweighted recall of each, best first.
# $speakers  row accuracy_% recall_% n
# speakers; down[]: their names; wide: characters of the longest; accuracy: over all, in per cent
eval start(640, 174 + 24 * speakers)
eval panel(44 + 7.8 * wide, 104, 615, 114 + 24 * speakers, 'right predictions, %', '')
eval legend(62, 'vertical')
set xrange [0:112]
set xtics 0, 20, 100
set yrange [-0.7:speakers - 0.3]
set grid x lc rgb line lt 1
eval names('y', 'down')
set arrow 1 from accuracy, graph 0 to accuracy, graph 1 nohead front dt 2 lw 1.5 lc rgb black
plot $speakers using 2:1:(0):2:($1 - 0.36):($1 + 0.36) \
        with boxxyerror fs solid border lc rgb dark fc rgb light title 'accuracy', \
    $speakers using 3:1 with points pt 12 ps 1.2 lc rgb red title 'unweighted recall', \
    keyentry with lines dt 2 lw 1.5 lc rgb black title 'accuracy over all', \
    $speakers using (101):1:(sprintf("of %d", $4)) with labels left notitle
