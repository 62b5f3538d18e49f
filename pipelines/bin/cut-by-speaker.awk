# FOLDER "SPEAKER..." MANIFEST.tsv
# What cut-by-speaker makes of a table, as FOLDER/SPEAKER.PART.tsv.new, or FOLDER/SPEAKER.tsv.new where there are no parts,
# a speaker being a word as file_word makes it.

BEGIN {
    program = "cut-by-speaker"
    if (ARGC != 4)
        usage("FOLDER \"SPEAKER...\" MANIFEST.tsv")
    folder = argument()
    speakers = split(argument(), speaker, " ")
    for (i = 1; i <= speakers; i++)
        known[speaker[i]]
}

FNR == 1 {
    need("speaker")
    parts = "part" in column ? split(".train .val .test", part, " ") : 1
    header = $0
    next
}

{
    s = file_word($column["speaker"])
    p = parts > 1 ? "." $column["part"] : ""
    # Both become the name of a file.
    if (!(s in known))
        fail("row " FNR - 1 ": unknown speaker '" s "'")
    if (parts > 1 && p !~ /^\.(train|val|test)$/)
        fail("row " FNR - 1 ": the part '" substr(p, 2) "' is not train, val or test")
    rows[s p] = rows[s p] $0 "\n"
}

END {
    if (!NR)
        fail("empty input")
    for (i = 1; i <= speakers; i++)
        for (j = 1; j <= parts; j++) {
            name = speaker[i] part[j]
            file = folder "/" name ".tsv.new"
            printf "%s", name in rows ? header "\n" rows[name] : "" > file
            if (close(file))
                exit 4
        }
}
