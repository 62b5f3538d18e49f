# EMOTION,... MANIFEST.tsv
# The rows of a manifest that have other emotions.

BEGIN {
    program = "drop-emotions"
    if (ARGC != 3)
        usage("EMOTION,... MANIFEST.tsv")
    n = split(argument(), emotion, ",")
    for (i = 1; i <= n; i++)
        dropped[emotion[i]]
}

FNR == 1 {
    need("emotion")
    print
    next
}

{ seen[$column["emotion"]] }

!($column["emotion"] in dropped)

# A word that was misspelt would drop nothing, and nobody would know.
END {
    for (word in dropped)
        if (!(word in seen))
            print "drop-emotions: no row has the emotion '" word "'" >"/dev/stderr"
}
