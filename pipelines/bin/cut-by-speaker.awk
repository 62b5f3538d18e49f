# FOLDER "SPEAKER..." SPLIT.tsv
# What cut-by-speaker makes of a table, as FOLDER/SPEAKER.PART.tsv.new, a speaker being a word as file_word makes it.

BEGIN {
    program = "cut-by-speaker"
    if (ARGC != 4)
        usage("FOLDER \"SPEAKER...\" SPLIT.tsv")
    folder = argument()
    speakers = split(argument(), speaker, " ")
    for (i = 1; i <= speakers; i++)
        known[speaker[i]]
    parts = split("train val test", part, " ")
}

FNR == 1 {
    need("speaker")
    need("part")
    header = $0
    next
}

{
    s = file_word($column["speaker"])
    p = $column["part"]
    # Both become the name of a file.
    if (!(s in known))
        fail("row " FNR - 1 ": unknown speaker '" s "'")
    if (p !~ /^(train|val|test)$/)
        fail("row " FNR - 1 ": the part '" p "' is not train, val or test")
    rows[s "." p] = rows[s "." p] $0 "\n"
}

END {
    if (!NR)
        fail("empty input")
    for (i = 1; i <= speakers; i++)
        for (j = 1; j <= parts; j++) {
            name = speaker[i] "." part[j]
            file = folder "/" name ".tsv.new"
            printf "%s", name in rows ? header "\n" rows[name] : "" > file
            if (close(file))
                exit 4
        }
}
