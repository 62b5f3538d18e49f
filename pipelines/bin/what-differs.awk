# "NAME..." THERE NOW
# Two lists of options, in each of which names stand before their values in the given order: what differs, in words.

BEGIN {
    program = "what-differs"
    if (ARGC != 4)
        usage("\"NAME...\" THERE NOW")
    names = split(argument(), name, " ")
    take(argument(), there)
    take(argument(), now)
    for (i = 1; i <= names; i++)
        if (there[name[i]] != now[name[i]]) {
            printf "%s%s is%s there,%s now", told ? "; " : "", name[i], shown(there[name[i]]), shown(now[name[i]])
            told = 1
        }
    print ""
    exit
}

function take(text, value,  word, n, i, at, k) {
    n = split(text, word, " ")
    for (i = 1; i <= n; i++) {
        sub(/;$/, "", word[i])
        for (k = at + 1; k <= names && name[k] != word[i]; k++)
            ;
        if (k <= names)
            at = k
        else if (word[i] != "")
            value[name[at]] = value[name[at]] " " word[i]
    }
}

function shown(value) {
    return value == "" ? " nothing" : value
}
