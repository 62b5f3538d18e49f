# reliability: accuracy of the predictions of like confidence, and how many there are of each.
# $bins      middle_% n confidence_% accuracy_% low_% high_%
# most: of n
eval start(640, 640)
set xrange [0:100]
set xtics 10
set grid lc rgb line lt 1
eval legend(56, 'vertical')
eval panel(90, 90, 615, 440, '', 'accuracy, %')
set yrange [0:100]
set ytics 20
plot x with lines dt 2 lw 1.5 lc rgb 0x606060 title 'as sure as right', \
    $bins using 3:4:5:6 with yerrorbars pt 7 ps 1 lw 1.5 lc rgb blue title 'measured, 95 % interval', \
    $bins using 3:4 with lines lw 2 lc rgb blue notitle
unset key
unset grid

eval panel(90, 466, 615, 584, 'confidence, %', 'predictions')
set yrange [0:1.25 * most]
set ytics (0, most)
set boxwidth 9
plot $bins using 1:2 with boxes fs solid border lc rgb dark fc rgb light, \
    $bins using 1:2:(sprintf("%d", $2)) with labels offset 0, 0.6
