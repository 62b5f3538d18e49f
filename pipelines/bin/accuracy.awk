# PREDICTIONS.tsv
# The share of rows that are right, and that of the commonest emotion, in one line.

BEGIN {
    program = "accuracy"
    if (ARGC != 2)
        usage("PREDICTIONS.tsv")
}

FNR == 1 {
    need("emotion")
    need("predicted")
    need("speaker")
    next
}

{
    emotion = $column["emotion"]
    right += emotion == $column["predicted"]
    if (++rows[emotion] > most)
        most = rows[emotion]
    speakers += !($column["speaker"] in seen)
    seen[$column["speaker"]]
}

END {
    if (NR < 2)
        fail("has no rows")
    printf "accuracy=%.3f chance=%.3f speakers=%d utterances=%d (generated speech)\n", \
        right / (NR - 1), most / (NR - 1), speakers, NR - 1
}
