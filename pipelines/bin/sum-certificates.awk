# CERTIFICATE.tsv...
# In words what parts share in the splits of a study, the most that any of them does, from its certificates (split, part, what, value).

BEGIN {
    program = "sum-certificates"
    if (ARGC < 2)
        usage("CERTIFICATE.tsv...")
}

FNR == 1 {
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

$column["what"] == "shared.speakers" {
    splits++
    speakers = most(speakers, $column["value"])
}

$column["what"] == "shared.audio" {
    audio = most(audio, $column["value"])
}

END {
    print "splits: " splits "; in more than one part: " shown(speakers) " speakers, " shown(audio) " recordings"
}
