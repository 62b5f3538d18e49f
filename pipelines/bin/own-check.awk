# SPLIT/manifest.tsv...
# Whether each label that a split validates or tests is in its training part. Else says of which speakers it is, and what
# can be done: a network does not learn what it has never seen.

BEGIN {
    program = "own-check"
    if (ARGC < 2)
        usage("SPLIT/manifest.tsv...")
}

FNR == 1 {
    need("emotion")
    need("speaker")
    need("part")
    folders = split(FILENAME, folder, "/")
    split_name = folder[folders - 1]
    splits[++files] = split_name
    next
}

{
    label = $column["emotion"]
    if (!(label in rows))
        order[++labels] = label
    rows[label] += files == 1
    has[split_name, label, $column["part"] == "train"]
    if (!is_unknown($column["speaker"]) && !((label, $column["speaker"]) in seen)) {
        seen[label, $column["speaker"]]
        speakers[label]++
        names[label] = names[label] (names[label] == "" ? "" : ", ") $column["speaker"]
    }
}

# The first split whose training part lacks the label; "" if none does.
function lacking(label,  i) {
    for (i = 1; i <= files; i++)
        if (((splits[i], label, 0) in has) && !((splits[i], label, 1) in has))
            return splits[i]
    return ""
}

END {
    for (i = 1; i <= labels; i++) {
        label = order[i]
        where = lacking(label)
        if (where == "")
            continue
        who = speakers[label] == 1 ? ", all of the speaker " names[label] : \
            speakers[label] ? ", of the speakers " names[label] : ""
        print "the label '" label "' is on " rows[label] " recording" (rows[label] == 1 ? "" : "s") who \
            "; in the split " where " none of these is left to train on: MAP='" label "=OTHER' gives it the name of another, " \
            "DROP='" label "' leaves it out, or add recordings of it" (speakers[label] == 1 ? " by other speakers" : "") > "/dev/stderr"
        failed = 3
    }
    if (failed)
        exit failed
}
