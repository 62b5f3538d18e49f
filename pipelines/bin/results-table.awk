# STUDY PROTOCOL NET FOLDER RUN...
# The closing table of a pipeline: a row for each run, their mean and deviation. Read are FOLDER/scores.tsv
# (ser-eval --tsv over the predictions of all runs) and FOLDER/split/RUN/predictions.tsv.
#
# STUDY is empty, or the folder of a study that judges several runs together. Then its scores.tsv is read, and there
# are more rows. Where runs are of several splits and there is STUDY/seed.N.tsv, the figures of all utterances of a
# seed, and their deviation over seeds; then those of all runs, and the ends of their 95 % intervals, for which
# ser-eval draws speakers.

BEGIN {
    program = "results-table"
    if (ARGC < 6)
        usage("STUDY PROTOCOL NET FOLDER RUN...")
    study = argument()
    protocol = argument()
    net = argument()
    folder = argument()
    runs = ARGC - 5
    for (i = 1; i <= runs; i++)
        add_run(run[i] = argument())
    scores = add_table((study == "" ? folder : study) "/scores.tsv")
    if (study != "" && splits > 1)
        add_seeds()
}

# ---- what is read ----

function add_table(file) {
    return ARGV[ARGC++] = file
}

# SPLIT/NAME.SEED
function add_run(name,  part) {
    predictions[name] = add_table(folder "/split/" name "/predictions.tsv")
    run_of[predictions[name]] = name
    split(name, part, "/")
    split_of[name] = part[1]
    splits += !(part[1] in is_split)
    is_split[part[1]]
    sub(/.*\./, "", part[2])
    seed_of[name] = part[2]
}

# The seeds of all runs in order, but those that have no scores.
function add_seeds(  i, next_seed, before, file, line) {
    for (before = -1; ; before = next_seed) {
        next_seed = ""
        for (i = 1; i <= runs; i++)
            if (seed_of[run[i]] + 0 > before && (next_seed == "" || seed_of[run[i]] + 0 < next_seed))
                next_seed = seed_of[run[i]] + 0
        if (next_seed == "")
            return
        file = study "/seed." next_seed ".tsv"
        if ((getline line < file) >= 0) {
            seed[++seeds] = next_seed
            label_of[add_table(file)] = "seed " next_seed
        }
        close(file)
    }
}

FNR == 1 {
    need(FILENAME in run_of ? "speaker" : "value")
    next
}

FILENAME in run_of {
    name = run_of[FILENAME]
    if (!is_unknown($column["speaker"]))
        speakers[name] += !((name, $column["speaker"]) in seen)
    seen[name, $column["speaker"]]
    next
}

FILENAME == scores && $column["file"] == "speaker" && $column["measure"] == "n" {
    everyone += !is_unknown($column["class"])
}

FILENAME == scores && $column["class"] == "-" {
    figure[$column["file"], $column["measure"]] = $column["value"]
}

FILENAME in label_of && $column["class"] == "-" && $column["file"] == "pooled" {
    figure[label_of[FILENAME], $column["measure"]] = $column["value"]
}

# ---- what is printed ----

function print_row(label, where, net_name, number, wa, ua, macro_f1, n, who) {
    printf "%s %s %s %5s  %6s  %6s  %8s  %6s  %8s\n", padded(label, 10), padded(where, 17), padded(net_name, 12), \
        number, wa, ua, macro_f1, n, who
}

function shown(of, measure) {
    if ((of, measure) in figure)
        return sprintf("%.4f", figure[of, measure])
    return "n/a"
}

# The figures of a file of the scores; end is _low or _high of an interval.
function print_figures(label, where, net_name, number, of, who, end,  n) {
    n = end == "" && (of, "n") in figure ? figure[of, "n"] : ""
    print_row(label, where, net_name, number, shown(of, "wa" end), shown(of, "ua" end), shown(of, "macro_f1" end), n, who)
}

function deviation_of_seeds(measure,  i, mean, sum) {
    for (i = 1; i <= seeds; i++)
        mean += figure["seed " seed[i], measure] / seeds
    for (i = 1; i <= seeds; i++)
        sum += (figure["seed " seed[i], measure] - mean) ^ 2
    figure["seeds", measure] = sqrt(sum / (seeds - 1))
}

# So many speakers; - if none is known.
function known(n) {
    return n ? n : "-"
}

function print_study() {
    for (i = 1; i <= seeds; i++)
        print_figures("seed", all, net, seed[i], "seed " seed[i], known(everyone))
    if (seeds > 1) {
        deviation_of_seeds("wa")
        deviation_of_seeds("ua")
        deviation_of_seeds("macro_f1")
        print_figures("deviation", "of seeds", "", "", "seeds")
    }
    print_figures("pooled", all, net, "", "pooled", known(everyone))
    print_figures("95 % from", all, "", "", "pooled", "", "_low")
    print_figures("95 % to", all, "", "", "pooled", "", "_high")
}

END {
    for (i = 1; i <= runs; i++)
        if (!((predictions[run[i]], "wa") in figure))
            fail("no scores of " run[i], scores)
    print_row("protocol", "split", "net", "seed", "WA", "UA", "macro-F1", "n", "speakers")
    for (i = 1; i <= runs; i++)
        print_figures(protocol, split_of[run[i]], net, seed_of[run[i]], predictions[run[i]], known(speakers[run[i]]))
    if (study != "")
        all = splits > 1 ? "all" : split_of[run[1]]
    if (runs > 1) {
        print_figures("mean", all, "", "", "mean")
        print_figures("deviation", all, "", "", "deviation")
    }
    if (study != "")
        print_study()
}
