# CORPUS FOLDS.tsv MANIFEST.tsv
# The parts of a study that is trained on one corpus of a manifest and tested on the others, as a table
# (speaker, part): of the corpus's own speakers, those of its first fold that has any validate, the rest train.

BEGIN {
    program = "pair-parts"
    if (ARGC != 4)
        usage("CORPUS FOLDS.tsv MANIFEST.tsv")
    trained_on = argument()
}

FNR == 1 {
    need("speaker")
    need(FILENAME == ARGV[2] ? "fold" : "corpus")
    if (FILENAME == ARGV[2] && "part" in column)
        fail("each fold names its own parts: between corpora, a table of speaker and fold alone is needed")
    next
}

FILENAME == ARGV[2] {
    fold[$column["speaker"]] = $column["fold"]
    next
}

!($column["speaker"] in own) {
    s = speaker[++speakers] = $column["speaker"]
    own[s] = $column["corpus"] == trained_on
    if (own[s] && !(s in fold))
        fail("row " FNR - 1 ": the speaker " s " is in no fold of " ARGV[2])
    if (own[s] && (!first || fold[s] < first))
        first = fold[s] + 0
}

END {
    print "speaker", "part"
    for (i = 1; i <= speakers; i++) {
        s = speaker[i]
        print s, (!own[s] ? "test" : fold[s] == first ? "val" : "train")
    }
}
