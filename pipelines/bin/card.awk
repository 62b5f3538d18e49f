# SEEDS MANIFESTS MANIFEST.tsv CERTIFICATE.tsv GROUPS.tsv CONDITIONS.tsv CALIBRATION.tsv
# The lines of a model's card that follow from what was measured: its data with their licences, its scores, its calibration.
# MANIFESTS is the folder of descriptions, CORPUS.corpus; MANIFEST.tsv what the model was trained on; CERTIFICATE.tsv that of
# the splits of the cross-validation, GROUPS.tsv its figures by sex and corpus (score-groups), CONDITIONS.tsv those under each
# condition.

BEGIN {
    program = "card"
    if (ARGC != 8)
        usage("SEEDS MANIFESTS MANIFEST.tsv CERTIFICATE.tsv GROUPS.tsv CONDITIONS.tsv CALIBRATION.tsv")
    seeds = argument()
    manifests = argument()
}

FNR == 1 {
    file++
    next
}

# ---- what is read ----

file == 1 {
    corpus = $column["corpus"]
    if (!(corpus in clips))
        name_of[++corpora] = corpus
    clips[corpus]++
    voices[corpus] += !((corpus, $column["speaker"]) in seen)
    seen[corpus, $column["speaker"]]
    if (!($column["emotion"] in is_emotion))
        emotion[++emotions] = $column["emotion"]
    is_emotion[$column["emotion"]]
}

file == 2 && $column["part"] == "train" && $column["what"] == "speakers" {
    n = $column["value"] + 0
    if (!fewest || n < fewest)
        fewest = n
    if (n > most)
        most = n
}

file == 3 {
    kind = $column["kind"]
    group_of[kind, ++groups[kind]] = $column["group"] ": UA " per_cent($column["ua"]) " %" ($column["ua_low"] == "-" ? "" : " (" \
        per_cent($column["ua_low"]) " to " per_cent($column["ua_high"]) ")") ", " $column["n"] " predictions"
}

file == 4 {
    conditions++
    for (name in column)
        cell[conditions, name] = $column[name]
}

file == 5 {
    measured[$1] = $2
}

# ---- what is said ----

# What the description of a corpus says of key.
function described(corpus, key,  line, value, from) {
    from = manifests "/" corpus ".corpus"
    while ((getline line <from) > 0)
        if (index(line, key " ") == 1 && value == "")
            value = substr(line, length(key) + 2)
    close(from)
    return value
}

function say(key, value) {
    print key " " value
}

function say_data(  i, c, licence, title, terms, all, n) {
    for (i = 1; i <= corpora; i++) {
        c = name_of[i]
        title = described(c, "title")
        licence = described(c, "licence")
        if (licence == "")
            licence = "licence not known here"
        data[i] = (title == "" ? c : title) ", " clips[c] " recordings of " voices[c] " speakers; " licence \
            (described(c, "citation") == "" ? "" : "; " described(c, "citation"))
        if (licence !~ /^CC0/ && !(licence in terms)) {
            terms[licence]
            all = all (n++ ? " and " : "") licence
        }
    }
    say("licence", all == "" ? "CC0 1.0" : all (n == 1 && all ~ /NC/ ? " (that of its data: no commercial use)" : ""))
    for (i = 1; i <= corpora; i++)
        say("data", data[i])
}

function per_cent(share) {
    return sprintf("%.1f", 100 * share)
}

function figures(i) {
    return "UA " cell[i, "UA"] " %" (cell[i, "UA_low"] == "-" ? "" : " (" cell[i, "UA_low"] " to " cell[i, "UA_high"] ")") \
        ", WA " cell[i, "WA"] " %"
}

# How far probabilities are what comes true, where that is not the line "calibration".
function calibrated(i) {
    return ", calibration error " cell[i, "ECE"]
}

function voices_of(i) {
    return cell[i, "voices"] == "plain" ? "" : cell[i, "voices"] == "speaker" ? ", normalised by speaker" : ", voices " cell[i, "voices"] (cell[i, "voices"] ~ / 1$/ ? " recording" : " recordings")
}

function say_groups(kind,  i, text) {
    for (i = 1; i <= groups[kind]; i++)
        text = text (i > 1 ? "; " : "") group_of[kind, i]
    if (groups[kind] > 1)
        say("detail", "by " kind ": " text)
}

END {
    for (i = 1; i <= emotions; i++) # by their bytes
        for (k = i; k > 1 && emotion[k] < emotion[k - 1]; k--) {
            text = emotion[k]
            emotion[k] = emotion[k - 1]
            emotion[k - 1] = text
        }
    all = emotion[1]
    for (i = 2; i <= emotions; i++)
        all = all " " emotion[i]
    say("classes", all)
    say_data()
    say("protocol", "scores are those of models trained the same way on the other speakers (" (fewest == most ? most : fewest " to " most) \
        " of them), seeds " seeds ", tested on voices that they have not heard; the interval of 95 % is over the speakers. This model is trained on all")
    for (i = 1; i <= conditions; i++)
        if (cell[i, "condition"] == "recorded")
            say(i == 1 ? "score" : "detail", figures(i) ", " cell[i, "speakers"] " unheard speakers" voices_of(i))
        else
            say("detail", cell[i, "condition"] ": " figures(i) calibrated(i) voices_of(i))
    say_groups("sex")
    say_groups("corpus")
    say("calibration", sprintf("expected calibration error %.3f on unheard speakers%s, with the temperature %.3g; without %.3f", measured["ece"], \
        measured["splits"] > 1 ? ", each fold with the temperature that the others give" : ", on which the temperature was fitted", \
        measured["temperature"], measured["ece_as_trained"]))
    say("not-for", "decisions about people: work, school, police, insurance, health. It heard actors in studios; it does not know what anybody feels")
}
