# MANIFEST.tsv FOLDS.tsv
# Which folds of a table (speaker, fold) can be tested with a manifest, for make to read: FOLD, those with a
# speaker in the manifest, and LEFT_OUT, in words: the others, and all speakers without a row. Where the table has
# the column part, too, a fold is tested on the speakers whose part is test.

BEGIN {
    program = "testable-folds"
    if (ARGC != 3)
        usage("MANIFEST.tsv FOLDS.tsv")
}

FNR == 1 {
    need("speaker")
    if (FILENAME == ARGV[2])
        need("fold")
    next
}

FILENAME == ARGV[1] {
    present[$column["speaker"]]
    next
}

# Make reads the names that are printed below, and hands them to a shell.
$column["speaker"] !~ /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/ {
    fail("row " FNR - 1 ": '" $column["speaker"] "' is not a speaker's name of letters, digits and _ . -")
}

$column["fold"] !~ /^[1-9][0-9]*$/ || $column["fold"] > 1000 {
    fail("row " FNR - 1 ": '" $column["fold"] "' is not a fold from 1 to 1000")
}

{
    fold = $column["fold"] + 0
    if (fold > folds)
        folds = fold
    if (!($column["speaker"] in present)) {
        if (!told[$column["speaker"]]++)
            absent = absent " " $column["speaker"]
    } else if (!("part" in column) || $column["part"] == "test") {
        tested[fold]
    }
}

END {
    for (i = 1; i <= folds; i++)
        if (i in tested)
            list = list " " i
        else
            none = none " " i
    print "FOLD =" list
    if (absent != "")
        print "LEFT_OUT =" (none != "" ? " folds without a speaker:" none ";" : "") " speakers without a recording:" absent
}
