# recall|loss|accuracy RANKING.tsv TRIALS.tsv RESULTS.tsv
# A search as one table, for ser-plot and ser-report: every result that counts, by trials and rungs, with the figure by
# which it was judged and what the trial has drawn. A result on a rung that its trial would not reach now, since there
# are more trials than there were, does not count.

BEGIN {
    program = "search-table"
    if (ARGC != 5)
        usage("recall|loss|accuracy RANKING.tsv TRIALS.tsv RESULTS.tsv")
    by = argument()
}

FNR == 1 {
    table++
    need("trial")
}

# Ranked trials have their highest rung.
FNR > 1 && table == 1 {
    highest[$column["trial"]] = $column["rung"]
}

table == 2 {
    text = ""
    for (i = column["seed"] + 1; i <= NF; i++)
        text = text OFS $i
    drawn[FNR == 1 ? "head" : $column["trial"]] = text
}

table == 3 && FNR == 1 {
    print "trial", "rung", "epochs", "space", "seed", "by", "val_loss", "val_accuracy", "val_recall" drawn["head"]
}

table == 3 && FNR > 1 {
    trial = $column["trial"]
    if (trial in highest && $column["rung"] <= highest[trial])
        print trial, $column["rung"], $column["epochs"], $column["space"], $column["seed"], by, $column["val_loss"],
            $column["val_accuracy"], $column["val_recall"] drawn[trial]
}
