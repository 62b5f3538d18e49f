# STUDY.FORM.tsv...
# The rows of several studies, as conditions-table makes them, side by side: a row for each study and condition, and a
# column for each way of treating voices: as they are, normalised by speaker, known from few recordings. What stands there is
# the unweighted recall in per cent, with its interval of 95 % over speakers. Where two forms have the same column the last
# that has the row counts.

BEGIN {
    program = "generality-table"
    if (ARGC < 2)
        usage("STUDY.FORM.tsv...")
}

FNR == 1 {
    need("condition")
    need("voices")
    need("UA")
    study = FILENAME
    sub(/.*\//, "", study)
    sub(/\..*/, "", study)
    next
}

{
    row = study OFS $column["condition"]
    voices = $column["voices"]
    if (!(row in speakers))
        row_of[++rows] = row
    speakers[row] = $column["speakers"]
    if (!(voices in is_column))
        column_of[++columns] = voices
    is_column[voices]
    cell[row, voices] = $column["UA"] ($column["UA_low"] == "-" ? "" : " (" $column["UA_low"] " to " $column["UA_high"] ")")
}

END {
    line = "study" OFS "condition" OFS "speakers"
    for (i = 1; i <= columns; i++)
        line = line OFS column_of[i]
    print line
    for (r = 1; r <= rows; r++) {
        line = row_of[r] OFS speakers[row_of[r]]
        for (i = 1; i <= columns; i++)
            line = line OFS ((row_of[r], column_of[i]) in cell ? cell[row_of[r], column_of[i]] : "-")
        print line
    }
}
