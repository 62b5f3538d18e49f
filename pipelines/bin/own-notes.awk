# folds|random OUT RUN MANIFEST.tsv
# In words what the figures of own.mk are worth, and what became of the recordings that are not in them.

BEGIN {
    program = "own-notes"
    if (ARGC != 5)
        usage("folds|random OUT RUN MANIFEST.tsv")
    protocol = argument()
    folder = argument()
    model = folder "/split/" argument() "/model.bin"
}

FNR == 1 {
    need("speaker")
    need("emotion")
    next
}

is_unknown($column["emotion"]) {
    unlabelled++
    next
}

is_unknown($column["speaker"]) {
    nobodys++
    next
}

{
    speakers += !($column["speaker"] in seen)
    seen[$column["speaker"]]
}

function counted(n, one, many) {
    return n " " (n == 1 ? one : many)
}

END {
    print ""
    if (protocol == "random") {
        who = speakers ? counted(speakers, "speaker is", "speakers are") : "No speaker is"
        print who " known, and three are needed to train, validate and test on different ones: recordings were"
        print "divided at random. The figures tell how well these voices are recognised; of a voice that was never"
        print "heard expect much less. Runs share recordings, so their deviation says little; there is no interval to trust."
        if (!speakers)
            print "SPEAKER_FROM= or the column speaker of a table tells who speaks."
    } else {
        print "Every speaker was tested by a model that never heard them. The interval says how far the pooled figures may"
        print "be off for other speakers like these " speakers ", and is drawn from them" (speakers < 10 ? ": from fewer than ten it is a rough guess," : ".")
        if (speakers < 10)
            print "most often too narrow."
        if (nobodys)
            print "Left out, since they may be of a speaker who is tested: " counted(nobodys, "recording", "recordings") \
                " of unknown speakers."
    }
    if (unlabelled)
        print counted(unlabelled, "recording has", "recordings have") " no label; what the models together say of them: " folder "/predictions.tsv"
    print "Other recordings: ser-mfcc FILE... | ser-score " model
}
