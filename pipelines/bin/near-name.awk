# WORD NAME...
# The name that is nearest to a mistyped word, if one is near: letters to leave out, put in or exchange, which also counts
# two neighbours that changed places as one, are at most a third of it. Levenshtein 1966, Damerau 1964.

BEGIN {
    program = "near-name"
    if (ARGC < 3)
        usage("WORD NAME...")
    word = argument()
    names = ARGC - 2
    for (i = 1; i <= names; i++) {
        name = argument()
        distance = edits(toupper(word), name)
        if (near == "" || distance < least) {
            near = name
            least = distance
        }
    }
    if (3 * least <= length(near))
        print near
    exit
}

function smaller(a, b) {
    return a < b ? a : b
}

function edits(a, b,  d, i, j, same) {
    for (i = 0; i <= length(a); i++)
        for (j = 0; j <= length(b); j++) {
            if (!i || !j) {
                d[i, j] = i + j
                continue
            }
            same = substr(a, i, 1) == substr(b, j, 1)
            d[i, j] = smaller(d[i - 1, j - 1] + !same, smaller(d[i - 1, j], d[i, j - 1]) + 1)
            if (i > 1 && j > 1 && substr(a, i, 1) == substr(b, j - 1, 1) && substr(a, i - 1, 1) == substr(b, j, 1))
                d[i, j] = smaller(d[i, j], d[i - 2, j - 2] + 1)
        }
    return d[length(a), length(b)]
}
