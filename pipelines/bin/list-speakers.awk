# COUNTS.tsv
# Each speaker of manifests/counts.tsv as CORPUS/SPEAKER, for make; CORPUS/- stands for a whole corpus.

BEGIN {
    program = "list-speakers"
    if (ARGC != 2)
        usage("COUNTS.tsv")
}

FNR > 1 {
    print $column["corpus"] "/" $column["speaker"]
}
