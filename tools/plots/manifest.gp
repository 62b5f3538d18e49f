# manifest: utterances of each emotion and of each speaker, by part.
# $emotion, $speaker  part row from to total; part 1 is train, or all; 2 val; 3 test
# parts (1 or 3); emotions, speakers; emotion[], speaker[]: their names; wide: characters of the longest
# most_emotion, most_speaker: of the totals
array part[3] = [parts > 1 ? 'train' : 'all', 'val', 'test']
array colour[3] = [0x2171b5, 0xf0c060, 0xf7f7f7] # told apart by lightness alone
top = parts > 1 ? 70 : 40
middle = top + 10 + 24 * emotions
end = middle + 80 + 24 * speakers
eval start(640, end + 60)
left = 34 + 7.8 * wide
set grid x lc rgb line lt 1
set xtics autofreq
if (parts > 1) { eval legend(46, 'horizontal width 2') }

eval panel(left, top, 615, middle, 'utterances', '')
set xrange [0:1.08 * most_emotion]
set yrange [-0.7:emotions - 0.3]
eval names('y', 'emotion')
plot for [p = 1:parts] $emotion using ($1 == p && $4 > $3 ? $3 : NaN):2:3:4:($2 - 0.36):($2 + 0.36) \
        with boxxyerror fs solid border lc rgb black fc rgb colour[p] title part[p], \
    $emotion using ($1 == 1 ? $5 : NaN):2:(sprintf("%d", $5)) with labels left offset 0.5, 0 notitle
unset key

eval panel(left, middle + 70, 615, end, 'utterances', '')
set xrange [0:1.08 * most_speaker]
set yrange [-0.7:speakers - 0.3]
eval names('y', 'speaker')
plot for [p = 1:parts] $speaker using ($1 == p && $4 > $3 ? $3 : NaN):2:3:4:($2 - 0.36):($2 + 0.36) \
        with boxxyerror fs solid border lc rgb black fc rgb colour[p], \
    $speaker using ($1 == 1 ? $5 : NaN):2:(sprintf("%d", $5)) with labels left offset 0.5, 0
