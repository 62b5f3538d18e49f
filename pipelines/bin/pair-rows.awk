# CORPUS CORPUS MANIFEST.tsv MANIFEST.tsv
# The rows of two corpora of a manifest with the emotions that occur in both. The manifest is named twice, as it
# is read twice: which emotions there are is known at its end.

BEGIN {
    program = "pair-rows"
    if (ARGC != 5)
        usage("CORPUS CORPUS MANIFEST.tsv MANIFEST.tsv")
    first = argument()
    second = argument()
}

FNR == 1 {
    need("corpus")
    need("emotion")
    if (NR > 1)
        print
    next
}

{
    corpus = $column["corpus"]
    emotion = $column["emotion"]
}

NR == FNR {
    occurs[corpus, emotion]
    next
}

(corpus == first || corpus == second) && (first, emotion) in occurs && (second, emotion) in occurs
