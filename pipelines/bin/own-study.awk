# FOLDS MANIFEST.tsv [FOLDS.tsv]
# What own.mk has to know of a manifest before it can say what there is to make, for make to read: the speakers, as the
# names of their files; whether recordings are divided by speakers or at random; which folds, at most FOLDS of them or
# those of a table; how many recordings have no label; and a network for so many. Folds need three known speakers.

BEGIN {
    program = "own-study"
    if (ARGC != 3 && ARGC != 4)
        usage("FOLDS MANIFEST.tsv [FOLDS.tsv]")
    folds = argument()
}

FNR == 1 {
    need("speaker")
    if (FILENAME == ARGV[3])
        need("fold")
    else
        need("emotion")
    next
}

FILENAME == ARGV[3] {
    if ($column["fold"] !~ /^[1-9][0-9]*$/ || $column["fold"] > 1000)
        fail("row " FNR - 1 ": '" $column["fold"] "' is not a fold from 1 to 1000")
    if ($column["speaker"] in seen)
        tested[$column["fold"] + 0]
    next
}

is_unknown($column["emotion"]) {
    unlabelled++
    next
}

{
    labelled++
    labels += !($column["emotion"] in is_label)
    is_label[only = $column["emotion"]]
    s = $column["speaker"]
    if (s in seen)
        next
    seen[s]
    known += !is_unknown(s)
    names = names " " file_word(s)
}

END {
    if (!labelled)
        fail("no recording has a label", ARGV[2])
    if (labels < 2)
        fail("all recordings with a label have the same one, '" only "', and there is nothing to tell apart: LABEL_FROM= " \
            "or the column emotion of a table says where labels are, CORPUS=auto reads a corpus that ser-manifest knows", ARGV[2])
    if (ARGC == 4) {
        for (i = 1; i <= 1000; i++)
            if (i in tested)
                list = list " " i
    } else if (known >= 3) {
        for (i = 1; i <= known && i <= folds; i++)
            list = list " " i
    }
    print "SPEAKERS_own =" names
    print "OWN_SPLIT = " (list == "" ? "random" : "folds")
    print "FOLD =" list
    print "OWN_NET = " (labelled < 1000 ? "tiny" : "attention")
    print "UNLABELLED = " unlabelled + 0
}
