# ser-eval --tsv PREDICTIONS.tsv | ... STAGE DATA NET PROTOCOL NOTEBOOK GENERATED PREDICTIONS.tsv -
# One row of a study's table, with its header: what is named, as it stands, and the scores.

BEGIN {
    program = "stage-row"
    if (ARGC != 9)
        usage("STAGE DATA NET PROTOCOL NOTEBOOK GENERATED PREDICTIONS.tsv SCORES.tsv")
    before = argument() OFS argument() OFS argument() OFS argument()
    after = argument() OFS argument()
}

FNR == 1 {
    if (FILENAME == ARGV[7])
        need("speaker")
    next
}

FILENAME == ARGV[7] {
    speakers += !($column["speaker"] in seen)
    seen[$column["speaker"]]
    next
}

$column["file"] == "pooled" {
    score[$column["measure"]] = $column["value"]
}

END {
    if (!("wa" in score))
        fail("no scores")
    print "stage", "data", "net", "protocol", "n", "speakers", "WA", "UA", "macro-F1", "notebook", "generated"
    printf "%s\t%d\t%d\t%.1f\t%.1f\t%.1f\t%s\n", before, score["n"], speakers, 100 * score["wa"], \
        100 * score["ua"], 100 * score["macro_f1"], after
}
