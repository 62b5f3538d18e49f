# confusion: true emotion by row, predicted emotion by column.
# $cells     column row count share_% colour of the text
# classes; across[], down[]: their names below and beside; wide_across, wide_down: characters of the longest
left = 44 + 7.8 * wide_down
cell = int((560 - left) / classes)
cell = cell < 50 ? 50 : cell > 110 ? 110 : cell
right = left + classes * cell
top = 44
bottom = top + classes * (cell < 60 ? 42 : 54)
eval start(right + 90 < 640 ? 640 : right + 90, bottom + 54 + 5.6 * wide_across)
eval panel(left, top, right, bottom, '', 'true emotion')
eval scale(right + 14, top, right + 30, bottom, 'share of the row, %')
set border 0
set xrange [0.5:classes + 0.5]
set yrange [-0.5:classes - 0.5]
set cbrange [0:100]
set format x '%g'
set xtics scale 0 rotate by 40 right (across[1] 1)
set for [i = 2:classes] xtics add (across[i] i)
eval names('y', 'down')
set cbtics scale 0
set label 3 'predicted emotion' at screen x_of((left + right) / 2), screen 18.0 / H center
plot $cells using 1:2:($1 - 0.5):($1 + 0.5):($2 - 0.5):($2 + 0.5):4 \
        with boxxyerror fc palette fs solid border lc rgb 0x909090, \
    $cells using 1:($2 + ($3 > 0 ? 0.2 : 0)):(sprintf("%d", $3)):5 with labels tc rgb variable, \
    $cells using ($3 > 0 ? $1 : NaN):($2 - 0.2):(sprintf("%.0f %%", $4)):5 with labels tc rgb variable
