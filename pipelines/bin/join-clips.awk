# CLIPS MANIFEST.tsv
# What join-clips joins: a line for each clip, speaker, emotion, path, corpus, sex, and 1 where a run of clips begins, 2
# where a round of runs does, else 0.
# Of each speaker that is known, clips of one emotion follow each other in runs of CLIPS; what is left over is in no
# run. Emotions come in turn, in another order each time, which depends on the speaker's name alone. Where the
# manifest has parts, only the test part is taken.

BEGIN {
    program = "join-clips"
    if (ARGC != 3)
        usage("CLIPS MANIFEST.tsv")
    clips = argument()
    for (i = 1; i < 256; i++)
        code[sprintf("%c", i)] = i
}

FNR == 1 {
    need("speaker")
    need("emotion")
    need("path")
    next
}

is_unknown($column["speaker"]) || is_unknown($column["emotion"]) || "part" in column && $column["part"] != "test" {
    next
}

{
    s = $column["speaker"]
    e = $column["emotion"]
    if (!(s in rows))
        speaker[++speakers] = s
    if (!(s SUBSEP e in taken))
        emotion[s, ++emotions[s]] = e
    path[s, e, ++taken[s, e]] = $column["path"]
    rows[s] = ("corpus" in column ? $column["corpus"] : "-") FS ("sex" in column ? $column["sex"] : "-")
}

# Park and Miller's generator: whole numbers below 2^53, which every awk has.
function seed(text,  i) {
    state = 1
    for (i = 1; i <= length(text); i++)
        state = (state * 31 + code[substr(text, i, 1)]) % 2147483647
}

function draw(n) {
    state = (state * 16807 + 1) % 2147483647
    return int(state / 2147483647 * n) + 1
}

# The emotions that have a run for this round, in an order drawn; the one that is heard already does not come first.
function shuffle(s, round,  i, k, swap) {
    n = 0
    for (i = 1; i <= emotions[s]; i++)
        if (round * clips <= taken[s, emotion[s, i]])
            order[++n] = emotion[s, i]
    for (i = n; i > 1; i--) {
        k = draw(i)
        swap = order[i]
        order[i] = order[k]
        order[k] = swap
    }
    if (n > 1 && order[1] == last) {
        order[1] = order[2]
        order[2] = last
    }
}

END {
    if (exit_status)
        exit exit_status
    for (i = 1; i <= speakers; i++) {
        s = speaker[i]
        last = ""
        seed(s)
        for (round = 1; round == 1 || n; round++) {
            shuffle(s, round)
            for (k = 1; k <= n; k++) {
                for (c = 1; c <= clips; c++)
                    print s, order[k], path[s, order[k], (round - 1) * clips + c], rows[s], (c > 1 ? 0 : k > 1 ? 1 : 2)
                last = order[k]
            }
        }
    }
}
