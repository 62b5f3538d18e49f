# CERTIFICATE.tsv...
# In words how many speakers the models of a study were trained on and judged by, and what the parts of its splits share, the
# most that any of them does, from its certificates (split, part, what, value).

BEGIN {
    program = "sum-certificates"
    if (ARGC < 2)
        usage("CERTIFICATE.tsv...")
}

FNR == 1 {
    need("part")
    need("what")
    need("value")
    next
}

# The larger of two counts, one of which may be unknown.
function most(a, b) {
    return a == "unknown" || b == "unknown" ? "unknown" : a + 0 > b + 0 ? a : b
}

function shown(count) {
    return (splits > 1 && count + 0 > 0 ? "up to " : "") count
}

$column["what"] == "speakers" {
    part = $column["part"]
    n = $column["value"] + 0
    if (!(part in fewest) || n < fewest[part])
        fewest[part] = n
    if (n > most_of[part])
        most_of[part] = n
}

function speakers_of(part) {
    return !most_of[part] ? "none" : (fewest[part] == most_of[part] ? "" : fewest[part] " to ") most_of[part]
}

$column["what"] == "shared.speakers" {
    splits++
    speakers = most(speakers, $column["value"])
}

$column["what"] == "shared.audio" {
    audio = most(audio, $column["value"])
}

END {
    print "speakers: trained on " speakers_of("train") ", validated on " speakers_of("val") ", tested on " speakers_of("test")
    print "splits: " splits "; in more than one part: " shown(speakers) " speakers, " shown(audio) " recordings"
}
