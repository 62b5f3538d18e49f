# CERTIFICATE.tsv...
# In words what parts share in all splits of a study, from its certificates (split, part, what, value).

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

$column["what"] == "shared.speakers" {
    splits++
    speakers = $column["value"] == "unknown" || speakers == "unknown" ? "unknown" : speakers + $column["value"]
}

$column["what"] == "shared.audio" {
    audio = $column["value"] == "unknown" || audio == "unknown" ? "unknown" : audio + $column["value"]
}

END {
    print "splits: " splits "; in more than one part: " speakers " speakers, " audio " recordings"
}
