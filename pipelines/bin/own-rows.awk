# labelled|unlabelled folds|random MANIFEST.tsv
# The rows of a manifest with an emotion, and where they are divided by speakers with a known one; or those without.

BEGIN {
    program = "own-rows"
    if (ARGC != 4)
        usage("labelled|unlabelled folds|random MANIFEST.tsv")
    wanted = argument()
    protocol = argument()
}

FNR == 1 {
    need("speaker")
    need("emotion")
    print
    next
}

is_unknown($column["emotion"]) {
    if (wanted == "unlabelled")
        print
    next
}

wanted == "labelled" && (protocol == "random" || !is_unknown($column["speaker"]))
