# folds|random OUT RUN MANIFEST.tsv HEARD
# In words what the figures of own.mk are worth, and what became of the recordings that are not in them.
# HEARD is the header of features (ser-tensor ls -H), and tables of what was not used of each (ser-tensor ls -c unheard_s).

BEGIN {
    program = "own-notes"
    if (ARGC != 6)
        usage("folds|random OUT RUN MANIFEST.tsv HEARD")
    protocol = argument()
    folder = argument()
    model = folder "/split/" argument() "/model.bin"
}

FILENAME == ARGV[5] {
    if (split($0, setting, "=") == 2)
        feature[setting[1]] = setting[2]
    if (!($1 in unheard_s))
        next
    unheard_s[$1] = $NF + 0 # of copies that were altered the original stands for all
    if (longest < $NF + 0)
        longest = $NF + 0
    next
}

FNR == 1 {
    need("id")
    need("speaker")
    need("emotion")
    next
}

{
    unheard_s[$column["id"]] = 0
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

# What was not heard. A frame more is FRAME_S seconds more.
function print_unheard(  id, all, longer, sum, frame_s) {
    for (id in unheard_s) {
        all++
        longer += unheard_s[id] > 0
        sum += unheard_s[id]
    }
    if (!longer)
        return
    frame_s = feature["feat.hop"] / feature["feat.rate_hz"]
    printf "%d of %d recordings %s longer than the %.2f s (%d frames) that are used of each; not heard: %.1f s in all. ", longer, \
        all, longer == 1 ? "is" : "are", feature["feat.frames"] * frame_s, feature["feat.frames"], sum
    print "FRAMES=" feature["feat.frames"] + int(longest / frame_s + 1) "\nhears them whole, as far as the network takes so many; tiny takes any number."
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
    print_unheard()
    print "Other recordings: ser-mfcc FILE... | ser-score " model
    print "As a page with pictures: ser-report " folder " > report.html"
}
