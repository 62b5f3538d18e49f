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
        if (length($i) > width[i])
            width[i] = length($i)
        if (NR > 1 && $i !~ /^-?[0-9]+(\.[0-9]+)?$/)
            has_text[i]
    }
    columns = NF
}

END {
    for (row = 1; row <= NR; row++) {
        line = ""
        for (i = 1; i <= columns; i++)
            line = line sprintf((i in has_text ? "%-" : "%") width[i] "s  ", cell[row, i])
        sub(/ +$/, "", line)
        print line
    }
}
