# TABLE.tsv
# A table for people: its columns padded with blanks, those of numbers to the right.

BEGIN {
    program = "align-columns"
    if (ARGC != 2)
        usage("TABLE.tsv")
}

{
    for (i = 1; i <= NF; i++) {
        cell[NR, i] = $i
        if (characters($i) > width[i])
            width[i] = characters($i)
        if (NR > 1 && $i !~ /^-?[0-9]+(\.[0-9]+)?$/)
            has_text[i]
    }
    columns = NF
}

END {
    for (row = 1; row <= NR; row++) {
        line = ""
        for (i = 1; i <= columns; i++)
            if (i in has_text)
                line = line padded(cell[row, i], width[i]) "  "
            else
                line = line blanks(width[i] - characters(cell[row, i])) cell[row, i] "  "
        sub(/ +$/, "", line)
        print line
    }
}
