# PREDICTIONS.tsv...
# What several models say of the same recordings, as one table of predictions: the mean of their probabilities. A class
# that a model does not know has the probability 0 in it.

BEGIN {
    program = "average-predictions"
    if (ARGC < 2)
        usage("PREDICTIONS.tsv...")
    kept = split("id emotion speaker corpus sex", keep, " ")
}

FNR == 1 {
    files++
    for (i = 1; i <= kept; i++)
        need(keep[i])
    for (i = 1; i <= NF; i++)
        if ($i ~ /^p_/ && !($i in is_class)) {
            is_class[$i]
            class[++classes] = $i
        }
    next
}

{
    id = $column["id"]
    if (files == 1) {
        order[++rows] = id
        for (i = 1; i <= kept; i++)
            field[id, keep[i]] = $column[keep[i]]
    } else if (!((id, "id") in field))
        fail("row " FNR - 1 ": " ARGV[1] " has no row for '" id "'")
    for (i = 1; i <= classes; i++)
        if (class[i] in column)
            sum[id, class[i]] += $column[class[i]]
}

# By the bytes of their names, as everywhere.
function sort_classes(  i, j, text) {
    for (i = 2; i <= classes; i++)
        for (j = i; j > 1 && class[j] < class[j - 1]; j--) {
            text = class[j]
            class[j] = class[j - 1]
            class[j - 1] = text
        }
}

END {
    sort_classes()
    line = "id" OFS "emotion" OFS "predicted" OFS "confidence"
    for (i = 1; i <= classes; i++)
        line = line OFS class[i]
    print line, "speaker", "corpus", "sex"
    for (k = 1; k <= rows; k++) {
        id = order[k]
        best = 1
        line = ""
        for (i = 1; i <= classes; i++) {
            if (sum[id, class[i]] > sum[id, class[best]])
                best = i
            line = line OFS sprintf("%.9g", sum[id, class[i]] / files)
        }
        print id, field[id, "emotion"], substr(class[best], 3), sprintf("%.9g", sum[id, class[best]] / files) line, \
            field[id, "speaker"], field[id, "corpus"], field[id, "sex"]
    }
}
