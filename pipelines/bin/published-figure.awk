# STUDY STAGE METRIC PUBLISHED.tsv
# What a study has reported of a stage, in per cent, as manifests/published.tsv has it.

BEGIN {
    program = "published-figure"
    if (ARGC != 5)
        usage("STUDY STAGE METRIC PUBLISHED.tsv")
    study = argument()
    stage = argument()
    metric = argument()
}

FNR == 1 {
    need("study")
    need("stage")
    need("metric")
    need("value_percent")
    next
}

$column["study"] == study && $column["stage"] == stage && $column["metric"] == metric {
    print $column["value_percent"]
    found = 1
    exit
}

END {
    if (!found)
        fail("no " metric " of " study ", " stage)
}
