# VOICES SCORES.tsv [CONDITION.tsv...]
# What the models of a cross-validation come to under each condition: a row for their test part as it was recorded, from
# SCORES.tsv, and one for each CONDITION.tsv, which it is named by; scores in a folder NAME-vote are those of a vote. All are what ser-eval --tsv prints; figures are those of
# all utterances in per cent, with the interval over speakers. VOICES says what becomes of voices: plain, or speaker where each
# is normalised by its own recordings.

BEGIN {
    program = "conditions-table"
    if (ARGC < 3)
        usage("VOICES SCORES.tsv [CONDITION.tsv...]")
    voices = argument()
}

FNR == 1 {
    need("measure")
    need("class")
    need("value")
    next
}

$column["file"] == "pooled" && $column["class"] == "-" {
    figure[FILENAME, $column["measure"]] = $column["value"]
}

$column["file"] == "speaker" && $column["measure"] == "n" && !is_unknown($column["class"]) {
    speakers[FILENAME]++
}

function percent(file, measure) {
    return (file, measure) in figure ? sprintf("%.1f", 100 * figure[file, measure]) : "-"
}

function print_row(file, condition, known) {
    print condition, known, figure[file, "n"], speakers[file] + 0, percent(file, "wa"), percent(file, "ua"), \
        percent(file, "ua_low"), percent(file, "ua_high"), sprintf("%.3f", figure[file, "ece"])
}

END {
    print "condition", "voices", "n", "speakers", "WA", "UA", "UA_low", "UA_high", "ECE"
    for (i = 2; i < ARGC; i++) {
        name = ARGV[i]
        sub(/.*\//, "", name)
        sub(/\.tsv$/, "", name)
        if (i == 2)
            print_row(ARGV[i], "recorded", voices)
        else if (ARGV[i] ~ /-vote\/scores\.tsv$/)
            print_row(ARGV[i], "recorded, by vote", voices)
        else if (name ~ /^known[0-9]+$/)
            print_row(ARGV[i], "recorded", "known from " substr(name, 6))
        else
            print_row(ARGV[i], name, voices)
    }
}
