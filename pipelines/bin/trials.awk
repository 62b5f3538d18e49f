# TRIALS.tsv
# The trials of a search, as ser-tune draws them, for make to read: TRIAL, their numbers; of each trial T.train, T.net
# and T.fill (NAME=VALUE for what stands in braces in a network's file), and T.data, the number of its combination of
# features and augmentation, of which D.features and D.augment are the options and DATA the numbers. Combinations count
# in the order of trials, so that more trials leave the numbers of the others.

BEGIN {
    program = "trials"
    if (ARGC != 2)
        usage("TRIALS.tsv")
}

FNR == 1 {
    need("trial")
    for (i = column["seed"] + 1; i <= NF; i++)
        name[i] = $i
    columns = NF
    next
}

{
    split("", line)
    for (i = column["seed"] + 1; i <= columns; i++) {
        if ($i == "-")
            continue
        if (name[i] == "NET")
            line["net"] = $i
        else if (name[i] ~ /^net\./)
            line["fill"] = line["fill"] " " substr(name[i], 5) "=" $i
        else if (name[i] ~ /^(features|augment)\./)
            {
            step = substr(name[i], 1, index(name[i], ".") - 1)
            line[step] = line[step] " --" substr(name[i], length(step) + 2) "=" $i
        }
        else
            line["train"] = line["train"] " --" name[i] "=" $i
    }
    data = line["features"] "|" line["augment"]
    if (!(data in number)) {
        number[data] = ++combinations
        print "D" combinations ".features =" line["features"]
        print "D" combinations ".augment =" line["augment"]
    }
    t = $column["trial"]
    print t ".net = " line["net"]
    print t ".fill =" line["fill"]
    print t ".train =" line["train"]
    print t ".data = " number[data]
    list = list " " t
}

END {
    print "TRIAL =" list
    for (i = 1; i <= combinations; i++)
        data_list = data_list " " i
    print "DATA =" data_list
}
